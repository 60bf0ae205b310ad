//! The forms of `/api/v1` that clients read. Unknown fields are ignored, so servers may add.

use alloy_primitives::{Address, B256};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tributary_primitives::{Amount, Digest, PayState, Receipt, Role};

use crate::Call;

/// RFC 9457, with what to do and, for data, where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// Entries.
    pub items: Vec<T>,
    /// True when there are more.
    #[serde(default)]
    pub has_more: bool,
}

/// A new guest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guest {
    /// Its account.
    pub account: Address,
    /// Its name.
    pub name: String,
    /// The session token, shown once.
    pub session: String,
    /// OPEN it begins with.
    pub balance: Amount,
}

/// What preparing a write returns: the bytes to sign and what they mean.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prepared {
    /// In order.
    pub calls: Vec<Call>,
    /// What it does, in one sentence.
    pub summary: String,
    /// Comes back.
    pub stake: Amount,
    /// Does not.
    pub fee: Amount,
    /// Both.
    pub total: Amount,
}

/// A checked upload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upload {
    /// Names the upload in a contribution.
    pub id: String,
    /// Rows read.
    pub rows: u64,
    /// Rows that can be contributed.
    pub accepted: u64,
    /// Rows left out.
    pub rejected: u64,
    /// Row by row.
    pub checks: Vec<RowCheck>,
    /// Keccak root over the accepted rows.
    pub items_root: B256,
    /// Digest of their canonical form.
    pub data_commit: Digest,
}

/// What was found in one row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowCheck {
    /// Counted from 1.
    pub row: u64,
    /// True when it is taken.
    pub ok: bool,
    /// Stable word; empty when nothing was found.
    pub code: String,
    /// What was found.
    pub message: String,
    /// The row's beginning.
    pub preview: String,
}

/// A submitted contribution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contributed {
    /// Its id.
    pub contribution: u64,
    /// The transaction.
    pub transaction: B256,
    /// Comes back.
    pub stake: Amount,
    /// Review fee.
    pub fee: Amount,
}

/// A training job as it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// The task.
    pub id: u64,
    /// `submitted`, `accepted`, `running`, `quantising`, `registering`, `done`, `cancelled`,
    /// `failed` or `expired`.
    pub state: String,
    /// Name of the adapter.
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
    pub fee: Amount,
    /// The escrow.
    pub max_fee: Amount,
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
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LossPoint {
    /// Step.
    pub step: u64,
    /// Training loss.
    pub loss: f64,
    /// Milliseconds since 1970.
    pub at: u64,
}

/// A made key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatedKey {
    /// Names the key in later calls.
    pub id: String,
    /// The key itself, shown once.
    pub key: String,
    /// Its channel.
    pub channel: B256,
    /// Most it can spend.
    pub cap: Amount,
    /// The transaction that opened the channel.
    pub transaction: B256,
}

/// A receipt with where its money is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReceiptView {
    /// Signed part, spans and shares.
    pub receipt: Receipt,
    /// How far its money has come.
    pub state: PayState,
    /// The epoch whose root holds it.
    #[serde(default)]
    pub epoch: Option<u64>,
    /// That root.
    #[serde(default)]
    pub root: Option<B256>,
    /// The transaction that posted the root.
    #[serde(default)]
    pub transaction: Option<B256>,
    /// Its block.
    #[serde(default)]
    pub block_number: Option<u64>,
    /// Who gets what, in words.
    #[serde(default)]
    pub explain: Vec<Explained>,
}

/// One share in words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Explained {
    /// Why.
    pub role: Role,
    /// Who: an account, `datanet:N` or `protocol`.
    pub party: String,
    /// For people.
    pub label: String,
    /// How much.
    pub amount: Amount,
    /// The record that earned it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<Digest>,
    /// The leaf's path in the newest root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Value>,
}
