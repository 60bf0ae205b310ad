//! Native modules as contracts in real blocks.

use super::*;
use alloy_consensus::TxEip7702;
use alloy_eips::eip7702::Authorization;
use alloy_rpc_types_eth::TransactionRequest;
use alloy_rpc_types_trace::geth::{
    GethDebugBuiltInTracerType, GethDebugTracerType, GethDebugTracingOptions, GethTrace,
    PreStateFrame,
};
use alloy_sol_types::{SolCall, SolEvent};
use tributary_contracts::{IOpen, IStaking, OPEN as COIN, STAKING};

fn transfer(to: Address, amount: u64) -> Bytes {
    IOpen::transferCall { to, amount: U256::from(amount) }.abi_encode().into()
}

/// A contract that forwards its calldata to a module and reverts afterwards when asked to.
fn forwarder(module: Address, reverts: bool) -> Vec<u8> {
    let mut code = hex!("365f5f37").to_vec();
    code.extend_from_slice(&hex!("5f5f365f5f73"));
    code.extend_from_slice(module.as_slice());
    code.extend_from_slice(&hex!("5af1"));
    code.extend_from_slice(if reverts { &hex!("5f5ffd") } else { &hex!("5f5260205ff3") });
    code
}

#[test]
fn the_coin_moves_through_its_erc20_face() {
    let chain = Chain::dev();
    let bob = Address::repeat_byte(0xb0);
    let built = chain.mine(&[Call::to(COIN).input(transfer(bob, 77)).sign(0, 0)]);
    let receipt = &built.receipts[0];
    assert!(receipt.envelope.status());
    assert_eq!(chain.balance(bob), U256::from(77));
    let event = IOpen::Transfer::decode_log(&receipt.envelope.logs()[0]).unwrap();
    assert_eq!((event.from, event.to, event.value), (user(0).address, bob, U256::from(77)));
    assert_eq!(chain.store.rebuild_root().unwrap(), built.block.header.state_root);
}

#[test]
fn a_contract_calls_a_module_and_a_revert_takes_everything_back() {
    let chain = Chain::dev();
    let bob = Address::repeat_byte(0xb0);
    let kind = chain.deploy(&forwarder(COIN, false), U256::from(100));
    let cruel = chain.deploy(&forwarder(COIN, true), U256::from(100));
    let nonce = chain.nonce(user(0).address);
    let built = chain.mine(&[
        Call::to(kind).input(transfer(bob, 5)).sign(0, nonce),
        Call::to(cruel).input(transfer(bob, 7)).sign(0, nonce + 1),
    ]);
    assert!(built.receipts[0].envelope.status());
    assert!(!built.receipts[1].envelope.status());
    assert!(built.receipts[1].envelope.logs().is_empty());
    assert_eq!(chain.balance(bob), U256::from(5));
    assert_eq!(chain.balance(cruel), U256::from(100));
}

#[test]
fn module_storage_is_in_the_state_root_and_in_proofs() {
    let chain = Chain::dev();
    let before = chain.store.proof(0, STAKING, &[]).unwrap().storage_root;
    let stake = IStaking::stakeCall {}.abi_encode();
    let value = U256::from(5u128 * OPEN.wei());
    let built = chain.mine(&[Call::to(STAKING).value(value).input(stake).sign(0, 0)]);
    assert!(built.receipts[0].envelope.status());
    assert_eq!(chain.balance(STAKING), value);
    let after = chain.store.proof(1, STAKING, &[]).unwrap().storage_root;
    assert_ne!(before, after);
    assert_eq!(check_books(&chain.store.latest_state()).unwrap(), Vec::<String>::new());
}

