//! How fast the engine decodes, in tokens per second of processor time, for `cargo xtask bench`.

use std::time::Instant;

use tributary_tensor::{
    Adapter, Backend, KvCache, Model, Segment, TensorError, Want, argmax, forward,
};

/// A measured rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// Tokens produced by all sequences together.
    pub tokens: u64,
    /// Processor time of the calling thread; elapsed time where the system does not tell it.
    pub cpu_seconds: f64,
}

impl Rate {
    /// Tokens per second of processor time.
    #[must_use]
    pub fn tokens_per_cpu_second(&self) -> f64 {
        self.tokens as f64 / self.cpu_seconds
    }
}

/// Decodes `steps` tokens greedily in `batch` sequences on the calling thread, each with its own
/// short prompt and, where `adapters` are given, every one in turn.
pub fn decode_rate(
    model: &Model,
    adapters: &[&Adapter],
    (batch, steps): (usize, usize),
    backend: &Backend,
) -> Result<Rate, TensorError> {
    let vocab = model.shape.vocab;
    let mut caches: Vec<KvCache> = (0..batch).map(|_| KvCache::new(model)).collect();
    let mut next: Vec<u32> = (0..batch).map(|i| (i as u32 * 7 + 1) % vocab).collect();
    let clock = Clock::start();
    for _ in 0..steps {
        let mut segments: Vec<Segment<'_>> = caches
            .iter_mut()
            .zip(next.chunks(1))
            .enumerate()
            .map(|(i, (cache, tokens))| {
                let adapter = adapters.get(i % adapters.len().max(1)).copied();
                Segment { tokens, cache, adapter, want: Want::Last }
            })
            .collect();
        let logits = forward(model, &mut segments, backend)?;
        drop(segments);
        next = logits.iter().map(|row| argmax(&row.values)).collect();
    }
    Ok(Rate { tokens: (batch * steps) as u64, cpu_seconds: clock.seconds() })
}

/// Processor time of one thread.
struct Clock {
    cpu: Option<u64>,
    wall: Instant,
}

impl Clock {
    fn start() -> Self {
        Self { cpu: thread_cpu_ns(), wall: Instant::now() }
    }

    fn seconds(&self) -> f64 {
        match (self.cpu, thread_cpu_ns()) {
            (Some(start), Some(end)) if end > start => (end - start) as f64 * 1e-9,
            _ => self.wall.elapsed().as_secs_f64(),
        }
    }
}

/// Nanoseconds that this thread has run, as Linux counts them.
fn thread_cpu_ns() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok()
}
