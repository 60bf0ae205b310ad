//! Work: models, training offers and jobs.

use alloy_primitives::{Address, B256};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tributary_primitives::{Amount, Digest, Prices};

use super::{
    Prepared,
    schema::{Account, Blake, PricesForm, Wei, Word},
};

/// A model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ModelView {
    /// Its id.
    pub id: u64,
    /// Its name, `owner/model`.
    pub name: String,
    /// `base` or `adapter`.
    pub kind: String,
    /// Who owns it.
    #[schemars(with = "Account")]
    pub owner: Address,
    /// What an adapter was trained on top of.
    pub base: Option<u64>,
    /// What it was trained on.
    pub datanet: Option<u64>,
    /// That datanet's version.
    pub snapshot_version: Option<u32>,
    /// Licence prices.
    #[schemars(with = "PricesForm")]
    pub prices: Prices,
    /// SPDX name.
    pub licence: String,
    /// Its file.
    #[schemars(with = "Blake")]
    pub digest: Digest,
    /// Its tokenizer's file.
    #[schemars(with = "Blake")]
    pub tokenizer_digest: Digest,
    /// Its card's file.
    #[schemars(with = "Blake")]
    pub card_digest: Digest,
    /// The job that made it.
    pub job: Option<u64>,
    /// Paid answers.
    pub calls: u64,
    /// What they cost together.
    #[schemars(with = "Wei")]
    pub revenue: Amount,
    /// `active` or `deprecated`.
    pub status: String,
    /// Seconds since 1970.
    pub registered_at: u64,
}

/// A prompt that waits for a task on chain, and what the task must name to have it answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PromptKept {
    /// The task's `kind`.
    pub kind: u8,
    /// The task's `modelId`.
    pub model: u64,
    /// The task's `provider`: it keeps the prompt, for a day at least.
    #[schemars(with = "Account")]
    pub provider: Address,
    /// The task's `gateway`: its roots divide the fee.
    #[schemars(with = "Account")]
    pub gateway: Address,
    /// The task's `inputDigest`: the prompt's commitment.
    #[schemars(with = "Blake")]
    pub input_digest: Digest,
    /// Opens the commitment, with the tokens.
    #[schemars(with = "Blake")]
    pub salt: Digest,
    /// How many tokens the prompt has.
    pub prompt_tokens: u64,
    /// Its tokens.
    pub prompt_ids: Vec<u32>,
    /// The most that the answer costs: what the task is to hold.
    #[schemars(with = "Wei")]
    pub max_fee: Amount,
}

/// A model with its lineage and card.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ModelDetail {
    /// The model.
    #[serde(flatten)]
    pub model: ModelView,
    /// Itself, then its ancestors.
    pub lineage: Vec<LineageView>,
    /// What its maker wrote about it.
    pub card: Value,
}

/// One model of a lineage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LineageView {
    /// The model.
    pub model: u64,
    /// Its name.
    pub name: String,
    /// Who is paid.
    #[schemars(with = "Account")]
    pub owner: Address,
    /// Millionths of its income that stay with its owner.
    pub share_ppm: u32,
    /// What climbs on: model and millionths.
    pub parents: Vec<(u64, u32)>,
}

/// A way to train.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Preset {
    /// For programs.
    pub name: String,
    /// For people.
    pub title: String,
    /// In one sentence.
    pub detail: String,
}

/// Price and time of a training.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Quote {
    /// Expected fee.
    #[schemars(with = "Wei")]
    pub price: Amount,
    /// Escrow: what it can cost at most.
    #[schemars(with = "Wei")]
    pub max_fee: Amount,
    /// Expected time.
    pub seconds: u64,
    /// Rows of the snapshot.
    pub rows: u64,
    /// Tokens that will be trained, over all epochs.
    pub tokens: u64,
    /// Optimiser steps.
    pub steps: u64,
    /// Who would train.
    #[schemars(with = "Account")]
    pub provider: Address,
    /// `quick`, `balanced` or `best`.
    pub preset: String,
    /// The datanet's version.
    pub version: u32,
    /// Name of the base model.
    pub base: String,
}

/// The call that buys a training.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PreparedTraining {
    /// What to sign.
    #[serde(flatten)]
    pub prepared: Prepared,
    /// Name of the adapter.
    pub model_name: String,
    /// Expected time.
    pub seconds: u64,
}

/// A training that was bought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Started {
    /// The job.
    pub id: u64,
    /// The transaction.
    #[schemars(with = "Word")]
    pub transaction: B256,
    /// Name of the adapter.
    pub model_name: String,
    /// Escrow.
    #[schemars(with = "Wei")]
    pub max_fee: Amount,
    /// Expected fee.
    #[schemars(with = "Wei")]
    pub price: Amount,
    /// Expected time.
    pub seconds: u64,
}

/// A transaction that was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sent {
    /// Which.
    #[schemars(with = "Word")]
    pub transaction: B256,
}

/// A training job as it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Job {
    /// The task.
    pub id: u64,
    /// `submitted`, `accepted`, `running`, `quantising`, `registering`, `done`, `cancelled`,
    /// `failed` or `expired`.
    pub state: String,
    /// `training`, or `inference` for a question asked on chain.
    pub kind: String,
    /// Name of the adapter, or of the model that was asked.
    pub model_name: String,
    /// The adapter, once registered.
    #[serde(default)]
    pub model: Option<u64>,
    /// Trained on.
    pub datanet: u64,
    /// Its version.
    pub version: u32,
    /// `quick`, `balanced` or `best`.
    pub preset: String,
    /// Steps done.
    pub step: u64,
    /// Steps in all.
    pub steps: u64,
    /// Newest training loss.
    #[serde(default)]
    pub loss: Option<f64>,
    /// Speed.
    #[serde(default)]
    pub tokens_per_second: Option<f64>,
    /// Time left.
    #[serde(default)]
    pub eta_seconds: Option<u64>,
    /// What was paid.
    #[schemars(with = "Wei")]
    pub fee: Amount,
    /// The escrow.
    #[schemars(with = "Wei")]
    pub max_fee: Amount,
    /// The receipt of an answer.
    #[schemars(with = "Option<Word>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<B256>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The loss curve.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub points: Vec<LossPoint>,
}

impl Job {
    /// True when nothing more will happen.
    pub fn is_over(&self) -> bool {
        matches!(self.state.as_str(), "done" | "cancelled" | "failed" | "expired")
    }
}

/// One point of a loss curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LossPoint {
    /// Step.
    pub step: u64,
    /// Training loss.
    pub loss: f64,
    /// Milliseconds since 1970.
    pub at: u64,
}
