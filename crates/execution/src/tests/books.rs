//! The modules' books are checked in every block; a corrupted one ends it.

use super::*;
use crate::build::BlockRun;
use alloy_sol_types::SolCall;
use std::collections::BTreeMap;
use tributary_contracts::{IStaking, MODULES, STAKING};
use tributary_precompiles::{HOLDERS, held_slot};

fn stake(value: u64) -> TxEnvelope {
    let input = IStaking::stakeCall {}.abi_encode();
    Call::to(STAKING).value(U256::from(value)).input(input).sign(0, 0)
}

/// Runs a block with a stake of nine wei, changes the state, and ends it.
fn tampered(change: impl FnOnce(&mut BlockRun<'_>)) -> ExecutionError {
    let chain = Chain::dev();
    let (parent, attributes) = (chain.parent(), chain.attributes());
    let mut run = BlockRun::start(&chain.spec, &parent, &attributes).unwrap();
    run.transact(&chain.spec.recover(stake(9)).unwrap()).unwrap().unwrap();
    change(&mut run);
    run.finish(Vec::new()).unwrap_err()
}

#[test]
fn a_total_that_is_not_the_sum_of_its_buckets_ends_the_block_and_names_the_module() {
    let slot = held_slot(STAKING).unwrap();
    for held in [0, 8, 10] {
        let error = tampered(|run| {
            run.state().set_slot(STAKING, slot, U256::from(held)).unwrap();
        });
        assert!(error.is_fatal(), "{error}");
        let text = error.to_string();
        assert!(text.contains("module `staking`: its buckets gained 9"), "{text}");
    }
}

#[test]
fn a_bucket_that_changed_alone_ends_the_block() {
    for coins in [0, 8, 10] {
        let error = tampered(|run| {
            let touched: Vec<_> = run.touched_buckets().collect();
            assert_eq!(touched.len(), 1, "a stake fills one bucket");
            let (module, slot) = touched[0];
            assert_eq!(module, STAKING);
            run.state().set_slot(module, slot, U256::from(coins)).unwrap();
        });
        assert!(error.to_string().contains("module `staking`"), "{error}");
    }
}

#[test]
fn a_module_that_owes_more_than_it_has_stops_the_next_block_even_an_empty_one() {
    for module in HOLDERS {
        let mut genesis = Genesis::dev().build().unwrap();
        let mut diff = genesis.state.diff().clone();
        let account = diff.accounts.get_mut(&module).unwrap();
        account.storage.insert(held_slot(module).unwrap(), U256::from(5));
        genesis.state = SealedState::from_empty(diff).unwrap();
        genesis.block.header.state_root = genesis.state.root();
        let mut chain = Chain::dev();
        chain.store = Store::in_memory(&GenesisBlock {
            block: tributary_storage::SealedBlock::new(genesis.block.header, vec![], vec![]),
            ..genesis
        })
        .unwrap();
        let mut nothing = std::iter::empty();
        let attributes = chain.attributes();
        let limits = BlockLimits::default();
        let error =
            chain.executor.build(&chain.parent(), &attributes, &mut nothing, &limits).unwrap_err();
        let names: BTreeMap<_, _> = MODULES.iter().map(|(name, at)| (*at, *name)).collect();
        let expected =
            format!("module `{}`: it holds 5 wei for others but has only 0", names[&module]);
        assert!(error.is_fatal() && error.to_string().contains(&expected), "{error}");
    }
}

#[test]
fn coins_forced_into_a_module_break_no_books() {
    let chain = Chain::dev();
    // Runtime code that destroys itself in favour of the module.
    let mut code = vec![0x73];
    code.extend_from_slice(STAKING.as_slice());
    code.push(0xff);
    let bomb = chain.deploy(&code, U256::from(7));
    let nonce = chain.nonce(user(0).address);
    let built = chain.mine(&[Call::to(bomb).sign(0, nonce)]);
    assert!(built.receipts[0].envelope.status());
    assert_eq!(chain.balance(STAKING), U256::from(7));
}
