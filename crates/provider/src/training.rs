//! Training jobs: watches `tasks` on chain, accepts what its provision covers, fine-tunes on the
//! published snapshot, registers the adapter and serves it.
//!
//! **Invariants:** what to do follows from chain state alone, so a restart finds its work again;
//! training continues from its checkpoint; a task that is called off on chain stops here.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    str::FromStr as _,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use tributary_client::{
    Sender,
    provider::{JobReport, TrainingQuote},
    tasks,
};
use tributary_contracts::{ITasks, ProvisionRole, TaskState};
use tributary_indexer::{Index as History, JobRow, JobState, ProgressPoint};
use tributary_models::quantize_adapter;
use tributary_primitives::{Amount, Canonical, DatanetId, Digest, ModelId, TaskId};
use tributary_training::{
    Control, Example, FinetuneOptions, FinetuneReport, Preset, TrainingError, Weights, estimate,
    example, finetune,
};

use crate::{
    Library, ModelFacts, ProviderError, Snapshot,
    jobs::{Step, is_passing, preset_of, report, step},
    library::off_reactor,
};

/// How often the chain is looked at.
const PACE: Duration = Duration::from_millis(200);
/// Trained tokens per second expected of a machine that has not trained yet.
const FIRST_PACE: u64 = 1_000;

/// Trains for whoever pays.
#[derive(Clone)]
pub struct Trainer {
    sender: Sender,
    library: Arc<Library>,
    history: History,
    folder: PathBuf,
    running: Arc<Mutex<HashMap<u64, CancellationToken>>>,
    /// Some work was interrupted: look at the tasks again, also without a new block.
    again: Arc<AtomicBool>,
    /// Trained tokens per second of late: what the next job is expected to do.
    pace: Arc<AtomicU64>,
}

/// What a job trains on.
struct Material {
    facts: ModelFacts,
    examples: Vec<Example>,
    rows: u64,
    root: Digest,
}

impl Trainer {
    /// With the provider's account; checkpoints lie in this folder.
    pub fn new(sender: Sender, library: Arc<Library>, history: History, folder: PathBuf) -> Self {
        let pace = Arc::new(AtomicU64::new(FIRST_PACE));
        Self {
            sender,
            library,
            history,
            folder,
            running: Arc::default(),
            again: Arc::default(),
            pace,
        }
    }

    /// Price and time of a job, from the very rows it would train on.
    pub async fn quote(
        &self,
        base: ModelId,
        datanet: DatanetId,
        version: u32,
        preset: &str,
    ) -> Result<TrainingQuote, ProviderError> {
        let preset = parse_preset(preset)?;
        let material = self.material(base, datanet, version).await?;
        let estimate = estimate(&material.examples, &FinetuneOptions::preset(preset, 0));
        let price = self.price(estimate.tokens).await?;
        Ok(TrainingQuote {
            price,
            max_fee: price,
            seconds: self.seconds(estimate.tokens),
            rows: material.rows,
            tokens: estimate.tokens,
            steps: estimate.steps as u64,
            provider: self.sender.address(),
        })
    }

    /// Expected seconds for so many tokens.
    fn seconds(&self, tokens: u64) -> u64 {
        tokens.div_ceil(self.pace.load(Ordering::Relaxed).max(1)) + 1
    }

    /// Stops the work on a task; its escrow has been taken back.
    pub fn stop(&self, task: TaskId) {
        if let Some(token) = self.running.lock().get(&task.0) {
            token.cancel();
        }
    }

    /// Works until told to stop.
    pub async fn run(self, stop: CancellationToken) {
        let mut last = None;
        loop {
            match self.sender.chain().head().await {
                Ok(head) => {
                    let again = self.again.swap(false, Ordering::Relaxed);
                    if again || last != Some(head.hash) {
                        last = match self.tick(&stop).await {
                            Ok(()) => Some(head.hash),
                            Err(error) => {
                                tracing::warn!(%error, "trainer: looking at tasks failed");
                                None
                            }
                        };
                    }
                }
                Err(error) => tracing::debug!(%error, "trainer: no head"),
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(PACE) => {}
            }
        }
    }

