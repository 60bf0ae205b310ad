//! The engine's front: what is loaded, the bounded queue, and the handle of a running job.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
        mpsc::{SyncSender, TrySendError, sync_channel},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use parking_lot::{Mutex, RwLock};
use tokio::sync::mpsc;
use tributary_primitives::Digest;
use tributary_tensor::{Adapter, Backend, Model, Sampling, TensorError};

use crate::{EngineError, Token, batch::Batch};

/// How large an engine is.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// Threads that share a step.
    pub threads: usize,
    /// Sequences in one step.
    pub sequences: usize,
    /// Jobs that may wait for a place.
    pub queue: usize,
    /// Prompt tokens that one sequence adds to a step.
    pub prefill_chunk: usize,
}

impl Default for EngineConfig {
    fn default() -> Self {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        Self { threads, sequences: 32, queue: 256, prefill_chunk: 64 }
    }
}

/// One answer to produce.
#[derive(Clone, Debug)]
pub struct Job {
    /// The base model.
    pub model: Digest,
    /// The adapter.
    pub adapter: Option<Digest>,
    /// What to continue.
    pub prompt: Vec<u32>,
    /// How tokens are chosen.
    pub sampling: Sampling,
    /// Seed of the sampler.
    pub job_seed: Digest,
    /// Tokens to produce at the most.
    pub max_tokens: u32,
    /// Tokens that end the answer.
    pub stop_ids: Vec<u32>,
}

/// A job on its way; dropping it frees its place.
#[derive(Debug)]
pub struct Running(mpsc::Receiver<Token>);

impl Running {
    /// The next token; `None` after the last one.
    pub async fn next(&mut self) -> Option<Token> {
        self.0.recv().await
    }

    /// The next token, off the reactor.
    pub fn next_blocking(&mut self) -> Option<Token> {
        self.0.blocking_recv()
    }
}

/// A job with everything it needs, on its way to the batch.
pub(crate) struct Order {
    pub job: Job,
    pub model: Arc<Model>,
    pub adapter: Option<Arc<Adapter>>,
    pub tokens: mpsc::Sender<Token>,
}

/// What engine and thread share.
#[derive(Default)]
pub(crate) struct Gauge {
    /// Jobs that wait or run.
    pub active: AtomicUsize,
    /// What a job took lately, in milliseconds.
    pub job_ms: AtomicU64,
}

struct Inner {
    config: EngineConfig,
    models: RwLock<HashMap<Digest, Arc<Model>>>,
    adapters: RwLock<HashMap<Digest, (Digest, Arc<Adapter>)>>,
    orders: Mutex<Option<SyncSender<Order>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    gauge: Arc<Gauge>,
}

/// The serving engine; clones share it, and the last one to go ends it.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Engine({} jobs)", self.active())
    }
}

impl Engine {
    /// Starts the engine's thread.
    pub fn start(config: EngineConfig) -> Self {
        let (orders, inbox) = sync_channel(config.queue.max(1));
        let gauge = Arc::new(Gauge::default());
        let batch = Batch::new(config.clone(), backend(config.threads), Arc::clone(&gauge));
        let thread = thread::Builder::new().name("engine".into());
        let thread = thread.spawn(move || batch.run(&inbox)).ok();
        Self(Arc::new(Inner {
            config,
            models: RwLock::default(),
            adapters: RwLock::default(),
            orders: Mutex::new(thread.is_some().then_some(orders)),
            thread: Mutex::new(thread),
            gauge,
        }))
    }

    /// Makes a base model available.
    pub fn add_model(&self, digest: Digest, model: Arc<Model>) {
        self.0.models.write().insert(digest, model);
    }

    /// Makes an adapter available; its base must be.
    pub fn add_adapter(
        &self,
        digest: Digest,
        base: Digest,
        adapter: Arc<Adapter>,
    ) -> Result<(), EngineError> {
        let model = self.model(&base)?;
        adapter.check(&model)?;
        self.0.adapters.write().insert(digest, (base, adapter));
        Ok(())
    }

