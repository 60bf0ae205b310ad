//! The words every room shares: amounts, shares, ids, digests, limits and the nouns of a paid
//! call (`Request -> Quote -> Channel -> Session -> Transcript -> Attribution -> Receipt ->
//! EpochRoot -> Claim`).
//!
//! **Invariants:** no clock, no randomness, no float, no hash-map order; money is [`Amount`],
//! parts of a whole are [`Ppm`]; every encoding that is hashed is length-prefixed and carries a
//! domain, so no two nouns can share a digest.
//!
//! Leaves to others: hashing for contracts (`proofs`), the ABI (`contracts`), what a noun means
//! on chain (`precompiles`).

mod amount;
mod canonical;
mod digest;
mod ids;
pub mod limits;
mod parts;
mod ppm;
mod receipt;
mod request;
mod role;
mod span;
mod transcript;

pub use alloy_primitives::{Address, B256, Bytes, U256, address, b256};
pub use amount::{Amount, AmountError, OPEN, TOTAL_SUPPLY};
pub use canonical::Canonical;
pub use digest::{Digest, DigestError};
pub use ids::{ChannelId, ContributionId, DatanetId, ModelId, ProvisionId, TaskId};
pub use parts::{FeeParts, FeePartsError};
pub use ppm::{Ppm, PpmError};
pub use receipt::{PayState, Receipt, ReceiptBody, SignedReceipt};
pub use request::{ChatMessage, ChatRole, Prices, SamplerParams};
pub use role::{Party, Role};
pub use span::{Lineage, LineageStep, Share, SnapshotRef, Span, bits_to_string};
pub use transcript::{Transcript, completion_commitment, job_seed, prompt_commitment};
