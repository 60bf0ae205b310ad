//! Continuous batching: each step takes one token of every running sequence, or a chunk of its
//! prompt, and lets new jobs in between steps.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::Ordering,
        mpsc::{Receiver, TryRecvError},
    },
    time::Instant,
};

use tributary_primitives::Digest;
use tributary_tensor::{
    Backend, KvCache, Logits, LogitsDigest, Model, Segment, Want, forward, random_at, sample,
};

use crate::{
    End, EngineConfig, Token,
    engine::{Gauge, Order},
};

/// A job in the batch.
struct Sequence {
    order: Order,
    cache: KvCache,
    /// Tokens that the model has not seen: the rest of the prompt, or the newest token.
    unseen: Vec<u32>,
    produced: u32,
    digest: LogitsDigest,
    started: Instant,
}

/// The engine's thread.
pub(crate) struct Batch {
    config: EngineConfig,
    backend: Backend,
    gauge: Arc<Gauge>,
    sequences: Vec<Sequence>,
}

impl Batch {
    pub(crate) fn new(config: EngineConfig, backend: Backend, gauge: Arc<Gauge>) -> Self {
        Self { config, backend, gauge, sequences: Vec::new() }
    }

    /// Steps until the engine is dropped.
    pub(crate) fn run(mut self, inbox: &Receiver<Order>) {
        while self.admit(inbox) {
            // One step serves one base model; the front's turn moves on with every step.
            if let Some(front) = self.sequences.first() {
                let model = Arc::clone(&front.order.model);
                self.step(&model);
            }
        }
    }

    /// Lets jobs in; waits for one when there is nothing to do. False when the engine is gone.
    fn admit(&mut self, inbox: &Receiver<Order>) -> bool {
        let left: Vec<_> = self.sequences.extract_if(.., |s| s.order.tokens.is_closed()).collect();
        self.gauge.active.fetch_sub(left.len(), Ordering::Relaxed);
        while self.sequences.len() < self.config.sequences.max(1) {
            let order = if self.sequences.is_empty() {
                inbox.recv().map_err(|_| TryRecvError::Disconnected)
            } else {
                inbox.try_recv()
            };
            match order {
                Ok(order) => self.sequences.push(Sequence::new(order)),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
        true
    }

    /// One step of all sequences over a base model.
    fn step(&mut self, model: &Arc<Model>) {
        let chunk = self.config.prefill_chunk.max(1);
        let mine = |sequence: &Sequence| Arc::ptr_eq(&sequence.order.model, model);
        let mut batch: Vec<&mut Sequence> =
            self.sequences.iter_mut().filter(|sequence| mine(sequence)).collect();
        let logits = {
            let mut segments: Vec<Segment<'_>> =
                batch.iter_mut().map(|sequence| sequence.segment(chunk)).collect();
            catch_unwind(AssertUnwindSafe(|| forward(model, &mut segments, &self.backend)))
        };
        let over: Vec<bool> = match logits {
            Ok(Ok(logits)) => {
                batch.iter_mut().zip(&logits).map(|(s, logits)| s.take(chunk, logits)).collect()
            }
            Ok(Err(error)) => {
                tracing::error!(%error, "the engine refused a checked batch");
                vec![true; batch.len()]
            }
            Err(_) => {
                tracing::error!("the engine's arithmetic panicked; its batch is dropped");
                vec![true; batch.len()]
            }
        };
        self.retire(model, over);
    }

    /// Takes finished sequences out and moves the others behind those of other models.
    fn retire(&mut self, model: &Arc<Model>, over: Vec<bool>) {
        let mut over = over.into_iter();
        let (mut stay, mut behind) = (Vec::new(), Vec::new());
        for sequence in self.sequences.drain(..) {
            if !Arc::ptr_eq(&sequence.order.model, model) {
                stay.push(sequence);
            } else if over.next().unwrap_or(true) {
                let took = sequence.started.elapsed().as_millis() as u64;
                let before = self.gauge.job_ms.load(Ordering::Relaxed);
                self.gauge.job_ms.store((before * 7 + took) / 8, Ordering::Relaxed);
                self.gauge.active.fetch_sub(1, Ordering::Relaxed);
            } else {
                behind.push(sequence);
            }
        }
        stay.append(&mut behind);
        self.sequences = stay;
    }
}

impl Sequence {
    fn new(order: Order) -> Self {
        Self {
            cache: KvCache::new(&order.model),
            unseen: order.job.prompt.clone(),
            produced: 0,
            digest: LogitsDigest::new(),
            started: Instant::now(),
            order,
        }
    }

    fn segment(&mut self, chunk: usize) -> Segment<'_> {
        let size = self.unseen.len().min(chunk);
        let want = if size == self.unseen.len() { Want::Last } else { Want::None };
        Segment {
            tokens: &self.unseen[..size],
            cache: &mut self.cache,
            adapter: self.order.adapter.as_deref(),
            want,
        }
    }

    /// Takes a step's logits; true when the sequence is over.
    fn take(&mut self, chunk: usize, logits: &Logits) -> bool {
        let size = self.unseen.len().min(chunk);
        self.unseen.drain(..size);
        if !self.unseen.is_empty() || logits.rows == 0 {
            return false;
        }
        let row = logits.row(logits.rows - 1);
        let job = &self.order.job;
        let random = random_at(&job.job_seed.0, u64::from(self.produced));
        let id = sample(row, &job.sampling, random);
        self.digest.update(row);
        self.produced += 1;
        let end = if job.stop_ids.contains(&id) {
            Some(End::Stop)
        } else {
            (self.produced >= job.max_tokens).then_some(End::Length)
        };
        let token = Token { id, logits: Digest(self.digest.finish()), end };
        self.unseen.push(id);
        // Full is impossible; closed means that the caller has left.
        self.order.tokens.try_send(token).is_err() || end.is_some()
    }
}
