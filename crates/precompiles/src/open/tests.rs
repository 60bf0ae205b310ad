//! The coin's ERC-20 face.

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolStruct;
use tributary_contracts::{CHAIN_ID_DEV, IOpen, OPEN, STAKING, open_domain};

use super::{CancelAuthorization, Permit, TransferWithAuthorization};
use crate::testing::{COIN, Chain, START, sign, who};

fn coins(count: u128) -> U256 {
    U256::from(count * COIN)
}

#[test]
fn the_face_shows_and_moves_native_balances() {
    let mut chain = Chain::dev();
    let (ann, bob) = (who("ann"), who("bob"));
    assert_eq!(chain.view(OPEN, IOpen::balanceOfCall { account: ann }), coins(100_000));
    assert!(chain.ok("ann", OPEN, 0, IOpen::transferCall { to: bob, amount: coins(1) }));
    assert_eq!(chain.balance(bob), 100_001 * COIN);
    let event: IOpen::Transfer = chain.last();
    assert_eq!((event.from, event.to, event.value), (ann, bob, coins(1)));
    assert_eq!(chain.view(OPEN, IOpen::totalSupplyCall {}), U256::from(10u128.pow(27)));
}

#[test]
fn nobody_sends_more_than_they_have_nor_to_a_module() {
    let mut chain = Chain::dev();
    let (ann, too_much) = (who("ann"), coins(100_001));
    let error =
        IOpen::ERC20InsufficientBalance { sender: ann, balance: coins(100_000), needed: too_much };
    chain.fails("ann", OPEN, 0, IOpen::transferCall { to: who("bob"), amount: too_much }, error);
    for receiver in [STAKING, OPEN, Address::ZERO] {
        let call = IOpen::transferCall { to: receiver, amount: coins(1) };
        chain.fails("ann", OPEN, 0, call, IOpen::ERC20InvalidReceiver { receiver });
    }
}

#[test]
fn an_allowance_is_used_up_unless_it_is_unlimited() {
    let mut chain = Chain::dev();
    let (ann, bob, cyn) = (who("ann"), who("bob"), who("cyn"));
    chain.ok("ann", OPEN, 0, IOpen::approveCall { spender: bob, amount: coins(3) });
    let take = |amount| IOpen::transferFromCall { from: ann, to: cyn, amount };
    chain.ok("bob", OPEN, 0, take(coins(2)));
    let error =
        IOpen::ERC20InsufficientAllowance { spender: bob, allowance: coins(1), needed: coins(2) };
    chain.fails("bob", OPEN, 0, take(coins(2)), error);
    chain.ok("ann", OPEN, 0, IOpen::approveCall { spender: bob, amount: U256::MAX });
    chain.ok("bob", OPEN, 0, take(coins(2)));
    let left = chain.view(OPEN, IOpen::allowanceCall { owner: ann, spender: bob });
    assert_eq!(left, U256::MAX);
}

#[test]
fn a_permit_counts_once_and_only_from_its_owner_in_time() {
    let mut chain = Chain::dev();
    let (owner, spender, deadline) = (who("ann"), who("bob"), U256::from(START + 60));
    let message = Permit { owner, spender, value: coins(5), nonce: U256::ZERO, deadline };
    let digest = message.eip712_signing_hash(&open_domain(CHAIN_ID_DEV));
    let call = |name: &str| {
        let signature = sign(name, &digest);
        let word = |at: usize| B256::from_slice(&signature[at..at + 32]);
        let (v, r, s) = (signature[64], word(0), word(32));
        IOpen::permitCall { owner, spender, value: coins(5), deadline, v, r, s }
    };
    let error = IOpen::ERC2612InvalidSigner { signer: who("eve"), owner };
    chain.fails("bob", OPEN, 0, call("eve"), error);
    chain.ok("bob", OPEN, 0, call("ann"));
    assert_eq!(chain.view(OPEN, IOpen::allowanceCall { owner, spender }), coins(5));
    assert!(chain.send("bob", OPEN, 0, call("ann")).is_err(), "a permit must not count twice");
    chain.wait(61);
    chain.fails("bob", OPEN, 0, call("ann"), IOpen::ERC2612ExpiredSignature { deadline });
}

