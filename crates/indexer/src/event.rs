//! What listeners of the index hear, after it is durable.

use alloy_primitives::{Address, B256};
use serde::Serialize;
use tributary_primitives::{Amount, ContributionId, DatanetId, ModelId, TaskId};

/// Something became durable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// A block was followed.
    Block {
        /// Its number.
        number: u64,
        /// Its hash.
        hash: B256,
        /// Its transactions.
        txs: u32,
    },
    /// The chain went back to this block.
    Rewound {
        /// The last block that still stands.
        number: u64,
    },
    /// A datanet was created or has a new version.
    Datanet {
        /// Which.
        id: DatanetId,
    },
    /// A contribution moved on.
    Contribution {
        /// Which.
        id: ContributionId,
        /// Where to.
        datanet: DatanetId,
        /// Its new state.
        state: String,
    },
    /// A model was registered or changed.
    Model {
        /// Which.
        id: ModelId,
    },
    /// A job changed or made progress.
    Job {
        /// Which.
        id: TaskId,
    },
    /// A receipt was signed.
    Receipt {
        /// Which.
        id: B256,
        /// Whose channel pays.
        payer: Address,
        /// The fee.
        fee: Amount,
    },
    /// A posted root raised what an account may claim.
    Earned {
        /// Whose.
        account: Address,
        /// By how much.
        amount: Amount,
        /// Answers that this pays for.
        answers: u32,
        /// The newest of their receipts.
        receipt: Option<B256>,
    },
    /// A claim paid an account.
    Paid {
        /// Whom.
        account: Address,
        /// How much.
        amount: Amount,
    },
}
