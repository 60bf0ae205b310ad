//! What is running, how much of it, and why something was refused.

use alloy_primitives::{Address, B256};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tributary_primitives::{Amount, ModelId, Prices};

use super::schema::{Account, PricesForm, Wei, Word};

/// RFC 9457, with what to do and, for data, where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// A page about this kind of problem.
    #[serde(rename = "type", default, skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// The kind in words.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What happened.
    pub detail: String,
    /// Stable word for programs.
    pub code: String,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Row of the data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<u64>,
    /// Column in the row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u64>,
}

/// What is running.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Status {
    /// The chain.
    pub chain_id: u64,
    /// Its newest block.
    pub block_number: u64,
    /// That block's hash.
    #[schemars(with = "Word")]
    pub block_hash: B256,
    /// Names of the models.
    pub models: Vec<String>,
    /// Ids of the datanets.
    pub datanets: Vec<u64>,
    /// True where `POST /guests` makes an account.
    pub guests_allowed: bool,
    /// Who runs the models.
    pub provider: ProviderView,
    /// The gateway's account.
    #[schemars(with = "Account")]
    pub gateway: Address,
    /// Asked and trained when no model is named.
    pub default_model: String,
    /// Time between two epoch roots.
    pub epoch_seconds: u64,
    /// Version of the software.
    pub version: String,
}

/// A provider as the gateway sees it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProviderView {
    /// True when it answers.
    pub online: bool,
    /// Its account.
    #[schemars(with = "Option<Account>")]
    pub address: Option<Address>,
    /// Who signs its receipts.
    #[schemars(with = "Option<Account>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt_key: Option<Address>,
    /// Compute prices.
    #[schemars(with = "Option<PricesForm>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prices: Option<Prices>,
    /// Wei for each thousand trained tokens.
    #[schemars(with = "Option<Wei>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train_price: Option<Amount>,
    /// Ids of the models it serves.
    #[schemars(with = "Vec<u64>")]
    #[serde(default)]
    pub models: Vec<ModelId>,
}

/// How much of everything there is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Stats {
    /// Number of the newest block.
    pub blocks: u64,
    /// Transactions in all blocks.
    pub transactions: u64,
    /// Paid answers.
    pub answers: u64,
    /// What they cost together.
    #[schemars(with = "Wei")]
    pub fees: Amount,
    /// What the gateway owes to all payees since the beginning.
    #[schemars(with = "Wei")]
    pub promised: Amount,
    /// What was claimed of it.
    #[schemars(with = "Wei")]
    pub paid_out: Amount,
    /// What vouchers brought in.
    #[schemars(with = "Wei")]
    pub redeemed: Amount,
    /// Datanets.
    pub datanets: u64,
    /// Published rows.
    pub rows: u64,
    /// Models.
    pub models: u64,
}
