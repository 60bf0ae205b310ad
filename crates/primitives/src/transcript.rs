//! The private side of a call: what was asked and answered, and the salts that open the
//! commitments in the public receipt.

use serde::{Deserialize, Serialize};

use crate::{B256, Canonical, Digest, SamplerParams};

/// Everything needed to run a call again. Seen by the payer, never published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transcript {
    /// The receipt it belongs to.
    pub receipt_id: B256,
    /// The prompt as the model saw it, chat template applied.
    pub prompt: String,
    /// Its tokens.
    pub prompt_ids: Vec<u32>,
    /// The answer's tokens as the model produced them, the stopping token included when one did.
    pub completion_ids: Vec<u32>,
    /// The answer as delivered.
    pub completion: String,
    /// Opens the prompt commitment.
    pub prompt_salt: Digest,
    /// Opens the completion commitment.
    pub completion_salt: Digest,
    /// The request's seed as 32 bytes, or the fresh bytes drawn for it.
    pub request_seed: Digest,
    /// Opens the receipt's sampler digest: the stop texts stand nowhere else.
    pub sampler: SamplerParams,
}

/// Salted commitment to the prompt's tokens.
pub fn prompt_commitment(salt: &Digest, prompt_ids: &[u32]) -> Digest {
    Canonical::new("tributary prompt v1").digest(salt).tokens(prompt_ids).finish()
}

/// Salted commitment to the answer's tokens and text.
pub fn completion_commitment(salt: &Digest, completion_ids: &[u32], completion: &str) -> Digest {
    Canonical::new("tributary completion v1")
        .digest(salt)
        .tokens(completion_ids)
        .bytes(completion.as_bytes())
        .finish()
}

/// The seed of the sampler: domain, request seed, prompt commitment.
pub fn job_seed(request_seed: &Digest, prompt_commitment: &Digest) -> Digest {
    Canonical::new("tributary job seed v1").digest(request_seed).digest(prompt_commitment).finish()
}