    async fn tick(&self, stop: &CancellationToken) -> Result<(), ProviderError> {
        let me = self.sender.address();
        for id in self.sender.chain().tasks().open().await? {
            let task = self.sender.chain().tasks().get(id).await?;
            match step(&task, me) {
                Step::Accept => self.begin(task, stop, true),
                Step::Resume => self.begin(task, stop, false),
                Step::End(_) | Step::Leave => {}
            }
        }
        self.stop_what_ended().await
    }

    /// A task that ended on chain while it is known here as unfinished was called off, ran out of
    /// time, or was completed by a process that died before it could note so.
    async fn stop_what_ended(&self) -> Result<(), ProviderError> {
        let me = self.sender.address();
        let unfinished = self.history.unfinished_jobs()?;
        for mut job in unfinished.into_iter().filter(|job| job.provider == me) {
            let task = self.sender.chain().tasks().get(job.id).await?;
            if let Step::End(state) = step(&task, me) {
                self.stop(job.id);
                self.finish(&task, state, "the escrow went back").await?;
                self.clear(job.id.0);
            } else if TaskState::try_from(task.state) == Ok(TaskState::Completed)
                && !self.running.lock().contains_key(&task.id)
            {
                job.state = JobState::Done;
                job.phase = "serving".into();
                job.result_model = Some(ModelId(task.resultModelId));
                self.history.put_job(job).await?;
                self.clear(task.id);
            }
        }
        Ok(())
    }

