//! Gathers what a verification needs: facts from a chain, files by digest, the gateway's epoch
//! data. Nothing is believed that the checks can recompute, so a verifier may use any source.

use async_trait::async_trait;
use tributary_artifacts::Artifacts;
use tributary_client::{Chain, ClientError, Rest, models, staking};
use tributary_contracts::{
    IChannels, IDatanets, IModels, IStaking, MODELS, ModelKind, ModelStatus, ProvisionRole,
    RootStatus, STAKING,
};
use tributary_datasets::{Manifest, ManifestEntry};
use tributary_indexer::Index;
use tributary_primitives::{
    Amount, B256, ContributionId, DatanetId, Digest, ModelId, Receipt, ReceiptBody, SnapshotRef,
    Transcript,
};
use tributary_verification::{
    BlockFacts, ChannelFacts, EpochData, EpochFacts, Evidence, ModelFacts, PostedRoot,
    ProviderFacts, Report, TaskFacts,
};

use crate::{Refusal, epochs};

/// Where files and epoch data come from.
#[async_trait]
pub trait BlobSource: Send + Sync {
    /// A file by its digest; `None` when it cannot be had.
    async fn blob(&self, digest: &Digest) -> Option<Vec<u8>>;
    /// The data behind a posted hash; `None` when it cannot be had.
    async fn epoch_data(&self, data_hash: B256) -> Option<EpochData>;
}

/// Files of this process.
#[derive(Clone)]
pub struct LocalBlobs {
    artifacts: Artifacts,
    index: Index,
}

impl LocalBlobs {
    /// Over the node's own store and index.
    pub fn new(artifacts: Artifacts, index: Index) -> Self {
        Self { artifacts, index }
    }
}

#[async_trait]
impl BlobSource for LocalBlobs {
    async fn blob(&self, digest: &Digest) -> Option<Vec<u8>> {
        self.artifacts.get(digest).await.ok().map(|bytes| bytes.to_vec())
    }

    async fn epoch_data(&self, data_hash: B256) -> Option<EpochData> {
        epochs::data(&self.artifacts, &self.index, data_hash).await.ok().flatten()
    }
}

/// Files of a gateway over HTTP.
#[derive(Clone, Debug)]
pub struct HttpBlobs(Rest);

impl HttpBlobs {
    /// Of the gateway behind a REST client.
    pub fn new(rest: Rest) -> Self {
        Self(rest)
    }
}

#[async_trait]
impl BlobSource for HttpBlobs {
    async fn blob(&self, digest: &Digest) -> Option<Vec<u8>> {
        self.0.blob(digest).await.ok()
    }

    async fn epoch_data(&self, data_hash: B256) -> Option<EpochData> {
        self.0.get(&format!("/roots/{data_hash}")).await.ok()
    }
}

/// A chain with a source of files.
pub struct ChainSources<B> {
    chain: Chain,
    blobs: B,
}

/// Checks a receipt; the epoch is searched on chain when it is not known.
pub async fn verify<B: BlobSource>(
    chain: &Chain,
    blobs: &B,
    receipt: &Receipt,
    transcript: Option<&Transcript>,
    epoch: Option<u64>,
) -> Result<Report, Refusal> {
    let evidence = gather(chain, blobs, receipt, epoch).await?;
    let (receipt, transcript) = (receipt.clone(), transcript.cloned());
    let work = move || tributary_verification::verify(&receipt, transcript.as_ref(), &evidence);
    tokio::task::spawn_blocking(work).await.map_err(Refusal::internal)
}

impl<B: BlobSource> ChainSources<B> {
    /// Facts from `chain`, files from `blobs`.
    pub fn new(chain: Chain, blobs: B) -> Self {
        Self { chain, blobs }
    }

    /// Checks a receipt, with its transcript where there is one.
    pub async fn verify(
        &self,
        receipt: &Receipt,
        transcript: Option<&Transcript>,
    ) -> Result<Report, Refusal> {
        verify(&self.chain, &self.blobs, receipt, transcript, None).await
    }
}

/// A fact that the chain does not have is absent; a chain that does not answer is an error.
fn absent<T>(answer: Result<T, ClientError>) -> Result<Option<T>, Refusal> {
    match answer {
        Ok(fact) => Ok(Some(fact)),
        Err(error) if error.is_unreachable() => Err(error.into()),
        Err(_) => Ok(None),
    }
}

