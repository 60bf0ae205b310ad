//! Conservation of money.

use super::*;

/// Wei the base fee of a block burned.
fn burned_fees(built: &BuiltBlock) -> U256 {
    let header = &built.block.header;
    let fees = u128::from(header.base_fee_per_gas.unwrap()) * u128::from(header.gas_used);
    U256::from(fees * 70 / 100)
}

#[test]
fn money_destroyed_with_a_contract_counts_as_burned() {
    let chain = Chain::dev();
    let value = U256::from(3u128 * OPEN.wei());
    // Init code that destroys itself in favour of itself: ADDRESS SELFDESTRUCT.
    let suicide = Call::create(Bytes::from_static(&hex!("30ff"))).value(value);
    let built = chain.mine(&[suicide.sign(0, 0)]);
    assert!(built.receipts[0].envelope.status());
    assert_eq!(chain.burned(), value + burned_fees(&built));
}

#[test]
fn destroying_in_favour_of_another_burns_nothing() {
    let chain = Chain::dev();
    let value = U256::from(3u128 * OPEN.wei());
    // CALLER SELFDESTRUCT
    let built =
        chain.mine(&[Call::create(Bytes::from_static(&hex!("33ff"))).value(value).sign(0, 0)]);
    assert!(built.receipts[0].envelope.status());
    assert_eq!(chain.burned(), burned_fees(&built));
}

#[test]
fn an_old_contract_keeps_its_money_when_it_names_itself() {
    let chain = Chain::dev();
    let value = U256::from(7);
    let contract = chain.deploy(&hex!("30ff"), value);
    let before = chain.burned();
    let built = chain.mine(&[Call::to(contract).sign(0, 1)]);
    assert_eq!(chain.balance(contract), value);
    assert_eq!(chain.burned(), before + burned_fees(&built));
}

#[test]
fn the_supply_less_burns_is_what_accounts_hold() {
    let chain = Chain::dev();
    for nonce in 0..20 {
        let code = if nonce % 2 == 0 { hex!("30ff") } else { hex!("33ff") };
        let call = Call::create(Bytes::copy_from_slice(&code)).value(U256::from(1_000 + nonce));
        chain.mine(&[call.sign(0, nonce)]);
    }
    let genesis = Genesis::dev().build().unwrap();
    let mut addresses: Vec<_> = genesis.state.diff().accounts.keys().copied().collect();
    addresses.push(Address::repeat_byte(0xbe));
    let held: U256 = addresses.into_iter().map(|address| chain.balance(address)).sum();
    assert_eq!(held + chain.burned(), tributary_primitives::TOTAL_SUPPLY.to_u256());
}
