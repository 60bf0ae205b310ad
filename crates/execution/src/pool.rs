//! What the transaction pool asks before it takes a transaction.

use crate::env::Env;
use crate::sender::check_kind;
use crate::{BlockContext, ChainSpec, RecoveredTx, TxError};
use alloy_consensus::{Header, Transaction as _};
use alloy_primitives::U256;
use tributary_storage::{StateView, StorageError};

/// What the pool needs to know of an admissible transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolVerdict {
    /// The sender's nonce in the state.
    pub account_nonce: u64,
    /// The sender's balance in the state.
    pub balance: U256,
    /// Most the transaction can cost.
    pub max_cost: U256,
}

/// Checks a transaction against a state without running it. The nonce may lie ahead.
///
/// The outer error is a failed read of the state.
pub fn validate_for_pool(
    spec: &ChainSpec,
    state: &StateView,
    head: &Header,
    tx: &RecoveredTx,
) -> Result<Result<PoolVerdict, TxError>, StorageError> {
    if let Err(error) = stateless(spec, head, tx) {
        return Ok(Err(error));
    }
    let account = state.account(tx.signer())?.unwrap_or_default();
    let code = state.code(account.code_hash)?;
    // EIP-7702 delegations stay externally owned.
    if !code.is_empty() && !code.starts_with(&[0xef, 0x01, 0x00]) {
        return Ok(Err(TxError::SenderIsContract { sender: tx.signer() }));
    }
    if tx.nonce() < account.nonce {
        return Ok(Err(TxError::NonceTooLow { tx: tx.nonce(), state: account.nonce }));
    }
    let gas_cost = U256::from(tx.max_fee_per_gas()) * U256::from(tx.gas_limit());
    let max_cost = gas_cost.saturating_add(tx.value());
    if account.balance < max_cost {
        return Ok(Err(TxError::InsufficientFunds { have: account.balance, want: max_cost }));
    }
    Ok(Ok(PoolVerdict { account_nonce: account.nonce, balance: account.balance, max_cost }))
}

fn stateless(spec: &ChainSpec, head: &Header, tx: &RecoveredTx) -> Result<(), TxError> {
    check_kind(tx.inner())?;
    let block = BlockContext::pending(spec, head, head.timestamp);
    let rules = spec.rules_at(block.number, block.timestamp);
    if tx.gas_limit() > block.gas_limit {
        return Err(TxError::ExceedsBlockGasLimit { gas: tx.gas_limit(), limit: block.gas_limit });
    }
    let cap = spec.tx_gas_limit(rules);
    if tx.gas_limit() > cap {
        return Err(TxError::ExceedsTxGasLimit { gas: tx.gas_limit(), cap });
    }
    if tx.max_priority_fee_per_gas().is_some_and(|tip| tip > tx.max_fee_per_gas()) {
        return Err(TxError::TipAboveFeeCap);
    }
    if tx.max_fee_per_gas() < u128::from(rules.min_base_fee) {
        let (max_fee, floor) = (tx.max_fee_per_gas(), rules.min_base_fee);
        return Err(TxError::FeeCapUnderFloor { max_fee, floor });
    }
    if tx.kind().is_create() && tx.input().len() > revm::primitives::eip3860::MAX_INITCODE_SIZE {
        return Err(TxError::InitCodeTooLarge);
    }
    if tx.inner().is_eip7702() && tx.authorization_list().unwrap_or_default().is_empty() {
        return Err(TxError::EmptyAuthorizationList);
    }
    let needed = Env::new(spec, rules, &block).intrinsic_gas(tx);
    if tx.gas_limit() < needed {
        return Err(TxError::IntrinsicGasTooLow { gas: tx.gas_limit(), needed });
    }
    Ok(())
}
