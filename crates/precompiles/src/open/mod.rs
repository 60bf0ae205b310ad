//! `open`: the ERC-20 face of the native coin.
//!
//! Balances are the native balances, so there is nothing to mint here and nothing that could
//! diverge. A transfer runs no code at the receiver. Signed variants recover an ordinary key:
//! ERC-1271 would need a call into a user's contract, which a module never makes.
//!
//! **Hazard:** a contract that accepts both `msg.value` and `transferFrom` of this coin must not
//! count one payment twice; both move the same balance.

mod dispatch;
#[cfg(test)]
mod tests;

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::{SolStruct, sol};
use tributary_contracts::{IOpen, OPEN, is_reserved, open_domain};

pub(crate) use dispatch::dispatch;

use crate::fault::{Result, require};
use crate::layout::{One, Table};
use crate::money;
use crate::session::Session;

static ALLOWANCES: Table<One<U256>> = Table::new(OPEN, "tributary.open.allowances");
static NONCES: Table<One<U256>> = Table::new(OPEN, "tributary.open.nonces");
static AUTHORIZATIONS: Table<One<bool>> = Table::new(OPEN, "tributary.open.authorizations");

sol! {
    struct Permit { address owner; address spender; uint256 value; uint256 nonce; uint256 deadline; }
    struct TransferWithAuthorization { address from; address to; uint256 value; uint256 validAfter; uint256 validBefore; bytes32 nonce; }
    struct ReceiveWithAuthorization { address from; address to; uint256 value; uint256 validAfter; uint256 validBefore; bytes32 nonce; }
    struct CancelAuthorization { address authorizer; bytes32 nonce; }
}

/// Terms of an EIP-3009 transfer.
struct Terms {
    from: Address,
    to: Address,
    value: U256,
    valid_after: U256,
    valid_before: U256,
    nonce: B256,
}

fn transfer(s: &mut Session<'_>, from: Address, to: Address, amount: U256) -> Result<()> {
    let receivable = !to.is_zero() && !is_reserved(&to);
    require!(receivable, IOpen::ERC20InvalidReceiver { receiver: to });
    if !money::pay(s, from, to, amount)? {
        let balance = s.host.balance(from)?;
        let error = IOpen::ERC20InsufficientBalance { sender: from, balance, needed: amount };
        return Err(crate::fault::revert(error));
    }
    s.emit(OPEN, IOpen::Transfer { from, to, value: amount })
}

fn approve(s: &mut Session<'_>, owner: Address, spender: Address, amount: U256) -> Result<()> {
    require!(!spender.is_zero(), IOpen::ERC20InvalidSpender { spender });
    ALLOWANCES.set(s, (owner, spender), &One(amount))?;
    s.emit(OPEN, IOpen::Approval { owner, spender, value: amount })
}

fn transfer_from(s: &mut Session<'_>, from: Address, to: Address, amount: U256) -> Result<()> {
    let spender = s.caller;
    let allowance = ALLOWANCES.get(s, (from, spender))?.0;
    if allowance != U256::MAX {
        let Some(rest) = allowance.checked_sub(amount) else {
            let error = IOpen::ERC20InsufficientAllowance { spender, allowance, needed: amount };
            return Err(crate::fault::revert(error));
        };
        ALLOWANCES.set(s, (from, spender), &One(rest))?;
    }
    transfer(s, from, to, amount)
}

fn permit(s: &mut Session<'_>, call: &IOpen::permitCall) -> Result<()> {
    let (owner, spender) = (call.owner, call.spender);
    let in_time = U256::from(s.now()) <= call.deadline;
    require!(in_time, IOpen::ERC2612ExpiredSignature { deadline: call.deadline });
    let nonce = NONCES.get(s, owner)?.0;
    let message = Permit { owner, spender, value: call.value, nonce, deadline: call.deadline };
    let domain = open_domain(s.host.chain_id());
    let digest = s.typed_digest(&message, &domain)?;
    let signer = s.recover(&digest, &crate::session::packed(call.v, call.r, call.s))?;
    let valid = signer == owner && !owner.is_zero();
    require!(valid, IOpen::ERC2612InvalidSigner { signer, owner });
    NONCES.set(s, owner, &One(nonce.wrapping_add(U256::ONE)))?;
    approve(s, owner, spender, call.value)
}

/// Checks a signature over an authorisation and uses its nonce up.
fn use_nonce(
    s: &mut Session<'_>,
    authorizer: Address,
    nonce: B256,
    message: &impl SolStruct,
    signature: &[u8],
) -> Result<()> {
    let used = AUTHORIZATIONS.get(s, (authorizer, nonce))?.0;
    require!(!used, IOpen::AuthorizationUsedOrCanceled { authorizer, nonce });
    let domain = open_domain(s.host.chain_id());
    let digest = s.typed_digest(message, &domain)?;
    let signer = s.recover(&digest, signature)?;
    let valid = signer == authorizer && !authorizer.is_zero();
    require!(valid, IOpen::AuthorizationInvalidSigner { signer, authorizer });
    AUTHORIZATIONS.set(s, (authorizer, nonce), &One(true))
}

fn check_time(s: &Session<'_>, terms: &Terms) -> Result<()> {
    let now = U256::from(s.now());
    let valid_after = terms.valid_after;
    require!(now > valid_after, IOpen::AuthorizationNotYetValid { validAfter: valid_after });
    let valid_before = terms.valid_before;
    require!(now < valid_before, IOpen::AuthorizationExpired { validBefore: valid_before });
    Ok(())
}

fn settle(s: &mut Session<'_>, terms: &Terms) -> Result<()> {
    let (authorizer, nonce) = (terms.from, terms.nonce);
    s.emit(OPEN, IOpen::AuthorizationUsed { authorizer, nonce })?;
    transfer(s, terms.from, terms.to, terms.value)
}

fn transfer_with_authorization(s: &mut Session<'_>, terms: &Terms, signature: &[u8]) -> Result<()> {
    check_time(s, terms)?;
    let message = TransferWithAuthorization {
        from: terms.from,
        to: terms.to,
        value: terms.value,
        validAfter: terms.valid_after,
        validBefore: terms.valid_before,
        nonce: terms.nonce,
    };
    use_nonce(s, terms.from, terms.nonce, &message, signature)?;
    settle(s, terms)
}

fn receive_with_authorization(s: &mut Session<'_>, terms: &Terms, signature: &[u8]) -> Result<()> {
    let (caller, payee) = (s.caller, terms.to);
    require!(caller == payee, IOpen::CallerMustBePayee { caller, payee });
    check_time(s, terms)?;
    let message = ReceiveWithAuthorization {
        from: terms.from,
        to: terms.to,
        value: terms.value,
        validAfter: terms.valid_after,
        validBefore: terms.valid_before,
        nonce: terms.nonce,
    };
    use_nonce(s, terms.from, terms.nonce, &message, signature)?;
    settle(s, terms)
}

fn cancel_authorization(
    s: &mut Session<'_>,
    authorizer: Address,
    nonce: B256,
    signature: &[u8],
) -> Result<()> {
    let message = CancelAuthorization { authorizer, nonce };
    use_nonce(s, authorizer, nonce, &message, signature)?;
    s.emit(OPEN, IOpen::AuthorizationCanceled { authorizer, nonce })
}
