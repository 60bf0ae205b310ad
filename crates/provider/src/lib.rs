//! The compute daemon: answers with signed receipts, fine-tunes for escrow, and works as a dev
//! network's curator and keeper. It reaches the chain through `client` like anyone else.
//!
//! **Invariants:** a receipt is on disk before anyone hears of it; facts in a receipt were read
//! at the block it names; rows are checked against the chain's root before they teach or pay;
//! what to train follows from chain state, so a restart loses nothing.
//!
//! Leaves to others: metering and payment (`gateway`), arithmetic (`tensor`, through `inference`),
//! learning (`training`), who is quoted (`attribution`).

mod answers;
mod blobs;
mod curator;
mod error;
mod facts;
mod http;
mod infer;
mod jobs;
mod keeper;
mod library;
mod local;
mod prompts;
mod responder;
mod seal;
mod snapshot;
mod training;

pub use answers::Answers;
pub use blobs::Blobs;
pub use curator::Curator;
pub use error::ProviderError;
pub use facts::ModelFacts;
pub use http::router;
pub use infer::Desk;
pub use keeper::Keeper;
pub use library::{Library, Loaded};
pub use local::LocalProvider;
pub use prompts::Prompts;
pub use responder::Responder;
pub use seal::Seal;
pub use snapshot::Snapshot;
pub use training::Trainer;
