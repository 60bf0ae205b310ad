//! The serving engine: one thread steps many sequences of many adapters over shared base models.
//!
//! **Invariants:** an answer's bits depend on model, adapter, prompt, sampler and seed alone, never
//! on what else is in the batch, on threads or on the instruction set; the queue is bounded and
//! says when to come back; a caller who leaves frees its place within a step.
//!
//! Leaves to others: arithmetic (`tensor`), texts and files (`models`), prices (`provider`).

mod batch;
mod engine;
mod error;
mod replay;

pub use engine::{Engine, EngineConfig, Job, Running};
pub use error::EngineError;
pub use replay::{Claimed, Replay, replay};

use tributary_primitives::Digest;

/// One produced token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its id.
    pub id: u32,
    /// Digest over the logits of all positions up to this one.
    pub logits: Digest,
    /// Set on the last token.
    pub end: Option<End>,
}

/// Why the engine produces no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The last token is one of the stop ids.
    Stop,
    /// As many tokens as asked for.
    Length,
}
