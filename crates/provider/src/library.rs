//! What is loaded: base models, adapters, tokenizers and attribution indexes, each by digest,
//! fetched and checked once and then shared.

use std::{collections::HashMap, path::PathBuf, sync::Arc};

use parking_lot::RwLock;
use tokio::sync::Mutex;
use tributary_attribution::{Index, build_index};
use tributary_client::Chain;
use tributary_inference::Engine;
use tributary_models::{QuantizedAdapter, QuantizedModel, Tokenizer};
use tributary_primitives::{B256, DatanetId, Digest};

use crate::{Blobs, ModelFacts, ProviderError, Snapshot};

/// A model ready to answer.
#[derive(Clone)]
pub struct Loaded {
    /// Its tokenizer.
    pub tokenizer: Arc<Tokenizer>,
    /// Tokens of one sequence at the most.
    pub context: u32,
    /// The index of its data, when it has data.
    pub index: Option<Arc<Index>>,
}

/// Everything loaded, and the engine it is loaded into.
pub struct Library {
    chain: Chain,
    blobs: Blobs,
    engine: Engine,
    indexes_folder: PathBuf,
    bases: RwLock<HashMap<Digest, Arc<QuantizedModel>>>,
    tokenizers: RwLock<HashMap<Digest, Arc<Tokenizer>>>,
    indexes: RwLock<HashMap<(DatanetId, u32, Digest), Arc<Index>>>,
    /// One load at a time: a second caller finds what the first has loaded.
    turn: Mutex<()>,
}

impl Library {
    /// An empty library over an engine; indexes are kept in this folder.
    pub fn new(chain: Chain, blobs: Blobs, engine: Engine, indexes_folder: PathBuf) -> Self {
        Self {
            chain,
            blobs,
            engine,
            indexes_folder,
            bases: RwLock::default(),
            tokenizers: RwLock::default(),
            indexes: RwLock::default(),
            turn: Mutex::default(),
        }
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The blobs.
    pub fn blobs(&self) -> &Blobs {
        &self.blobs
    }

    /// Loads what a served model needs; quick when it is loaded already.
    pub async fn load(&self, facts: &ModelFacts) -> Result<Loaded, ProviderError> {
        if let Some(loaded) = self.loaded(facts) {
            return Ok(loaded);
        }
        let _turn = self.turn.lock().await;
        let base = self.base(&facts.base_digest).await?;
        let tokenizer = self.tokenizer(&facts.tokenizer_digest).await?;
        if !facts.adapter_digest.is_zero() {
            self.adapter(&facts.adapter_digest, &facts.base_digest, &base).await?;
        }
        let index = match facts.snapshot {
            Some((datanet, version)) => Some(self.index(datanet, version, &tokenizer).await?),
            None => None,
        };
        Ok(Loaded { tokenizer, context: base.model.shape.context, index })
    }

    fn loaded(&self, facts: &ModelFacts) -> Option<Loaded> {
        let base = self.bases.read().get(&facts.base_digest).cloned()?;
        let tokenizer = self.tokenizers.read().get(&facts.tokenizer_digest).cloned()?;
        let adapter = &facts.adapter_digest;
        if !adapter.is_zero() && !self.engine.has_adapter(adapter) {
            return None;
        }
        let index = match facts.snapshot {
            Some((datanet, version)) => {
                let key = (datanet, version, facts.tokenizer_digest);
                Some(self.indexes.read().get(&key).cloned()?)
            }
            None => None,
        };
        Some(Loaded { tokenizer, context: base.model.shape.context, index })
    }

    /// A base model by the digest of its file.
    pub async fn base(&self, digest: &Digest) -> Result<Arc<QuantizedModel>, ProviderError> {
        if let Some(base) = self.bases.read().get(digest) {
            return Ok(Arc::clone(base));
        }
        let bytes = self.blobs.get(digest).await?;
        let model = off_reactor(move || QuantizedModel::from_bytes(&bytes)).await??;
        let model = Arc::new(model);
        self.engine.add_model(*digest, Arc::clone(&model.model));
        self.bases.write().insert(*digest, Arc::clone(&model));
        Ok(model)
    }

    /// A tokenizer by the digest of its file.
    pub async fn tokenizer(&self, digest: &Digest) -> Result<Arc<Tokenizer>, ProviderError> {
        if let Some(tokenizer) = self.tokenizers.read().get(digest) {
            return Ok(Arc::clone(tokenizer));
        }
        let bytes = self.blobs.get(digest).await?;
        let tokenizer = off_reactor(move || Tokenizer::from_json(&bytes)).await??;
        let tokenizer = Arc::new(tokenizer);
        self.tokenizers.write().insert(*digest, Arc::clone(&tokenizer));
        Ok(tokenizer)
    }

    async fn adapter(
        &self,
        digest: &Digest,
        base_digest: &Digest,
        base: &Arc<QuantizedModel>,
    ) -> Result<(), ProviderError> {
        if self.engine.has_adapter(digest) {
            return Ok(());
        }
        let bytes = self.blobs.get(digest).await?;
        let base = Arc::clone(base);
        let adapter = off_reactor(move || QuantizedAdapter::from_bytes(&bytes, &base)).await??;
        self.engine.add_adapter(*digest, *base_digest, adapter.adapter)?;
        Ok(())
    }

    /// The attribution index of a version for a tokenizer: from its file, else built and kept.
    pub async fn index(
        &self,
        datanet: DatanetId,
        version: u32,
        tokenizer: &Arc<Tokenizer>,
    ) -> Result<Arc<Index>, ProviderError> {
        let key = (datanet, version, tokenizer.digest());
        if let Some(index) = self.indexes.read().get(&key) {
            return Ok(Arc::clone(index));
        }
        let snapshot = Snapshot::load(&self.chain, &self.blobs, datanet, version).await?;
        let index = self.index_of(snapshot, tokenizer).await?;
        self.indexes.write().insert(key, Arc::clone(&index));
        Ok(index)
    }

    /// The index of a loaded snapshot.
    async fn index_of(
        &self,
        snapshot: Snapshot,
        tokenizer: &Arc<Tokenizer>,
    ) -> Result<Arc<Index>, ProviderError> {
        let reference = snapshot.reference()?;
        let folder = self.index_folder(&reference.root, &tokenizer.digest());
        let tokenizer = Arc::clone(tokenizer);
        let index = off_reactor(move || -> Result<Index, ProviderError> {
            // The root fixes the rows, but not which of them were withdrawn since: a file of
            // another row count is of another time and built again.
            if let Ok(index) = Index::open(&folder, &tokenizer.digest()) {
                if index.records().len() as u64 == snapshot.row_count() {
                    return Ok(index);
                }
            }
            let index = build_index(reference, &tokenizer, snapshot.rows())?;
            index.write(&folder)?;
            Ok(index)
        });
        Ok(Arc::new(index.await??))
    }

    fn index_folder(&self, root: &B256, tokenizer: &Digest) -> PathBuf {
        self.indexes_folder.join(format!("{root:x}-{}", tokenizer.short()))
    }
}

/// Runs heavy work on the blocking pool.
pub(crate) async fn off_reactor<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ProviderError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| ProviderError::Internal(format!("a computation ended: {error}")))
}
