//! Calls, estimates, access lists and traces.

use super::*;
use alloy_rpc_types_eth::state::{AccountOverride, StateOverride};
use alloy_rpc_types_eth::{BlockOverrides, TransactionRequest};
use alloy_rpc_types_trace::geth::{
    GethDebugBuiltInTracerType, GethDebugTracerType, GethDebugTracingOptions, GethTrace,
    PreStateFrame,
};

fn request(to: Address, input: impl Into<Bytes>) -> TransactionRequest {
    TransactionRequest::default().from(user(0).address).to(to).input(input.into().into())
}

fn word(value: u64) -> [u8; 32] {
    U256::from(value).to_be_bytes()
}

impl Chain {
    fn call(&self, request: &TransactionRequest, overrides: &SimulationOverrides) -> CallOutcome {
        let state = self.store.latest_state();
        self.simulator.call(&state, &self.pending(), request, overrides).unwrap()
    }

    fn estimate(&self, request: &TransactionRequest) -> Result<u64, SimulationError> {
        let overrides = SimulationOverrides::default();
        let state = self.store.latest_state();
        self.simulator.estimate_gas(&state, &self.pending(), request, &overrides)
    }
}

#[test]
fn a_call_reads_state_and_overrides_replace_it() {
    let chain = Chain::dev();
    let contract = chain.deploy(&LOAD, U256::ZERO);
    let plain = chain.call(&request(contract, word(1)), &SimulationOverrides::default());
    assert_eq!(plain.output[..], word(0));
    let slots = [(B256::from(word(1)), B256::from(word(42)))].into_iter().collect();
    let account = AccountOverride { state_diff: Some(slots), ..Default::default() };
    let state: StateOverride = [(contract, account)].into_iter().collect();
    let overrides = SimulationOverrides { state: Some(state), ..Default::default() };
    assert_eq!(chain.call(&request(contract, word(1)), &overrides).output[..], word(42));
    // TIMESTAMP at an address that has no code on chain.
    let code = Bytes::from_static(&hex!("425f5260205ff3"));
    let ghost = Address::repeat_byte(0x99);
    let account = AccountOverride { code: Some(code), ..Default::default() };
    let overrides = SimulationOverrides {
        state: Some([(ghost, account)].into_iter().collect()),
        block: Some(BlockOverrides { time: Some(123_456), ..Default::default() }),
        gas_cap: 1_000_000,
    };
    assert_eq!(chain.call(&request(ghost, Bytes::new()), &overrides).output[..], word(123_456));
}

#[test]
fn a_call_reports_reverts_and_halts() {
    let chain = Chain::dev();
    let contract = chain.deploy(&REVERT, U256::ZERO);
    let outcome = chain.call(&request(contract, [1, 2, 3]), &SimulationOverrides::default());
    assert_eq!((outcome.status, &outcome.output[..]), (CallStatus::Revert, &[1, 2, 3][..]));
    let endless = TransactionRequest {
        to: Some(TxKind::Create),
        gas: Some(100_000),
        ..request(contract, hex!("5b5f56"))
    };
    let outcome = chain.call(&endless, &SimulationOverrides::default());
    assert_eq!(outcome.status, CallStatus::Halt("out of gas".into()));
    let rich = request(contract, []).value(tributary_primitives::TOTAL_SUPPLY.to_u256());
    let state = chain.store.latest_state();
    let error = chain
        .simulator
        .call(&state, &chain.pending(), &rich, &SimulationOverrides::default())
        .unwrap_err();
    assert!(error.to_string().starts_with("insufficient funds"), "{error}");
}

#[test]
fn hostile_prices_are_refused_not_panicked_on() {
    let chain = Chain::dev();
    let contract = chain.deploy(&LOAD, U256::ZERO);
    let state = chain.store.latest_state();
    for price in [u128::MAX, u128::MAX / 2, 1 << 100] {
        let mut greedy = request(contract, word(1));
        greedy.gas_price = Some(price);
        greedy.gas = Some(u64::MAX);
        let mut capped = request(contract, word(1));
        capped.max_fee_per_gas = Some(price);
        capped.max_priority_fee_per_gas = Some(price);
        for request in [greedy, capped] {
            let overrides = SimulationOverrides::default();
            let pending = chain.pending();
            assert!(chain.simulator.call(&state, &pending, &request, &overrides).is_err());
            assert!(chain.simulator.estimate_gas(&state, &pending, &request, &overrides).is_err());
        }
    }
}

#[test]
fn an_estimate_is_enough_and_not_much_more() {
    let chain = Chain::dev();
    let transfer = request(Address::repeat_byte(3), Bytes::new()).value(U256::from(1));
    assert_eq!(chain.estimate(&transfer).unwrap(), 21_000);
    let contract = chain.deploy(&STORE_AND_LOG, U256::ZERO);
    let input = [word(5), word(6)].concat();
    let estimate = chain.estimate(&request(contract, input.clone())).unwrap();
    let used = chain.call(&request(contract, input.clone()), &Default::default()).gas_used;
    assert!(estimate >= used && estimate <= used + used / 10, "{estimate} for {used}");
    let built = chain.mine(&[Call::to(contract).input(input).gas(estimate).sign(0, 1)]);
    assert!(built.receipts[0].envelope.status());
    let reverting = chain.deploy(&REVERT, U256::ZERO);
    let error = chain.estimate(&request(reverting, [7])).unwrap_err();
    assert!(matches!(error, SimulationError::Reverted(data) if data[..] == [7]));
}

