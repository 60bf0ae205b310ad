//! What somebody has earned since this browser last told them. It compares sums instead of
//! catching events, so a reload, a change of page or a restart of the node between two roots
//! loses no news and repeats none.

use alloy_primitives::{Address, B256};
use tributary_indexer::{Index, IndexError};
use tributary_primitives::{Amount, Party, PayState};

/// Shares that one piece of news looks back over.
const LOOK_BACK: u32 = 200;

/// Money that became *earned*.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct News {
    pub(crate) amount: Amount,
    pub(crate) answers: u64,
    /// The newest of the answers.
    pub(crate) receipt: Option<B256>,
}

/// All that posted roots have given an account, claimed or not: it only grows.
pub(crate) fn posted(index: &Index, account: Address) -> Result<Amount, IndexError> {
    let money = index.earnings(account)?;
    Ok(money.earned.saturating_add(money.paid))
}

/// What an account has earned beyond what it was told.
pub(crate) fn since(
    index: &Index,
    account: Address,
    told: Amount,
    posted: Amount,
) -> Result<Option<News>, IndexError> {
    let amount = posted.saturating_sub(told);
    if amount.is_zero() {
        return Ok(None);
    }
    let shares = index.shares_of(Party::account(account), LOOK_BACK)?;
    let (mut found, mut receipts) = (Amount::ZERO, Vec::new());
    for row in shares.iter().filter(|row| row.state != PayState::Pending) {
        if found >= amount {
            break;
        }
        found = found.saturating_add(row.share.amount);
        if !receipts.contains(&row.receipt) {
            receipts.push(row.receipt);
        }
    }
    Ok(Some(News { amount, answers: receipts.len() as u64, receipt: receipts.first().copied() }))
}
