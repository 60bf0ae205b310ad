//! Receipts, the roots they go into, and what checking one finds.

use alloy_primitives::{Address, B256, Bytes};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tributary_primitives::{Amount, Digest, Party, PayState, Receipt, Role, Share, Transcript};

use super::schema::{
    Account, Blake, Hex, PayStateForm, ReceiptForm, RoleForm, ShareForm, TranscriptForm, Wei, Word,
};

/// A receipt in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReceiptSummary {
    /// Its id.
    #[schemars(with = "Word")]
    pub id: B256,
    /// Order of arrival: `after` for the next page.
    pub seq: u64,
    /// The least advanced of its shares.
    #[schemars(with = "PayStateForm")]
    pub state: PayState,
    /// The epoch it went into.
    pub epoch: Option<u64>,
    /// Who paid.
    #[schemars(with = "Account")]
    pub payer: Address,
    /// Who ran the model.
    #[schemars(with = "Account")]
    pub provider: Address,
    /// The served model.
    pub model: u64,
    /// The searched datanet; 0 for none.
    pub datanet: u64,
    /// What it cost.
    #[schemars(with = "Wei")]
    pub fee: Amount,
    /// Prompt tokens.
    pub prompt_tokens: u32,
    /// Completion tokens.
    pub completion_tokens: u32,
    /// Verbatim spans.
    pub spans: u64,
    /// The block it names.
    pub block_number: u64,
    /// Seconds since 1970.
    pub at: i64,
}

/// A receipt with where its money is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReceiptView {
    /// Signed part, spans and shares.
    #[schemars(with = "ReceiptForm")]
    pub receipt: Receipt,
    /// How far its money has come.
    #[schemars(with = "PayStateForm")]
    pub state: PayState,
    /// The epoch whose root holds it.
    #[serde(default)]
    pub epoch: Option<u64>,
    /// That root.
    #[schemars(with = "Option<Word>")]
    #[serde(default)]
    pub root: Option<B256>,
    /// The transaction that posted the root.
    #[schemars(with = "Option<Word>")]
    #[serde(default)]
    pub transaction: Option<B256>,
    /// Its block.
    #[serde(default)]
    pub block_number: Option<u64>,
    /// Who gets what, in words.
    #[serde(default)]
    pub explain: Vec<Explained>,
}

/// A receipt with the state of each share and the data behind its root.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReceiptDetail {
    /// The receipt.
    #[serde(flatten)]
    pub view: ReceiptView,
    /// State of each share, in the receipt's order.
    #[schemars(with = "Vec<PayStateForm>")]
    pub share_states: Vec<PayState>,
    /// Hash of the epoch's data, for `/roots/{hash}`.
    pub data_hash: Option<String>,
    /// Seconds since 1970.
    pub at: i64,
}

/// One share in words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Explained {
    /// Why.
    #[schemars(with = "RoleForm")]
    pub role: Role,
    /// Who: an account, `datanet:N` or `protocol`.
    pub party: String,
    /// For people.
    pub label: String,
    /// How much.
    #[schemars(with = "Wei")]
    pub amount: Amount,
    /// The record that earned it.
    #[schemars(with = "Option<Blake>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<Digest>,
    /// The leaf's path in the newest root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Value>,
}

/// The private side of a call, for its payer alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct PrivateSide(#[schemars(with = "TranscriptForm")] pub Transcript);

/// What checking a receipt found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Verification {
    /// True when every check is ok.
    pub verified: bool,
    /// Check by check.
    pub checks: Vec<CheckView>,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CheckView {
    /// Which.
    pub name: String,
    /// `ok`, `failed` or `not_checkable`.
    pub status: String,
    /// What was compared, and with what result.
    pub detail: String,
}

/// What a gateway acknowledges to the payees of a receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Acknowledgements {
    /// One for each payee.
    pub items: Vec<Acknowledged>,
}

/// A signed debt, as `channels.challengeUnderpay` takes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Acknowledged {
    /// Who owes.
    #[schemars(with = "Account")]
    pub gateway: Address,
    /// Why, as a number of the chain's leaves.
    pub role: u8,
    /// Whom.
    #[schemars(with = "Word")]
    pub party: B256,
    /// At least how much in all, from the root of `epoch` on.
    #[schemars(with = "Wei")]
    pub cumulative: Amount,
    /// The first epoch whose root must hold it.
    pub epoch: u64,
    /// A receipt that is in it.
    #[schemars(with = "Word")]
    pub receipt_id: B256,
    /// By the gateway's account, over the EIP-712 form.
    #[schemars(with = "Hex")]
    pub signature: Bytes,
}

/// The data behind a posted root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RootView {
    /// Who posted it.
    #[schemars(with = "Account")]
    pub gateway: Address,
    /// Which epoch.
    pub epoch: u64,
    /// Hash of the data of the epoch before.
    #[schemars(with = "Word")]
    pub previous: B256,
    /// Receipts that were settled in this epoch.
    pub receipts: Vec<RootReceipt>,
    /// What every party was ever owed.
    pub leaves: Vec<LeafView>,
}

/// A settled receipt of an epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RootReceipt {
    /// Its id.
    #[schemars(with = "Word")]
    pub id: B256,
    /// Its shares.
    #[schemars(with = "Vec<ShareForm>")]
    pub shares: Vec<Share>,
}

/// One party's leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LeafView {
    /// Why it is owed.
    #[schemars(with = "RoleForm")]
    pub role: Role,
    /// Who, as one word.
    #[schemars(with = "Word")]
    pub party: Party,
    /// All that it was ever owed.
    #[schemars(with = "Wei")]
    pub cumulative: Amount,
}