#[test]
fn a_signed_transfer_moves_once_inside_its_time_and_can_be_cancelled() {
    let mut chain = Chain::dev();
    let (from, to) = (who("ann"), who("bob"));
    let call = |nonce: u8, after: u64, before: u64| {
        let (nonce, after, before) =
            (B256::repeat_byte(nonce), U256::from(after), U256::from(before));
        let message = TransferWithAuthorization {
            from,
            to,
            value: coins(7),
            validAfter: after,
            validBefore: before,
            nonce,
        };
        let digest = message.eip712_signing_hash(&open_domain(CHAIN_ID_DEV));
        let signature = sign("ann", &digest).into();
        IOpen::transferWithAuthorization_1Call {
            from,
            to,
            value: coins(7),
            validAfter: after,
            validBefore: before,
            nonce,
            signature,
        }
    };
    let early = IOpen::AuthorizationNotYetValid { validAfter: U256::from(START + 9) };
    chain.fails("eve", OPEN, 0, call(1, START + 9, START + 99), early);
    let late = IOpen::AuthorizationExpired { validBefore: U256::from(START) };
    chain.fails("eve", OPEN, 0, call(1, 0, START), late);
    chain.ok("eve", OPEN, 0, call(1, 0, START + 99));
    assert_eq!(chain.balance(to), 100_007 * COIN);
    let used = IOpen::AuthorizationUsedOrCanceled { authorizer: from, nonce: B256::repeat_byte(1) };
    chain.fails("eve", OPEN, 0, call(1, 0, START + 99), used);

    let cancel = CancelAuthorization { authorizer: from, nonce: B256::repeat_byte(2) };
    let signature = sign("ann", &cancel.eip712_signing_hash(&open_domain(CHAIN_ID_DEV)));
    let nonce = B256::repeat_byte(2);
    chain.ok(
        "eve",
        OPEN,
        0,
        IOpen::cancelAuthorization_1Call { authorizer: from, nonce, signature: signature.into() },
    );
    let used = IOpen::AuthorizationUsedOrCanceled { authorizer: from, nonce };
    chain.fails("eve", OPEN, 0, call(2, 0, START + 99), used);
    let mut high_s = call(3, 0, START + 99);
    let mut bytes = high_s.signature.to_vec();
    bytes[32] = 0xff;
    high_s.signature = bytes.into();
    let error = IOpen::AuthorizationInvalidSigner { signer: Address::ZERO, authorizer: from };
    chain.fails("eve", OPEN, 0, high_s, error);
}

#[test]
fn only_the_payee_submits_a_receive_authorisation() {
    let mut chain = Chain::dev();
    let (from, to) = (who("ann"), who("bob"));
    let message = super::ReceiveWithAuthorization {
        from,
        to,
        value: coins(1),
        validAfter: U256::ZERO,
        validBefore: U256::MAX,
        nonce: B256::ZERO,
    };
    let signature = sign("ann", &message.eip712_signing_hash(&open_domain(CHAIN_ID_DEV)));
    let call = IOpen::receiveWithAuthorization_1Call {
        from,
        to,
        value: coins(1),
        validAfter: U256::ZERO,
        validBefore: U256::MAX,
        nonce: B256::ZERO,
        signature: signature.into(),
    };
    chain.fails(
        "eve",
        OPEN,
        0,
        call.clone(),
        IOpen::CallerMustBePayee { caller: who("eve"), payee: to },
    );
    chain.ok("bob", OPEN, 0, call);
    assert_eq!(chain.balance(to), 100_001 * COIN);
}
