//! People: guests, sessions, keys, and what an account has pending, earned and paid.

use alloy_primitives::{Address, B256};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tributary_primitives::{Amount, Digest, PayState, Role};

use super::{
    Prepared,
    schema::{Account, Blake, PayStateForm, RoleForm, Wei, Word},
};

/// Nothing to tell: it is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Empty {}

/// A new guest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Guest {
    /// Its account.
    #[schemars(with = "Account")]
    pub account: Address,
    /// Its name.
    pub name: String,
    /// The session token, shown once: send it as `x-tributary-session`.
    pub session: String,
    /// OPEN it begins with.
    #[schemars(with = "Wei")]
    pub balance: Amount,
}

/// Who the caller is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SessionView {
    /// The account.
    #[schemars(with = "Account")]
    pub account: Address,
    /// True when this gateway keeps the account's key.
    pub guest: bool,
    /// OPEN at hand.
    #[schemars(with = "Wei")]
    pub balance: Amount,
    /// OPEN deposited for API keys and free.
    #[schemars(with = "Wei")]
    pub prepaid: Amount,
    /// OPEN bound in channels.
    #[schemars(with = "Wei")]
    pub reserved: Amount,
    /// True when the key of the account's own chat exists.
    pub has_default_key: bool,
    /// A guest's name.
    pub name: Option<String>,
    /// True when the guest's key was shown.
    pub exported: bool,
}

/// A guest's private key, shown once.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
pub struct PrivateKey {
    /// The account.
    #[schemars(with = "Account")]
    pub account: Address,
    /// Its key.
    #[schemars(with = "Word")]
    pub private_key: String,
}

/// Balances and earnings of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccountView {
    /// The account.
    #[schemars(with = "Account")]
    pub address: Address,
    /// OPEN at hand.
    #[schemars(with = "Wei")]
    pub balance: Amount,
    /// OPEN deposited for API keys and free.
    #[schemars(with = "Wei")]
    pub prepaid: Amount,
    /// OPEN bound in channels.
    #[schemars(with = "Wei")]
    pub reserved: Amount,
    /// In signed receipts, not yet in a posted root.
    #[schemars(with = "Wei")]
    pub pending: Amount,
    /// In a posted root, not yet claimed.
    #[schemars(with = "Wei")]
    pub earned: Amount,
    /// Claimed.
    #[schemars(with = "Wei")]
    pub paid: Amount,
    /// The same by reason.
    pub by_role: Vec<RoleEarnings>,
    /// Of data, by datanet.
    pub by_datanet: Vec<DatanetEarnings>,
    /// Of models.
    pub by_model: Vec<ModelEarnings>,
}

/// What an account earns in one role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RoleEarnings {
    /// Why.
    #[schemars(with = "RoleForm")]
    pub role: Role,
    /// For people.
    pub label: String,
    /// In signed receipts.
    #[schemars(with = "Wei")]
    pub pending: Amount,
    /// In a posted root.
    #[schemars(with = "Wei")]
    pub earned: Amount,
    /// Claimed.
    #[schemars(with = "Wei")]
    pub paid: Amount,
}

/// What an account's rows earn in one datanet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DatanetEarnings {
    /// The datanet.
    pub datanet: u64,
    /// Its name.
    pub name: Option<String>,
    /// Answers that quoted the rows.
    pub answers: u64,
    /// In signed receipts.
    #[schemars(with = "Wei")]
    pub pending: Amount,
    /// In a posted root.
    #[schemars(with = "Wei")]
    pub earned: Amount,
    /// Claimed.
    #[schemars(with = "Wei")]
    pub paid: Amount,
}

/// What an account earns from one model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ModelEarnings {
    /// The model.
    pub model: u64,
    /// Its name.
    pub name: Option<String>,
    /// Why.
    #[schemars(with = "RoleForm")]
    pub role: Role,
    /// Pending, earned and paid together.
    #[schemars(with = "Wei")]
    pub total: Amount,
    /// From how many answers.
    pub answers: u64,
}

/// One share of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ShareView {
    /// The receipt it stands in.
    #[schemars(with = "Word")]
    pub receipt_id: B256,
    /// Why.
    #[schemars(with = "RoleForm")]
    pub role: Role,
    /// The served model.
    pub model: u64,
    /// The datanet whose snapshot was searched.
    pub datanet: Option<u64>,
    /// The record that earned it.
    #[schemars(with = "Option<Blake>")]
    pub record: Option<Digest>,
    /// How much.
    #[schemars(with = "Wei")]
    pub amount: Amount,
    /// How far it has come.
    #[schemars(with = "PayStateForm")]
    pub state: PayState,
    /// The block that the receipt names.
    pub block_number: Option<u64>,
    /// Seconds since 1970.
    pub at: i64,
}

/// Shares of an account, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EarningsPage {
    /// Entries.
    pub items: Vec<ShareView>,
    /// True when there are more: `after` counts entries to skip.
    pub has_more: bool,
    /// Pending, earned and paid together.
    #[schemars(with = "Wei")]
    pub total: Amount,
}

/// What a claim paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Claimed {
    /// How much.
    #[schemars(with = "Wei")]
    pub claimed: Amount,
    /// By these transactions.
    #[schemars(with = "Vec<Word>")]
    pub transactions: Vec<B256>,
    /// To whom.
    #[schemars(with = "Account")]
    pub account: Address,
}

/// An API key as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeyView {
    /// Names the key in later calls.
    #[schemars(with = "Blake")]
    pub id: Digest,
    /// For people.
    pub name: String,
    /// Its channel.
    #[schemars(with = "Word")]
    pub channel: B256,
    /// Most it can ever spend.
    #[schemars(with = "Wei")]
    pub cap: Amount,
    /// Spent by answers.
    #[schemars(with = "Wei")]
    pub spent: Amount,
    /// Reserved by calls that run now.
    #[schemars(with = "Wei")]
    pub held: Amount,
    /// Left.
    #[schemars(with = "Wei")]
    pub remaining: Amount,
    /// Taken on chain so far.
    #[schemars(with = "Wei")]
    pub redeemed: Amount,
    /// False once revoked.
    pub active: bool,
    /// Seconds since 1970; 0 for never.
    pub expires_at: u64,
    /// Seconds since 1970.
    pub created_at: i64,
    /// True for the key of the account's own chat.
    pub own: bool,
}

/// A made key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CreatedKey {
    /// Names the key in later calls.
    pub id: String,
    /// The key itself, shown once.
    pub key: String,
    /// Its channel.
    #[schemars(with = "Word")]
    pub channel: B256,
    /// Most it can spend.
    #[schemars(with = "Wei")]
    pub cap: Amount,
    /// The transaction that opened the channel.
    #[schemars(with = "Word")]
    pub transaction: B256,
}

/// The calls that open a wallet's channel, and the channel they open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PreparedKey {
    /// What to sign.
    #[serde(flatten)]
    pub prepared: Prepared,
    /// The channel that the calls open.
    #[schemars(with = "Word")]
    pub channel: B256,
}

/// A key with a higher cap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ToppedUp {
    /// The key.
    #[schemars(with = "Blake")]
    pub id: Digest,
    /// Its cap now.
    #[schemars(with = "Wei")]
    pub cap: Amount,
    /// The transaction that raised it.
    #[schemars(with = "Word")]
    pub transaction: B256,
}

/// A key that is stopped; what is left comes back after the channel's grace period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RevokedKey {
    /// The key.
    #[schemars(with = "Blake")]
    pub id: Digest,
    /// The transaction that closes its channel.
    #[schemars(with = "Word")]
    pub transaction: B256,
}
