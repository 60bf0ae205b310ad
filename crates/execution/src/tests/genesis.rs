//! Block zero.

use super::*;
use alloy_primitives::address;
use tributary_primitives::{Amount, TOTAL_SUPPLY};

#[test]
fn dev_genesis_holds_the_whole_supply_and_the_known_accounts() {
    let genesis = Genesis::dev();
    let block = genesis.build().unwrap();
    let total: U256 =
        block.state.diff().accounts.values().map(|change| change.account.unwrap().balance).sum();
    assert_eq!(total, TOTAL_SUPPLY.to_u256());
    assert_eq!(user(0).address, address!("f39Fd6e51aad88F6F4ce6aB8827279cffFb92266"));
    let chain = Chain::dev();
    assert_eq!(chain.balance(user(9).address), U256::from(10_000u128 * OPEN.wei()));
    let launch = chain.balance(launch_account().address);
    assert!(launch >= U256::from(19_000_000u128 * OPEN.wei()));
    for (_, module) in tributary_contracts::MODULES {
        let account = chain.store.latest_state().account(module).unwrap().unwrap();
        assert_eq!(account.nonce, 1);
        assert_eq!(chain.store.latest_state().code(account.code_hash).unwrap()[..], [0xef]);
    }
}

#[test]
fn genesis_survives_its_file() {
    let genesis = Genesis::dev();
    let text = genesis.to_toml().unwrap();
    let back = Genesis::from_toml(&text).unwrap();
    assert_eq!(back, genesis);
    assert_eq!(back.build().unwrap().block.hash, genesis.build().unwrap().block.hash);
}

#[test]
fn a_genesis_that_breaks_a_rule_says_which() {
    let refused = |change: &dyn Fn(&mut Genesis)| {
        let mut genesis = Genesis::dev();
        change(&mut genesis);
        genesis.build().unwrap_err().to_string()
    };
    let short = refused(&|genesis| genesis.buckets[0].amount = Amount::from_wei(1));
    assert!(short.contains("the supply is"), "{short}");
    let greedy = refused(&|genesis| genesis.buckets[5].allocations[0].amount = TOTAL_SUPPLY);
    assert!(greedy.contains("allocates more"), "{greedy}");
    let empty = refused(&|genesis| genesis.forks.clear());
    assert!(empty.contains("fork table is empty"), "{empty}");
    let late = refused(&|genesis| genesis.forks[0].height = 1);
    assert!(late.contains("height 0"), "{late}");
    let zero = refused(&|genesis| genesis.forks[0].elasticity = 0);
    assert!(zero.contains("zero"), "{zero}");
    let lost = refused(&|genesis| genesis.launch_bucket = "lunch".into());
    assert!(lost.contains("lunch"), "{lost}");
    let unknown = Genesis::from_toml("chain = 7").unwrap_err().to_string();
    assert!(unknown.contains("chain"), "{unknown}");
}

#[test]
fn the_fork_table_chooses_by_height_and_time() {
    let mut genesis = Genesis::dev();
    genesis.forks[0].evm = EvmVersion::Cancun;
    let mut prague = genesis.forks[0].clone();
    prague.name = "prague".into();
    prague.height = 5;
    prague.timestamp = 1_000;
    prague.evm = EvmVersion::Prague;
    genesis.forks.push(prague);
    let spec = genesis.spec().unwrap();
    assert_eq!(spec.rules_at(4, 2_000).evm, EvmVersion::Cancun);
    assert_eq!(spec.rules_at(5, 999).evm, EvmVersion::Cancun);
    assert_eq!(spec.rules_at(5, 1_000).evm, EvmVersion::Prague);
}