#[test]
fn traces_show_module_calls_as_frames_with_their_logs() {
    let chain = Chain::dev();
    let bob = Address::repeat_byte(0xb0);
    let contract = chain.deploy(&forwarder(COIN, false), U256::from(100));
    let parent_state = chain.store.latest_state();
    let built = chain.mine(&[Call::to(contract).input(transfer(bob, 5)).sign(0, 1)]);
    let trace = |kind, config: serde_json::Value| {
        let options = GethDebugTracingOptions {
            tracer: Some(GethDebugTracerType::BuiltInTracer(kind)),
            tracer_config: config.into(),
            ..GethDebugTracingOptions::default()
        };
        chain.simulator.trace_transaction(&parent_state, &built.block, 0, &options).unwrap()
    };
    let logs = serde_json::json!({ "withLog": true });
    let GethTrace::CallTracer(frame) = trace(GethDebugBuiltInTracerType::CallTracer, logs) else {
        panic!("wrong tracer")
    };
    let inner = &frame.calls[0];
    assert_eq!(inner.to, Some(COIN));
    assert_eq!(inner.input, transfer(bob, 5));
    assert_eq!(inner.logs.len(), 1);
    let diff = serde_json::json!({ "diffMode": true });
    let pre = trace(GethDebugBuiltInTracerType::PreStateTracer, diff);
    let GethTrace::PreStateTracer(PreStateFrame::Diff(diff)) = pre else { panic!("wrong tracer") };
    assert_eq!(diff.post[&bob].balance, Some(U256::from(5)));
}

#[test]
fn the_prestate_tracer_sees_what_modules_write() {
    let chain = Chain::dev();
    let parent_state = chain.store.latest_state();
    let stake = Call::to(STAKING).value(U256::from(9)).input(IStaking::stakeCall {}.abi_encode());
    let built = chain.mine(&[stake.sign(0, 0)]);
    assert!(built.receipts[0].envelope.status());
    let options = GethDebugTracingOptions {
        tracer: Some(GethDebugTracerType::BuiltInTracer(
            GethDebugBuiltInTracerType::PreStateTracer,
        )),
        tracer_config: serde_json::json!({ "diffMode": true }).into(),
        ..GethDebugTracingOptions::default()
    };
    let trace =
        chain.simulator.trace_transaction(&parent_state, &built.block, 0, &options).unwrap();
    let GethTrace::PreStateTracer(PreStateFrame::Diff(diff)) = trace else {
        panic!("wrong tracer")
    };
    assert!(!diff.post[&STAKING].storage.is_empty());
}

#[test]
fn access_lists_name_the_slots_that_modules_read() {
    let chain = Chain::dev();
    let request = TransactionRequest::default()
        .from(user(0).address)
        .to(STAKING)
        .value(U256::from(OPEN.wei()))
        .input(Bytes::from(IStaking::stakeCall {}.abi_encode()).into());
    let list = chain
        .simulator
        .create_access_list(
            &chain.store.latest_state(),
            &chain.pending(),
            &request,
            &SimulationOverrides::default(),
        )
        .unwrap();
    assert_eq!(list.error, None);
    let item = list.access_list.0.iter().find(|item| item.address == STAKING).unwrap();
    assert!(!item.storage_keys.is_empty());
}

#[test]
fn nothing_waits_on_a_fresh_chain_and_the_burn_count_starts_at_zero() {
    let chain = Chain::dev();
    assert_eq!(next_timer(&chain.store.latest_state()).unwrap(), None);
    assert_eq!(chain.burned(), U256::ZERO);
    chain.mine(&[Call::to(user(1).address).sign(0, 0)]);
    let request = TransactionRequest::default()
        .to(COIN)
        .input(Bytes::from(IOpen::burnedCall {}.abi_encode()).into());
    let outcome = chain
        .simulator
        .call(
            &chain.store.latest_state(),
            &chain.pending(),
            &request,
            &SimulationOverrides::default(),
        )
        .unwrap();
    let burned = IOpen::burnedCall::abi_decode_returns(&outcome.output).unwrap();
    assert!(!burned.is_zero());
    assert_eq!(burned, chain.burned());
}

#[test]
fn nobody_delegates_to_a_module() {
    let chain = Chain::dev();
    let authorization = Authorization { chain_id: U256::from(7310), address: COIN, nonce: 0 };
    let signed = authorization.clone().into_signed(signature(authorization.signature_hash(), 5));
    let tx = TxEip7702 {
        chain_id: 7310,
        gas_limit: 100_000,
        max_fee_per_gas: 10_000_000_000,
        authorization_list: vec![signed],
        ..Default::default()
    };
    let refused = chain.spec.recover(sign(tx, 0));
    assert_eq!(refused, Err(TxError::ReservedDelegation { address: COIN }));
}
