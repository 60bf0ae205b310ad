//! The forms of `/api/v1`: what the gateway answers with and clients read. Unknown fields are
//! ignored, so servers may add.
//!
//! **Invariant:** each form carries its schema; the gateway builds its OpenAPI document from the
//! forms that its handlers return.

mod accounts;
mod data;
mod receipts;
pub mod schema;
mod service;
mod work;

pub use accounts::{
    AccountView, Claimed, CreatedKey, DatanetEarnings, EarningsPage, Empty, Guest, KeyView,
    ModelEarnings, PreparedKey, PrivateKey, RevokedKey, RoleEarnings, SessionView, ShareView,
    ToppedUp,
};
pub use data::{
    CommonsPool, Contributed, ContributionView, ContributorEarnings, Datanet, DatanetDetail,
    DatanetIncome, Earned, OpenedDatanet, Published, RecordView, RowCheck, RowView, RowsPage, Step,
    TraceSpan, Traced, Upload, VersionView,
};
pub use receipts::{
    Acknowledged, Acknowledgements, CheckView, Explained, LeafView, PrivateSide, ReceiptDetail,
    ReceiptSummary, ReceiptView, RootReceipt, RootView, Verification,
};
pub use service::{Problem, ProviderView, Stats, Status};
pub use work::{
    Job, LineageView, LossPoint, ModelDetail, ModelView, PreparedTraining, Preset, PromptKept,
    Quote, Sent, Started,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tributary_primitives::Amount;

use crate::Call;
use schema::{Account, Hex, Wei};

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "PageOf{T}")]
pub struct Page<T> {
    /// Entries.
    pub items: Vec<T>,
    /// True when there are more: ask again with `after` set to the last entry.
    #[serde(default)]
    pub has_more: bool,
}

impl<T> Page<T> {
    /// A list that is whole.
    pub fn whole(items: Vec<T>) -> Self {
        Self { items, has_more: false }
    }
}

/// A call ready to be signed.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Call")]
#[allow(dead_code)]
struct CallForm {
    /// The module or account.
    #[schemars(with = "Account")]
    to: String,
    /// OPEN that goes with it.
    #[schemars(with = "Wei")]
    value: String,
    /// ABI-encoded arguments.
    #[schemars(with = "Hex")]
    data: String,
    /// What it does, in one sentence.
    summary: String,
}

/// What preparing a write returns: the bytes to sign and what they mean.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Prepared {
    /// In order.
    #[schemars(with = "Vec<CallForm>")]
    pub calls: Vec<Call>,
    /// What it does, in one sentence.
    pub summary: String,
    /// Comes back.
    #[schemars(with = "Wei")]
    pub stake: Amount,
    /// Does not.
    #[schemars(with = "Wei")]
    pub fee: Amount,
    /// Both.
    #[schemars(with = "Wei")]
    pub total: Amount,
}