async fn gather<B: BlobSource>(
    chain: &Chain,
    blobs: &B,
    receipt: &Receipt,
    epoch: Option<u64>,
) -> Result<Evidence, Refusal> {
    let body = &receipt.signed.body;
    let block = chain.block_ref(body.block_number).await?;
    let manifest = manifest(chain, body.snapshot).await?;
    let mut bundles = Vec::new();
    for entry in manifest.iter().flat_map(|manifest| &manifest.entries) {
        bundles.push(blobs.blob(&entry.data_commit).await.unwrap_or_default());
    }
    let adapter_file = match body.adapter_digest.is_zero() {
        true => None,
        false => blobs.blob(&body.adapter_digest).await,
    };
    Ok(Evidence {
        chain_id: chain.chain_id(),
        block: block.map(|block| BlockFacts {
            number: block.number,
            hash: block.hash,
            timestamp: block.timestamp,
        }),
        provider: provider_facts(chain, body).await?,
        channel: channel_facts(chain, body).await?,
        model: model_facts(chain, body).await?,
        manifest,
        blobs: bundles,
        model_file: blobs.blob(&body.model_digest).await,
        adapter_file,
        tokenizer_file: blobs.blob(&body.tokenizer_digest).await,
        epoch: epoch_facts(chain, blobs, receipt, epoch).await?,
    })
}

async fn provider_facts(
    chain: &Chain,
    body: &ReceiptBody,
) -> Result<Option<ProviderFacts>, Refusal> {
    let at = body.block_number.into();
    let call =
        IStaking::provisionOfCall { owner: body.provider, role: ProvisionRole::Provider.code() };
    let Some(provision) = absent(chain.call_at(STAKING, &call, at).await)? else { return Ok(None) };
    let call = IStaking::profileOfCall { provisionId: provision.id };
    let profile = absent(chain.call_at(STAKING, &call, at).await)?;
    Ok(profile.map(|profile| ProviderFacts {
        provider: provision.owner,
        receipt_key: profile.receiptKey,
        is_active: provision.active,
        prices: staking::prices(&profile),
    }))
}

async fn channel_facts(chain: &Chain, body: &ReceiptBody) -> Result<Option<ChannelFacts>, Refusal> {
    if let Some(task) = body.channel.as_task() {
        return Ok(absent(chain.tasks().get(task).await)?.map(|task| ChannelFacts {
            channel: body.channel,
            payer: task.requester,
            gateway: task.spec.gateway,
            opened_at: task.submittedAt,
            task: Some(TaskFacts {
                receipt: task.resultDigest,
                prompt: task.spec.inputDigest.into(),
                fee: Amount::from_wei(task.fee),
            }),
        }));
    }
    let channel = absent(chain.channels().get(body.channel).await)?;
    Ok(channel.map(|channel| ChannelFacts {
        channel: body.channel,
        payer: channel.payer,
        gateway: channel.gateway,
        opened_at: channel.openedAt,
        task: None,
    }))
}

async fn model_facts(chain: &Chain, body: &ReceiptBody) -> Result<Option<ModelFacts>, Refusal> {
    let at = body.block_number.into();
    let get = |id: ModelId| IModels::getModelCall { modelId: id.0 };
    let Some(model) = absent(chain.call_at(MODELS, &get(body.model), at).await)? else {
        return Ok(None);
    };
    let mut base = model.clone();
    // A parent's id is smaller than its child's, so this ends.
    while base.kind == ModelKind::Adapter.code() {
        let parent = base.parents.first().copied().filter(|parent| *parent < base.id);
        let Some(parent) = parent else { return Ok(None) };
        let found = absent(chain.call_at(MODELS, &get(ModelId(parent)), at).await)?;
        let Some(found) = found else { return Ok(None) };
        base = found;
    }
    let is_adapter = base.id != model.id;
    let snapshot = snapshot_of(chain, &model).await?;
    let Some(lineage) = absent(chain.models().lineage_at(body.model, body.block_number).await)?
    else {
        return Ok(None);
    };
    let has_backers = match snapshot.datanet.is_none() {
        true => false,
        false => {
            let pool = chain.royalties().pool_at(snapshot.datanet, body.block_number).await;
            absent(pool)?.is_some_and(|pool| pool.backing > 0)
        }
    };
    let Some(parts) = absent(chain.royalties().parts_at(body.block_number).await)? else {
        return Ok(None);
    };
    Ok(Some(ModelFacts {
        model: body.model,
        model_digest: base.digest.into(),
        adapter_digest: if is_adapter { model.digest.into() } else { Digest::ZERO },
        tokenizer_digest: base.tokenizerDigest.into(),
        snapshot,
        prices: models::prices(&model),
        lineage,
        has_backers,
        is_active: model.status == ModelStatus::Active.code(),
        parts,
    }))
}

async fn snapshot_of(chain: &Chain, model: &IModels::Model) -> Result<SnapshotRef, Refusal> {
    let Some((datanet, version)) = models::snapshot_key(model) else {
        return Ok(SnapshotRef::default());
    };
    let frozen = absent(chain.datanets().snapshot(datanet, version).await)?;
    let root = frozen.map(|frozen| frozen.root).unwrap_or_default();
    Ok(SnapshotRef { datanet, version, root })
}

