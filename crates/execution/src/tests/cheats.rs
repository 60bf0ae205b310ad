//! Dev cheat codes as parts of blocks.

use super::*;
use alloy_consensus::TypedTransaction;

fn with_edits(chain: &Chain, edits: Vec<StateEdit>) -> BlockAttributes {
    BlockAttributes { edits, ..chain.attributes() }
}

#[test]
fn edits_change_state_stand_in_the_block_and_conserve_money() {
    let chain = Chain::dev();
    let address = Address::repeat_byte(0x55);
    let launch = chain.balance(launch_account().address);
    let balance = U256::from(1_234u128 * OPEN.wei());
    let edits = vec![
        StateEdit::Balance { address, balance },
        StateEdit::Nonce { address, nonce: 9 },
        StateEdit::Code { address, code: Bytes::from_static(&LOAD) },
        StateEdit::Storage { address, slot: U256::from(1), value: U256::from(2) },
    ];
    let built = chain.mine_with(&with_edits(&chain, edits), &[]);
    assert!(built.block.header.parent_beacon_block_root.unwrap() != B256::ZERO);
    let state = chain.store.latest_state();
    let account = state.account(address).unwrap().unwrap();
    assert_eq!((account.balance, account.nonce), (balance, 9));
    assert_eq!(state.code(account.code_hash).unwrap()[..], LOAD);
    assert_eq!(state.storage(address, U256::from(1)).unwrap(), U256::from(2));
    assert_eq!(chain.balance(launch_account().address), launch - balance);
    let back = vec![StateEdit::Balance { address, balance: U256::ZERO }];
    chain.mine_with(&with_edits(&chain, back), &[]);
    assert_eq!(chain.balance(launch_account().address), launch);
}

#[test]
fn a_balance_beyond_the_launch_bucket_is_refused() {
    let chain = Chain::dev();
    let edits = vec![StateEdit::Balance {
        address: Address::repeat_byte(1),
        balance: tributary_primitives::TOTAL_SUPPLY.to_u256(),
    }];
    let mut none = core::iter::empty();
    let attributes = with_edits(&chain, edits);
    let error = chain
        .executor
        .build(&chain.parent(), &attributes, &mut none, &BlockLimits::default())
        .unwrap_err();
    assert!(error.to_string().contains("launch bucket"), "{error}");
}

#[test]
fn edits_and_impersonation_need_a_chain_that_allows_them() {
    let mut genesis = Genesis::dev();
    genesis.cheats = false;
    let chain = Chain::with(genesis);
    let edits = vec![StateEdit::Nonce { address: Address::repeat_byte(1), nonce: 5 }];
    let mut none = core::iter::empty();
    let attributes = with_edits(&chain, edits);
    let error = chain
        .executor
        .build(&chain.parent(), &attributes, &mut none, &BlockLimits::default())
        .unwrap_err();
    assert!(matches!(error, ExecutionError::Edit(_)), "{error}");
    let tx = Call::to(user(1).address).unsigned(0);
    let tx = impersonated(TypedTransaction::Eip1559(tx), user(0).address);
    assert_eq!(chain.spec.recover(tx), Err(TxError::InvalidSignature));
}

#[test]
fn an_impersonated_transaction_runs_and_replays() {
    let chain = Chain::dev();
    let launch = launch_account().address;
    let tx = Call::to(user(1).address).value(U256::from(5)).unsigned(0);
    let tx = impersonated(TypedTransaction::Eip1559(tx), launch);
    let built = chain.mine(&[tx]);
    assert_eq!(built.receipts[0].sender, launch);
    assert_eq!(chain.nonce(launch), 1);
    let stored = chain.store.block(1).unwrap().unwrap();
    assert_eq!(stored, built.block);
}

#[test]
fn nobody_edits_a_native_module() {
    let chain = Chain::dev();
    let address = tributary_contracts::STAKING;
    for edit in [
        StateEdit::Balance { address, balance: U256::from(1) },
        StateEdit::Nonce { address, nonce: 5 },
        StateEdit::Code { address, code: Bytes::new() },
        StateEdit::Storage { address, slot: U256::ZERO, value: U256::from(1) },
    ] {
        let attributes = with_edits(&chain, vec![edit]);
        let mut none = core::iter::empty();
        let limits = BlockLimits::default();
        let error =
            chain.executor.build(&chain.parent(), &attributes, &mut none, &limits).unwrap_err();
        assert!(error.to_string().contains("native module"), "{error}");
    }
}

#[test]
fn rewinding_takes_cheats_back() {
    let chain = Chain::dev();
    let address = Address::repeat_byte(0x55);
    let edits = vec![StateEdit::Balance { address, balance: U256::from(1) }];
    chain.mine_with(&with_edits(&chain, edits), &[]);
    chain.store.rewind(0).unwrap();
    assert_eq!(chain.balance(address), U256::ZERO);
    chain.mine(&[Call::to(address).sign(0, 0)]);
    assert_eq!(chain.store.rebuild_root().unwrap(), chain.store.head().state_root);
}