#[test]
fn an_estimate_beyond_the_senders_means_says_so() {
    let chain = Chain::dev();
    let mut broke = request(user(1).address, Bytes::new());
    broke.value = Some(U256::from(10_001u128 * OPEN.wei()));
    broke.gas_price = Some(2_000_000_000);
    let error = chain.estimate(&broke).unwrap_err();
    assert!(matches!(error, SimulationError::Tx(TxError::InsufficientFunds { .. })), "{error}");
    broke.gas_price = None;
    let error = chain.estimate(&broke).unwrap_err();
    assert!(matches!(error, SimulationError::Tx(TxError::InsufficientFunds { .. })), "{error}");
    broke.gas_price = Some(2_000_000_000);
    broke.value = Some(U256::from(1));
    assert_eq!(chain.estimate(&broke).unwrap(), 21_000);
}

#[test]
fn an_access_list_names_the_slots_and_its_gas() {
    let chain = Chain::dev();
    let contract = chain.deploy(&STORE_AND_LOG, U256::ZERO);
    let input = [word(5), word(6)].concat();
    let state = chain.store.latest_state();
    let list = chain
        .simulator
        .create_access_list(
            &state,
            &chain.pending(),
            &request(contract, input),
            &Default::default(),
        )
        .unwrap();
    assert_eq!(list.access_list.0.len(), 1);
    assert_eq!(list.access_list.0[0].address, contract);
    assert_eq!(list.access_list.0[0].storage_keys, [B256::from(word(6))]);
    assert_eq!(list.error, None);
    assert!(list.gas_used > U256::from(21_000));
}

fn tracer(kind: GethDebugBuiltInTracerType) -> GethDebugTracingOptions {
    GethDebugTracingOptions {
        tracer: Some(GethDebugTracerType::BuiltInTracer(kind)),
        ..GethDebugTracingOptions::default()
    }
}

#[test]
fn traces_show_calls_state_and_steps() {
    let chain = Chain::dev();
    let contract = chain.deploy(&STORE_AND_LOG, U256::ZERO);
    let input = [word(5), word(6)].concat();
    let first = Call::to(contract).input(input).sign(0, 1);
    let second = Call::to(user(1).address).value(U256::from(9)).sign(0, 2);
    let parent_state = chain.store.latest_state();
    let built = chain.mine(&[first, second]);
    let trace = |index, options: &GethDebugTracingOptions| {
        chain.simulator.trace_transaction(&parent_state, &built.block, index, options).unwrap()
    };
    let call_tracer = tracer(GethDebugBuiltInTracerType::CallTracer);
    let GethTrace::CallTracer(frame) = trace(0, &call_tracer) else { panic!("wrong tracer") };
    assert_eq!(frame.to, Some(contract));
    assert_eq!(frame.gas_used, U256::from(built.receipts[0].gas_used));
    let GethTrace::CallTracer(frame) = trace(1, &call_tracer) else { panic!("wrong tracer") };
    assert_eq!(frame.value, Some(U256::from(9)));
    let pre = trace(0, &tracer(GethDebugBuiltInTracerType::PreStateTracer));
    let GethTrace::PreStateTracer(PreStateFrame::Default(pre)) = pre else {
        panic!("wrong tracer")
    };
    assert!(pre.0.contains_key(&contract));
    assert_eq!(pre.0[&user(0).address].nonce, Some(1));
    let GethTrace::Default(steps) = trace(0, &GethDebugTracingOptions::default()) else {
        panic!("wrong tracer")
    };
    assert!(steps.struct_logs.iter().any(|step| step.op == "SSTORE"));
    assert_eq!(steps.gas, built.receipts[0].gas_used);
    let all = chain.simulator.trace_block(&parent_state, &built.block, &call_tracer).unwrap();
    assert_eq!(all.len(), 2);
    assert!(
        chain.simulator.trace_transaction(&parent_state, &built.block, 2, &call_tracer).is_err()
    );
}

#[test]
fn a_call_is_traced_like_a_transaction() {
    let chain = Chain::dev();
    let contract = chain.deploy(&REVERT, U256::ZERO);
    let options = tracer(GethDebugBuiltInTracerType::CallTracer);
    let trace = chain
        .simulator
        .trace_call(
            &chain.store.latest_state(),
            &chain.pending(),
            &request(contract, [8]),
            &Default::default(),
            &options,
        )
        .unwrap();
    let GethTrace::CallTracer(frame) = trace else { panic!("wrong tracer") };
    assert_eq!(frame.error.as_deref(), Some("execution reverted"));
    let script = GethDebugTracingOptions {
        tracer: Some(GethDebugTracerType::JsTracer("{}".into())),
        ..GethDebugTracingOptions::default()
    };
    let state = chain.store.latest_state();
    let error = chain
        .simulator
        .trace_call(&state, &chain.pending(), &request(contract, [8]), &Default::default(), &script)
        .unwrap_err();
    assert!(matches!(error, SimulationError::Invalid(_)), "{error}");
}