    /// Drops what a finished job left on disk.
    fn clear(&self, task: u64) {
        if let Err(error) = std::fs::remove_dir_all(self.job_folder(task))
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(task, %error, "a job's checkpoint could not be removed");
        }
    }

    /// A job as it stands, with its curve from a step on.
    pub fn report(&self, task: TaskId, from: u32) -> Result<Option<JobReport>, ProviderError> {
        let Some(row) = self.history.job(task)? else { return Ok(None) };
        Ok(Some(report(row, self.history.progress(task)?, from)))
    }

    /// A file of the own store: an adapter or a card that a job made.
    pub async fn made(&self, digest: &Digest) -> Result<bytes::Bytes, ProviderError> {
        Ok(self.library.blobs().store().get(digest).await?)
    }

    fn begin(&self, task: ITasks::Task, stop: &CancellationToken, accept: bool) {
        let token = stop.child_token();
        {
            let mut running = self.running.lock();
            if running.contains_key(&task.id) {
                return;
            }
            running.insert(task.id, token.clone());
        }
        let trainer = self.clone();
        tokio::spawn(async move {
            let id = task.id;
            let result = trainer.work(&task, accept, &token).await;
            if let Err(error) = result {
                trainer.give_up(&task, &error, &token).await;
            }
            trainer.running.lock().remove(&id);
        });
    }

    async fn give_up(&self, task: &ITasks::Task, error: &ProviderError, token: &CancellationToken) {
        if token.is_cancelled() {
            tracing::info!(task = task.id, "training stopped");
            return;
        }
        if is_passing(error) {
            tracing::warn!(task = task.id, %error, "training is interrupted and goes on shortly");
            self.again.store(true, Ordering::Relaxed);
            return;
        }
        tracing::warn!(task = task.id, %error, "training failed");
        if let Err(error) = self.finish(task, JobState::Failed, &error.to_string()).await {
            tracing::warn!(task = task.id, %error, "a failed job could not be noted");
        }
        // The requester can take the escrow back at once instead of waiting for the deadline.
        if let Err(error) = self.sender.send(&tasks::release(TaskId(task.id))).await {
            tracing::debug!(task = task.id, %error, "nothing to release");
        }
    }

    async fn work(
        &self,
        task: &ITasks::Task,
        accept: bool,
        token: &CancellationToken,
    ) -> Result<(), ProviderError> {
        let spec = &task.spec;
        if self.history.job(TaskId(task.id))?.is_some_and(|job| job.state == JobState::Failed) {
            return Ok(());
        }
        let mut job = self.row(task);
        self.history.put_job(job.clone()).await?;
        let preset = parse_preset(preset_of(&spec.params))?;
        let datanet = DatanetId(spec.datanetId);
        let material = self.material(ModelId(spec.modelId), datanet, spec.version).await?;
        let plan = estimate(&material.examples, &FinetuneOptions::preset(preset, 0));
        let fee = self.price(plan.tokens).await?;
        if fee > Amount::from_wei(task.maxFee) {
            let offered = Amount::from_wei(task.maxFee);
            let reason = format!("the work costs {fee}, the escrow holds {offered}");
            return Err(ProviderError::refused("escrow_too_small", reason));
        }
        if accept {
            self.sender.send(&tasks::accept(TaskId(task.id))).await?;
        }
        job.steps = plan.steps as u32;
        job.fee = fee;
        job.state = JobState::Training;
        job.phase = "training".into();
        self.history.put_job(job.clone()).await?;
        let adapter = self.train(task, preset, &material, token).await?;
        job.state = JobState::Publishing;
        job.phase = "quantising and registering".into();
        self.history.put_job(job.clone()).await?;
        let model = self.publish(task, &material, fee, adapter).await?;
        job.state = JobState::Done;
        job.phase = "serving".into();
        job.result_model = Some(model);
        self.history.put_job(job).await?;
        self.clear(task.id);
        tracing::info!(task = task.id, model = model.0, "adapter registered");
        Ok(())
    }

    async fn material(
        &self,
        base: ModelId,
        datanet: DatanetId,
        version: u32,
    ) -> Result<Material, ProviderError> {
        let chain = self.sender.chain();
        let facts = ModelFacts::read(chain, self.sender.address(), base).await?;
        if !facts.adapter_digest.is_zero() {
            let reason = "adapters are trained on base models: choose one of those";
            return Err(ProviderError::refused("not_a_base_model", reason));
        }
        let snapshot = Snapshot::load(chain, self.library.blobs(), datanet, version).await?;
        let tokenizer = self.library.tokenizer(&facts.tokenizer_digest).await?;
        let root = Digest::from(snapshot.reference()?.root);
        let rows = snapshot.row_count();
        let examples = off_reactor(move || {
            snapshot.rows().map(|(record, _)| example(&tokenizer, record)).collect::<Vec<_>>()
        });
        let examples = examples.await?;
        if examples.is_empty() {
            let reason = "the version has no rows to learn from: contribute some first";
            return Err(ProviderError::refused("empty_snapshot", reason));
        }
        Ok(Material { facts, examples, rows, root })
    }

    async fn price(&self, tokens: u64) -> Result<Amount, ProviderError> {
        let chain = self.sender.chain();
        let me = self.sender.address();
        let provision = chain.staking().provision_of(me, ProvisionRole::Provider).await?;
        let provision = provision.ok_or_else(|| {
            ProviderError::Internal("this account has no provider provision".into())
        })?;
        let profile = chain.staking().profile(provision.id.into()).await?;
        let price = Amount::from_wei(profile.trainPrice).checked_mul(tokens.into());
        price.ok_or_else(|| ProviderError::refused("price_too_high", "the price overflows"))
    }

    async fn train(
        &self,
        task: &ITasks::Task,
        preset: Preset,
        material: &Material,
        token: &CancellationToken,
    ) -> Result<Vec<u8>, ProviderError> {
        let base = self.library.base(&material.facts.base_digest).await?;
        let seed = Canonical::new("tributary training seed v1").u64(task.id).digest(&material.root);
        let seed = u64::from_le_bytes(seed.finish().0[..8].try_into().unwrap_or_default());
        let folder = self.job_folder(task.id);
        std::fs::create_dir_all(&folder)
            .map_err(|error| ProviderError::Internal(format!("{}: {error}", folder.display())))?;
        let mut options = FinetuneOptions::preset(preset, seed);
        options.checkpoint = Some(folder.join("checkpoint"));
        let (examples, history, token) =
            (material.examples.clone(), self.history.clone(), token.clone());
        let (id, pace) = (TaskId(task.id), Arc::clone(&self.pace));
        off_reactor(move || {
            let weights = Weights::from_float_model(&base.dequantize())?;
            let mut report = |now: &FinetuneReport| {
                pace.store(now.tokens_per_second as u64, Ordering::Relaxed);
                if let Err(error) = history.put_progress(id, point(now)).wait() {
                    tracing::warn!(%error, "progress could not be noted");
                }
                if token.is_cancelled() { Control::Cancel } else { Control::Continue }
            };
            let lora = match finetune(&weights, &examples, &options, &mut report) {
                Err(TrainingError::Cancelled { .. }) => return Err(ProviderError::Cancelled),
                result => result?,
            };
            let adapter = lora.to_float_adapter(&weights.config);
            Ok(quantize_adapter(&adapter, &base)?.to_bytes().to_vec())
        })
        .await?
    }

    async fn publish(
        &self,
        task: &ITasks::Task,
        material: &Material,
        fee: Amount,
        adapter: Vec<u8>,
    ) -> Result<ModelId, ProviderError> {
        let store = self.library.blobs().store();
        let digest = store.put(adapter).await?;
        let card = json!({
            "kind": "adapter",
            "name": task.spec.adapterName,
            "base": material.facts.name,
            "base_digest": material.facts.base_digest,
            "datanet": task.spec.datanetId,
            "version": task.spec.version,
            "rows": material.rows,
            "preset": preset_of(&task.spec.params),
            "task": task.id,
        });
        let card = serde_json::to_vec(&card).map_err(|e| ProviderError::Internal(e.to_string()))?;
        let card = store.put(card).await?;
        let receipt =
            self.sender.send(&tasks::complete(TaskId(task.id), digest, card, fee)).await?;
        let model = tasks::completed_model(&receipt);
        let model =
            model.ok_or_else(|| ProviderError::Internal("no adapter was registered".into()))?;
        // Warm: the first question should not wait.
        let facts = ModelFacts::read(self.sender.chain(), self.sender.address(), model).await?;
        self.library.load(&facts).await?;
        Ok(model)
    }

    async fn finish(
        &self,
        task: &ITasks::Task,
        state: JobState,
        why: &str,
    ) -> Result<(), ProviderError> {
        let mut job = self.history.job(TaskId(task.id))?.unwrap_or_else(|| self.row(task));
        if job.state.is_final() {
            return Ok(());
        }
        job.state = state;
        job.phase = state.label().into();
        job.error = Some(why.to_owned());
        Ok(self.history.put_job(job).await?)
    }

    fn row(&self, task: &ITasks::Task) -> JobRow {
        JobRow {
            id: TaskId(task.id),
            owner: task.requester,
            provider: self.sender.address(),
            model_name: task.spec.adapterName.clone(),
            base_model: ModelId(task.spec.modelId),
            datanet: DatanetId(task.spec.datanetId),
            version: task.spec.version,
            preset: preset_of(&task.spec.params).to_owned(),
            steps: 0,
            state: JobState::Preparing,
            phase: "loading data and model".into(),
            error: None,
            result_model: None,
            fee: Amount::ZERO,
            details: json!({}),
            created_ms: 0,
            updated_ms: 0,
        }
    }

    fn job_folder(&self, task: u64) -> PathBuf {
        Path::join(&self.folder, task.to_string())
    }
}

fn parse_preset(name: &str) -> Result<Preset, ProviderError> {
    Preset::from_str(name).map_err(|_| {
        let reason = format!("preset `{name}` is unknown: use quick, balanced or best");
        ProviderError::refused("unknown_preset", reason)
    })
}

fn point(report: &FinetuneReport) -> ProgressPoint {
    ProgressPoint {
        step: report.step as u32,
        loss: report.loss,
        val_loss: None,
        tokens_per_s: report.tokens_per_second,
        eta_ms: (report.eta_seconds * 1_000.0) as u64,
        at_ms: 0,
    }
}
