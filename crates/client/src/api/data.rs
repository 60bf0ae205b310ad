//! Data: datanets, contributions, rows, uploads and traces.

use alloy_primitives::{Address, B256};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tributary_primitives::{Amount, Digest};

use super::schema::{Account, Blake, Wei, Word};

/// A datanet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Datanet {
    /// Its id.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// For people.
    pub description: String,
    /// Who opened it.
    #[schemars(with = "Account")]
    pub owner: Address,
    /// SPDX name of its rows' licence.
    pub licence: String,
    /// The newest version; 0 before the first.
    pub version: u32,
    /// Rows of the newest version.
    pub rows: u64,
    /// Contributions so far, refused ones included.
    pub contribution_count: u64,
    /// People with published rows.
    pub contributors: u64,
    /// Stake for each row.
    #[schemars(with = "Wei")]
    pub stake_per_item: Amount,
    /// Least stake of a contribution.
    #[schemars(with = "Wei")]
    pub min_stake: Amount,
    /// What review costs.
    #[schemars(with = "Wei")]
    pub review_fee: Amount,
    /// What its rows have earned.
    #[schemars(with = "Wei")]
    pub earned_30d: Amount,
    /// Answers that searched it.
    pub answers: u64,
    /// `open` or `closed`.
    pub status: String,
    /// Root of the newest version.
    #[schemars(with = "Option<Word>")]
    pub snapshot_root: Option<B256>,
    /// Seconds since 1970.
    pub created_at: u64,
    /// Least score that is accepted; 0 for the network's.
    pub accept_score: u8,
    /// True when an accepted contribution is published at once.
    pub auto_publish: bool,
}

/// A datanet with its newest contributions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DatanetDetail {
    /// The datanet.
    #[serde(flatten)]
    pub datanet: Datanet,
    /// Newest first, at most 100.
    pub contributions: Vec<ContributionView>,
}

/// A contribution and its story.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ContributionView {
    /// Its id.
    pub id: u64,
    /// Contributed to.
    pub datanet: u64,
    /// By.
    #[schemars(with = "Account")]
    pub contributor: Address,
    /// Rows.
    pub rows: u64,
    /// `checked`, `reviewed`, `accepted`, `published`, `rejected`, `slashed`, `withdrawn` ...
    pub state: String,
    /// What the reviewers gave, of 100.
    pub score: u8,
    /// The first version that holds it.
    pub version: Option<u32>,
    /// Comes back.
    #[schemars(with = "Wei")]
    pub stake: Amount,
    /// Review fee.
    #[schemars(with = "Wei")]
    pub fee: Amount,
    /// What the reviewer said, where this node runs one.
    pub reason: Option<String>,
    /// Seconds since 1970.
    pub submitted_at: u64,
    /// Seconds since 1970 at which the present phase ends.
    pub phase_end: u64,
    /// Digest of the rows' canonical form.
    #[schemars(with = "Word")]
    pub data_commit: B256,
    /// Keccak root over the rows.
    #[schemars(with = "Word")]
    pub items_root: B256,
    /// Where the rows lie.
    pub uri: String,
    /// What happened, oldest first.
    pub steps: Vec<Step>,
}

/// One step of a contribution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// `submitted`, `assigned`, `committed`, `revealed`, `accepted`, `published` ...
    pub name: String,
    /// A few words.
    pub detail: String,
    /// Seconds since 1970.
    pub at: u64,
    /// Its transaction.
    #[schemars(with = "Word")]
    pub transaction: B256,
    /// Its block.
    pub block_number: u64,
}

/// A published row: the record's own fields (`text`, or `prompt` and `completion`, or
/// `messages`, and `meta`) with who brought it and what it earned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RowView {
    /// The record's fields.
    #[serde(flatten)]
    pub record: Map<String, Value>,
    /// Digest of its canonical bytes.
    #[schemars(with = "Blake")]
    pub record_id: Digest,
    /// The `id` that the record gave itself.
    pub own_id: Option<String>,
    /// Who contributed it.
    #[schemars(with = "Account")]
    pub contributor: Address,
    /// In which contribution.
    pub contribution: u64,
    /// The first version that holds it; none while unpublished.
    pub version: Option<u32>,
    /// Answers that quoted it.
    pub uses: u64,
    /// What it earned.
    #[schemars(with = "Wei")]
    pub earned: Amount,
}