    /// True when a base model is loaded.
    pub fn has_model(&self, digest: &Digest) -> bool {
        self.0.models.read().contains_key(digest)
    }

    /// True when an adapter is loaded.
    pub fn has_adapter(&self, digest: &Digest) -> bool {
        self.0.adapters.read().contains_key(digest)
    }

    /// Forgets an adapter; jobs that use it end as they would.
    pub fn remove_adapter(&self, digest: &Digest) {
        self.0.adapters.write().remove(digest);
    }

    /// Jobs that wait or run.
    pub fn active(&self) -> usize {
        self.0.gauge.active.load(Ordering::Relaxed)
    }

    /// Queues a job; everything that can be refused is refused here.
    pub fn submit(&self, job: Job) -> Result<Running, EngineError> {
        let model = self.model(&job.model)?;
        let adapter = job.adapter.map(|digest| self.adapter(&digest, &job.model)).transpose()?;
        check(&job, &model)?;
        // Never full: an answer has at most `max_tokens` tokens.
        let (tokens, running) = mpsc::channel(job.max_tokens.max(1) as usize);
        let order = Order { job, model, adapter, tokens };
        let orders = self.0.orders.lock();
        let orders = orders.as_ref().ok_or(EngineError::Stopped)?;
        self.0.gauge.active.fetch_add(1, Ordering::Relaxed);
        orders.try_send(order).map_err(|error| {
            self.0.gauge.active.fetch_sub(1, Ordering::Relaxed);
            match error {
                TrySendError::Full(_) => EngineError::Busy { retry_after_ms: self.drain_ms() },
                TrySendError::Disconnected(_) => EngineError::Stopped,
            }
        })?;
        Ok(Running(running))
    }

    /// Ends the thread after the step under way; jobs end without a last token.
    pub fn stop(&self) {
        self.0.orders.lock().take();
        if let Some(thread) = self.0.thread.lock().take() {
            // A panic was reported when it happened.
            let _ = thread.join();
        }
    }

    fn model(&self, digest: &Digest) -> Result<Arc<Model>, EngineError> {
        let models = self.0.models.read();
        models.get(digest).cloned().ok_or(EngineError::UnknownModel(*digest))
    }

    fn adapter(&self, digest: &Digest, model: &Digest) -> Result<Arc<Adapter>, EngineError> {
        let adapters = self.0.adapters.read();
        let (base, adapter) = adapters.get(digest).ok_or(EngineError::UnknownAdapter(*digest))?;
        if base != model {
            return Err(EngineError::WrongAdapter { adapter: *digest, base: *base });
        }
        Ok(Arc::clone(adapter))
    }

    /// When the queue should have a place again: the jobs ahead, at the pace of late.
    fn drain_ms(&self) -> u64 {
        let each = self.0.gauge.job_ms.load(Ordering::Relaxed).max(100);
        let ahead = self.active() as u64 / self.0.config.sequences.max(1) as u64;
        let longest = Duration::from_secs(60).as_millis() as u64;
        (each * (ahead + 1)).min(longest)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.orders.lock().take();
        if let Some(thread) = self.thread.lock().take() {
            let _ = thread.join();
        }
    }
}

fn check(job: &Job, model: &Model) -> Result<(), EngineError> {
    if job.prompt.is_empty() {
        return Err(EngineError::EmptyPrompt);
    }
    let shape = model.shape();
    let wanted = job.prompt.len().saturating_add(job.max_tokens as usize);
    let most = shape.context as usize;
    if wanted > most || job.max_tokens == 0 {
        return Err(EngineError::TooLong { wanted: wanted.max(job.prompt.len() + 1), most });
    }
    match job.prompt.iter().find(|token| **token >= shape.vocab) {
        Some(token) => Err(TensorError::UnknownToken { token: *token, vocab: shape.vocab }.into()),
        None => Ok(()),
    }
}

fn backend(threads: usize) -> Backend {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|index| format!("engine-{index}"))
        .build();
    match pool {
        Ok(pool) if threads > 1 => Backend::default().with_pool(Arc::new(pool)),
        _ => Backend::default(),
    }
}
