//! Blocks that could be: `eth_simulateV1` on a chain with modules.

use super::*;
use alloy_rpc_types_eth::simulate::{SimBlock, SimulatePayload};
use alloy_rpc_types_eth::state::AccountOverride;
use alloy_rpc_types_eth::{BlockOverrides, TransactionRequest};
use alloy_sol_types::SolCall;
use tributary_contracts::{IOpen, OPEN as COIN};

const GAS_CAP: u64 = 50_000_000;

impl Chain {
    fn simulate(&self, payload: SimulatePayload) -> Result<Vec<SimulatedBlock>, SimulationError> {
        self.simulator.simulate(&self.store.latest_state(), payload, GAS_CAP)
    }
}

fn transfer(to: Address, amount: u64) -> TransactionRequest {
    let input = IOpen::transferCall { to, amount: U256::from(amount) }.abi_encode();
    TransactionRequest::default().from(user(0).address).to(COIN).input(Bytes::from(input).into())
}

fn balance_of(owner: Address) -> TransactionRequest {
    let input = IOpen::balanceOfCall { account: owner }.abi_encode();
    TransactionRequest::default().to(COIN).input(Bytes::from(input).into())
}

fn word_of(block: &SimulatedBlock, call: usize) -> U256 {
    U256::from_be_slice(&block.calls[call].outcome.output)
}

#[test]
fn each_block_builds_on_the_one_before_and_none_stays() {
    let chain = Chain::dev();
    let bob = Address::repeat_byte(0xb0);
    let payload = SimulatePayload::default()
        .extend(SimBlock::default().call(transfer(bob, 5)).call(balance_of(bob)))
        .extend(SimBlock::default().call(transfer(bob, 7)).call(balance_of(bob)));
    let blocks = chain.simulate(payload).unwrap();
    assert_eq!(blocks.iter().map(|b| b.block.number()).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(blocks[1].block.header.parent_hash, blocks[0].block.hash);
    assert_eq!((word_of(&blocks[0], 1), word_of(&blocks[1], 1)), (U256::from(5), U256::from(12)));
    assert_eq!(blocks[0].calls[0].outcome.logs.len(), 1);
    assert_eq!(chain.balance(bob), U256::ZERO);
    assert_eq!(chain.store.head().number, 0);
}

#[test]
fn with_validation_the_base_fee_is_paid_and_divided_as_in_a_block() {
    let chain = Chain::dev();
    let call = Call::to(user(1).address).value(U256::from(1));
    let built = chain.build(&chain.attributes(), &[call.sign(0, 0)]);
    let request = TransactionRequest {
        from: Some(user(0).address),
        to: Some(user(1).address.into()),
        value: Some(U256::from(1)),
        gas: Some(1_000_000),
        max_fee_per_gas: Some(10_000_000_000),
        max_priority_fee_per_gas: Some(1_000),
        ..TransactionRequest::default()
    };
    let overrides = BlockOverrides {
        time: Some(built.block.header.timestamp),
        coinbase: Some(built.block.header.beneficiary),
        ..BlockOverrides::default()
    };
    let block = SimBlock::default().with_block_overrides(overrides).call(request);
    let payload = SimulatePayload::default().extend(block).with_validation();
    let simulated = chain.simulate(payload).unwrap().remove(0);
    assert_eq!(simulated.block.header.base_fee_per_gas, built.block.header.base_fee_per_gas);
    assert_eq!(simulated.block.header.gas_used, built.block.header.gas_used);
    assert_eq!(simulated.block.header.state_root, built.block.header.state_root);
    assert_eq!(simulated.block.header.receipts_root, built.block.header.receipts_root);
}

#[test]
fn modules_stay_where_they_are_and_gas_is_bounded_over_all_calls() {
    let chain = Chain::dev();
    let elsewhere = Some(Address::repeat_byte(9));
    let account = AccountOverride { move_precompile_to: elsewhere, ..AccountOverride::default() };
    let block = SimBlock::default().with_state_overrides([(COIN, account)].into_iter().collect());
    let refused = chain.simulate(SimulatePayload::default().extend(block));
    let Err(SimulationError::Plan(error)) = refused else { panic!("{refused:?}") };
    assert_eq!(error, PlanError::NotPrecompile { address: COIN });
    // JUMPDEST PUSH1 0 JUMP: runs until the gas is gone.
    let target = Address::repeat_byte(8);
    let code = Some(Bytes::from_static(&hex!("5b600056")));
    let account = AccountOverride { code, ..AccountOverride::default() };
    let forever = TransactionRequest::default().to(target);
    let block = SimBlock::default()
        .with_state_overrides([(target, account)].into_iter().collect())
        .call(forever.clone())
        .call(forever);
    let refused = chain.simulate(SimulatePayload::default().extend(block));
    let Err(SimulationError::Plan(PlanError::Refused { error, .. })) = refused else {
        panic!("{refused:?}")
    };
    assert!(matches!(error, TxError::IntrinsicGasTooLow { gas: 0, .. }), "{error}");
}