/// Rows of a version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RowsPage {
    /// Entries, in order.
    pub items: Vec<RowView>,
    /// Rows of the version.
    pub total: u64,
}

/// One record, wherever it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RecordView {
    /// The row.
    #[serde(flatten)]
    pub row: RowView,
    /// Its datanet.
    pub datanet: u64,
    /// Receipts in which it earned, newest first, at most 20.
    #[schemars(with = "Vec<Word>")]
    pub receipts: Vec<B256>,
}

/// A frozen version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VersionView {
    /// Its number.
    pub version: u32,
    /// Root over its contributions.
    #[schemars(with = "Word")]
    pub root: B256,
    /// Rows inside.
    pub rows: u64,
    /// Contributions inside.
    pub contributions: u64,
    /// Its block.
    pub block_number: u64,
    /// Its transaction.
    #[schemars(with = "Word")]
    pub transaction: B256,
    /// Seconds since 1970.
    pub at: u64,
}

/// Money by how far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Earned {
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

/// What a datanet's rows have earned, and for whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DatanetIncome {
    /// The datanet.
    pub datanet: u64,
    /// Shares of its contributors together.
    #[schemars(with = "Wei")]
    pub total: Amount,
    /// Answers that searched it.
    pub answers: u64,
    /// Largest first, at most 100.
    pub contributors: Vec<ContributorEarnings>,
    /// What went to all contributors together.
    pub commons: Earned,
    /// What went to stakes that back it.
    pub backers: Earned,
    /// The pool on chain.
    pub pool: CommonsPool,
}

/// What one contributor's rows have earned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ContributorEarnings {
    /// The contributor.
    #[schemars(with = "Account")]
    pub account: Address,
    /// How much.
    #[schemars(with = "Wei")]
    pub total: Amount,
    /// From how many answers.
    pub answers: u64,
}

/// A datanet's pool on chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CommonsPool {
    /// Stakes that back it.
    #[schemars(with = "Wei")]
    pub backing: Amount,
    /// What backers were paid.
    #[schemars(with = "Wei")]
    pub backers_received: Amount,
    /// What the commons was paid.
    #[schemars(with = "Wei")]
    pub commons_received: Amount,
}

/// An opened datanet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OpenedDatanet {
    /// Its id.
    pub id: u64,
    /// The transaction.
    #[schemars(with = "Word")]
    pub transaction: B256,
}

/// A version that was frozen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Published {
    /// The transaction.
    #[schemars(with = "Word")]
    pub transaction: B256,
    /// The newest version now.
    pub version: u32,
}

/// A checked upload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    #[schemars(with = "Word")]
    pub items_root: B256,
    /// Digest of their canonical form.
    #[schemars(with = "Blake")]
    pub data_commit: Digest,
}

/// What was found in one row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Contributed {
    /// Its id.
    pub contribution: u64,
    /// The transaction.
    #[schemars(with = "Word")]
    pub transaction: B256,
    /// Comes back.
    #[schemars(with = "Wei")]
    pub stake: Amount,
    /// Review fee.
    #[schemars(with = "Wei")]
    pub fee: Amount,
}

/// The verbatim spans of a text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Traced {
    /// Tokens of the text.
    pub output_tokens: u64,
    /// Tokens inside a paid span.
    pub covered_tokens: u64,
    /// By position.
    pub spans: Vec<TraceSpan>,
}

/// One verbatim span.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TraceSpan {
    /// First token.
    pub start: u64,
    /// One past the last token.
    pub end: u64,
    /// First byte.
    pub byte_start: u64,
    /// One past the last byte.
    pub byte_end: u64,
    /// Occurrences in the snapshot.
    pub count: u64,
    /// Self-information in bits.
    pub bits: f64,
    /// Records that hold it, by their own `id` where they have one.
    pub record_ids: Vec<String>,
    /// True when it would be paid.
    pub paid: bool,
}
