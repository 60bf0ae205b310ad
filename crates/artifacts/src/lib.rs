//! Content-addressed blobs: record bundles, weights, adapters, tokenizers, indexes, transcripts.
//!
//! **Invariants:** nothing is ever given out under a digest that it does not have; a `put` that
//! returned is durable (file and directory are synced); a `put` that failed leaves nothing
//! behind; a full disk is an error of its own.

mod error;
mod store;
#[cfg(test)]
mod tests;

pub use error::ArtifactError;
pub use store::{ARTIFACT_SIZE_BYTES, Artifacts, Stored};
