//! The signed statement of one answer: what ran, on what, for whom, and who is paid.
//!
//! `pending` (in a signed receipt) -> `earned` (in a posted epoch root) -> `paid` (claimed).

use alloy_primitives::{Address, B256, Bytes};
use serde::{Deserialize, Serialize};

use crate::{Amount, ChannelId, Digest, ModelId, Share, SnapshotRef, Span};

/// The fields a provider signs. The EIP-712 form stands in `contracts`; its digest is the
/// receipt's id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptBody {
    /// Who metered and pays out.
    pub gateway: Address,
    /// Whose channel pays.
    pub payer: Address,
    /// The channel.
    pub channel: ChannelId,
    /// Who ran the model: the account of the provision.
    pub provider: Address,
    /// The served model: a base model or an adapter.
    pub model: ModelId,
    /// The base model's file.
    pub model_digest: Digest,
    /// The adapter's file; zero for none.
    pub adapter_digest: Digest,
    /// The tokenizer's file.
    pub tokenizer_digest: Digest,
    /// The data that attribution searched.
    pub snapshot: SnapshotRef,
    /// Salted commitment to the prompt.
    pub prompt_commitment: Digest,
    /// Salted commitment to the answer.
    pub completion_commitment: Digest,
    /// Prompt tokens metered.
    pub prompt_tokens: u32,
    /// Completion tokens metered.
    pub completion_tokens: u32,
    /// Temperature in millionths.
    pub temperature_micro: u32,
    /// Nucleus mass in millionths.
    pub top_p_ppm: u32,
    /// Likeliest tokens kept; 0 for all.
    pub top_k: u32,
    /// Most tokens asked for.
    pub max_tokens: u32,
    /// Commits to all sampler parameters, stop texts included.
    pub sampler_digest: Digest,
    /// Seed of the sampler.
    pub job_seed: Digest,
    /// BLAKE3 over the logits of every produced position.
    pub logits_digest: Digest,
    /// Compute part of the fee.
    pub fee_compute: Amount,
    /// Licence part of the fee.
    pub fee_licence: Amount,
    /// Commits to the spans.
    pub spans_digest: Digest,
    /// Commits to the shares.
    pub shares_digest: Digest,
    /// The block whose state gave prices, lineage and the provider's key.
    pub block_number: u64,
    /// That block's hash.
    pub block_hash: B256,
    /// That block's time in seconds.
    pub issued_at: u64,
}

/// A body with its provider's signature (65 bytes r, s, v).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedReceipt {
    /// EIP-712 digest of the body.
    pub id: B256,
    /// What is signed.
    pub body: ReceiptBody,
    /// By the receipt key of the provider's provision.
    pub signature: Bytes,
}

/// A signed receipt with the public lists its digests commit to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The signed part.
    #[serde(flatten)]
    pub signed: SignedReceipt,
    /// Verbatim spans, in order of position.
    pub spans: Vec<Span>,
    /// Who gets what; sums to the fee.
    pub shares: Vec<Share>,
}

impl ReceiptBody {
    /// The whole fee.
    pub fn fee(&self) -> Amount {
        self.fee_compute.saturating_add(self.fee_licence)
    }
}

/// How far money has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PayState {
    /// In a signed receipt.
    Pending,
    /// In a posted epoch root.
    Earned,
    /// Claimed.
    Paid,
}