/// The contributions of a version, in leaf order.
pub async fn manifest(chain: &Chain, snapshot: SnapshotRef) -> Result<Option<Manifest>, Refusal> {
    if snapshot.datanet.is_none() {
        return Ok(None);
    }
    let published = chain.datanets().published(snapshot.datanet, snapshot.version).await;
    let Some(published) = absent(published)? else { return Ok(None) };
    let frozen_at = absent(chain.datanets().snapshot(snapshot.datanet, snapshot.version).await)?;
    let frozen_at = frozen_at.map(|frozen| frozen.publishedAt).unwrap_or_default();
    let mut entries = Vec::with_capacity(published.len());
    for contribution in &published {
        entries.push(entry(chain, contribution, frozen_at).await?);
    }
    let Some(entries) = entries.into_iter().collect::<Option<Vec<_>>>() else { return Ok(None) };
    Ok(Some(Manifest { datanet: snapshot.datanet, version: snapshot.version, entries }))
}

async fn entry(
    chain: &Chain,
    contribution: &IDatanets::Contribution,
    frozen_at: u64,
) -> Result<Option<ManifestEntry>, Refusal> {
    let Ok(item_count) = u32::try_from(contribution.itemCount) else { return Ok(None) };
    let id = ContributionId(contribution.id);
    Ok(Some(ManifestEntry {
        contribution: id,
        contributor: contribution.contributor,
        items_root: contribution.itemsRoot,
        item_count,
        data_commit: contribution.dataCommit.into(),
        tombstoned: chain.datanets().withdrawn_before(contribution, frozen_at).await?,
    }))
}

async fn epoch_facts<B: BlobSource>(
    chain: &Chain,
    blobs: &B,
    receipt: &Receipt,
    epoch: Option<u64>,
) -> Result<Option<EpochFacts>, Refusal> {
    let Some((posted, before, data)) = search(chain, blobs, receipt, epoch).await? else {
        return Ok(None);
    };
    let previous = match data.previous.is_zero() {
        true => None,
        false => blobs.epoch_data(data.previous).await,
    };
    Ok(Some(EpochFacts {
        posted: PostedRoot {
            gateway: receipt.signed.body.gateway,
            epoch: posted.epoch,
            root: posted.root,
            total: Amount::from_wei(posted.total),
            leaves: posted.leaves,
            data_hash: posted.dataHash,
            previous: before,
            stands: posted.status == RootStatus::Posted.code(),
        },
        data,
        previous,
    }))
}

/// Roots that one call of the chain shows.
const ROOT_PAGE: u64 = 64;

/// Looks through a gateway's roots, newest first, for the one whose data names the receipt (or
/// the one of a known epoch). With it: the data hash of the root before it, and its own data.
async fn search<B: BlobSource>(
    chain: &Chain,
    blobs: &B,
    receipt: &Receipt,
    epoch: Option<u64>,
) -> Result<Option<(IChannels::EpochRoot, B256, EpochData)>, Refusal> {
    let body = &receipt.signed.body;
    let mut end = chain.channels().gateway(body.gateway).await?.rootCount;
    while end > 0 {
        let start = end.saturating_sub(ROOT_PAGE);
        let mut page = chain.channels().roots(body.gateway, start).await?;
        page.truncate(usize::try_from(end - start).unwrap_or_default());
        // The first of a page that is not the first of all only tells what stood before.
        while let Some(root) = page.pop() {
            let before = page.last().map(|before| before.dataHash);
            if before.is_none() && start > 0 {
                break;
            }
            if root.postedAt < body.issued_at {
                return Ok(None);
            }
            if epoch.is_some_and(|epoch| epoch != root.epoch) {
                continue;
            }
            let data = blobs.epoch_data(root.dataHash).await;
            let names = |data: &EpochData| data.receipts.iter().any(|e| e.id == receipt.signed.id);
            if let Some(data) = data.filter(|data| epoch.is_some() || names(data)) {
                return Ok(Some((root, before.unwrap_or_default(), data)));
            }
        }
        end = if start == 0 { 0 } else { start + 1 };
    }
    Ok(None)
}

/// A datanet's newest version with its contributions.
pub async fn head_manifest(chain: &Chain, datanet: DatanetId) -> Result<Option<Manifest>, Refusal> {
    let version = chain.datanets().get(datanet).await?.headVersion;
    if version == 0 {
        return Ok(None);
    }
    let root = chain.datanets().snapshot(datanet, version).await?.root;
    manifest(chain, SnapshotRef { datanet, version, root }).await
}
