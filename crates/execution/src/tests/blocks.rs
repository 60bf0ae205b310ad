//! Building and verifying.

use super::*;
use alloy_consensus::{Header, TxEip4844, TxEip7702};
use alloy_eips::eip7702::Authorization;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

#[test]
fn a_transfer_moves_money_pays_the_tip_and_splits_the_base_fee() {
    let chain = Chain::dev();
    let (alice, bob) = (user(0).address, user(1).address);
    let (before_alice, before_bob) = (chain.balance(alice), chain.balance(bob));
    let pool = chain.spec.rules_at(1, 0).base_fee_pool;
    let before_pool = chain.balance(pool);
    let value = U256::from(5u128 * OPEN.wei());
    let built = chain.mine(&[Call::to(bob).value(value).gas(21_000).sign(0, 0)]);
    assert!(built.skipped.is_empty(), "{:?}", built.skipped);
    let header = &built.block.header;
    let base_fee = header.base_fee_per_gas.unwrap();
    let fee = U256::from(21_000 * u128::from(base_fee));
    let tip = U256::from(21_000 * 1_000);
    assert_eq!(header.gas_used, 21_000);
    assert_eq!(chain.balance(bob), before_bob + value);
    assert_eq!(chain.balance(alice), before_alice - value - fee - tip);
    assert_eq!(chain.balance(header.beneficiary), tip);
    let burned = fee * U256::from(70) / U256::from(100);
    assert_eq!(chain.burned(), burned);
    assert_eq!(chain.balance(pool), before_pool + fee - burned);
    assert_eq!(built.receipts[0].effective_gas_price, u128::from(base_fee) + 1_000);
    assert_eq!(chain.store.rebuild_root().unwrap(), header.state_root);
}

#[test]
fn contracts_deploy_store_and_log() {
    let chain = Chain::dev();
    let contract = chain.deploy(&STORE_AND_LOG, U256::ZERO);
    let input = [U256::from(77).to_be_bytes::<32>(), U256::from(3).to_be_bytes()].concat();
    let built = chain.mine(&[Call::to(contract).input(input).sign(0, 1)]);
    let receipt = &built.receipts[0];
    assert!(receipt.envelope.status());
    assert_eq!(receipt.envelope.logs()[0].address, contract);
    assert_eq!(receipt.envelope.logs()[0].topics(), [B256::from(U256::from(0xaa))]);
    let header = &built.block.header;
    assert_eq!(header.logs_bloom, *receipt.envelope.logs_bloom());
    let state = chain.store.latest_state();
    assert_eq!(state.storage(contract, U256::from(3)).unwrap(), U256::from(77));
}

#[test]
fn a_failed_transaction_stays_in_its_block_and_pays() {
    let chain = Chain::dev();
    let contract = chain.deploy(&REVERT, U256::ZERO);
    let before = chain.balance(user(0).address);
    let value = U256::from(9);
    let revert = Call::to(contract).value(value).input([1, 2, 3]).sign(0, 1);
    let out_of_gas = Call::create(Bytes::from_static(&hex!("5b5f56"))).gas(60_000).sign(0, 2);
    let built = chain.mine(&[revert, out_of_gas]);
    assert_eq!(built.receipts.len(), 2);
    for receipt in &built.receipts {
        assert!(!receipt.envelope.status());
        assert!(receipt.envelope.logs().is_empty());
    }
    assert_eq!(built.receipts[1].gas_used, 60_000);
    assert_eq!(built.receipts[1].contract_address, None);
    assert!(chain.balance(user(0).address) < before);
    assert_eq!(chain.balance(contract), U256::ZERO);
    assert_eq!(chain.nonce(user(0).address), 3);
}

#[test]
fn all_accepted_transaction_types_run_and_blobs_are_refused() {
    let chain = Chain::dev();
    let to = TxKind::Call(Address::repeat_byte(0x42));
    let price = 20_000_000_000;
    let legacy = TxLegacy {
        chain_id: Some(7310),
        gas_price: price,
        gas_limit: 21_000,
        to,
        ..Default::default()
    };
    let access = TxEip2930 {
        chain_id: 7310,
        nonce: 1,
        gas_price: price,
        gas_limit: 30_000,
        to,
        ..Default::default()
    };
    let authorization =
        Authorization { chain_id: U256::from(7310), address: Address::repeat_byte(0x77), nonce: 0 };
    let signed = authorization.clone().into_signed(signature(authorization.signature_hash(), 5));
    let delegate = TxEip7702 {
        chain_id: 7310,
        nonce: 3,
        gas_limit: 100_000,
        max_fee_per_gas: price,
        max_priority_fee_per_gas: 1,
        to: Address::repeat_byte(0x42),
        authorization_list: vec![signed],
        ..Default::default()
    };
    let built = chain.mine(&[
        sign(legacy, 0),
        sign(access, 0),
        Call::to(Address::repeat_byte(0x42)).sign(0, 2),
        sign(delegate, 0),
    ]);
    assert!(built.skipped.is_empty(), "{:?}", built.skipped);
    let kinds: Vec<_> = built.receipts.iter().map(|r| r.envelope.tx_type() as u8).collect();
    assert_eq!(kinds, [0, 1, 2, 4]);
    let code = chain.store.latest_state().code_at(user(5).address).unwrap();
    assert_eq!(code[..3], hex!("ef0100"));
    // The delegated account still sends its own transactions.
    let own = Call::to(user(1).address).value(U256::from(1)).sign(5, 1);
    assert!(chain.mine(&[own]).skipped.is_empty());
    let blob = TxEip4844 { chain_id: 7310, ..Default::default() };
    let blob = blob.into_signed(Signature::test_signature()).into();
    assert_eq!(chain.spec.recover(blob), Err(TxError::BlobsRefused));
}

#[test]
fn what_cannot_run_is_skipped_with_its_reason() {
    let chain = Chain::dev();
    let to = Call::to(user(1).address);
    let rich = to.clone().value(U256::from(20_000u128 * OPEN.wei()));
    let hungry = to.clone().gas(16_777_217);
    let poor = to.clone().gas(20_000);
    let built = chain.build(
        &chain.attributes(),
        &[
            to.sign(0, 1),
            rich.sign(1, 0),
            hungry.sign(2, 0),
            poor.sign(3, 0),
            to.sign(0, 0),
            to.sign(0, 0),
        ],
    );
    let reasons: Vec<_> = built.skipped.iter().map(|skipped| &skipped.reason).collect();
    assert!(matches!(reasons[0], TxError::NonceTooHigh { tx: 1, state: 0 }));
    assert!(matches!(reasons[1], TxError::InsufficientFunds { .. }));
    assert!(matches!(reasons[2], TxError::ExceedsTxGasLimit { cap: 16_777_216, .. }));
    assert!(matches!(reasons[3], TxError::IntrinsicGasTooLow { gas: 20_000, needed: 21_000 }));
    assert!(matches!(reasons[4], TxError::NonceTooLow { tx: 0, state: 1 }));
    assert_eq!(reasons.len(), 5);
    assert_eq!(built.block.transactions.len(), 1);
}

#[test]
fn a_full_block_leaves_transactions_for_the_next() {
    let chain = Chain::dev();
    let attributes = BlockAttributes { gas_limit: Some(2_500_000), ..chain.attributes() };
    let txs: Vec<_> =
        (0..4).map(|n| Call::create(Bytes::from_static(&hex!("5b5f56"))).sign(0, n)).collect();
    let built = chain.build(&attributes, &txs);
    assert_eq!(built.block.transactions.len(), 2);
    assert!(matches!(built.skipped[0].reason, TxError::BlockFull { left: 500_000, .. }));
    assert!(built.skipped.iter().all(|skipped| skipped.reason.is_transient()));
    let limits = BlockLimits { max_txs: 100, max_bytes: 150 };
    let mut recovered = txs.iter().map(|tx| chain.spec.recover(tx.clone()).unwrap());
    let built = chain
        .executor
        .build(&chain.parent(), &chain.attributes(), &mut recovered, &limits)
        .unwrap();
    assert_eq!(built.block.transactions.len(), 1);
    assert!(matches!(built.skipped[0].reason, TxError::BlockBytesFull { .. }));
}

#[test]
fn a_block_that_lies_is_refused_and_the_field_named() {
    let chain = Chain::dev();
    let built = chain.build(&chain.attributes(), &[Call::to(user(1).address).sign(0, 0)]);
    let lie = |change: &dyn Fn(&mut Header)| {
        let mut header = built.block.header.clone();
        change(&mut header);
        let block = SealedBlock::new(header, built.block.transactions.clone(), Vec::new());
        let error = chain.executor.execute(&chain.parent(), &block).unwrap_err();
        assert!(!error.is_fatal(), "{error}");
        error.to_string()
    };
    let cases: [(&str, &dyn Fn(&mut Header)); 12] = [
        ("state_root", &|h| h.state_root = B256::repeat_byte(1)),
        ("receipts_root", &|h| h.receipts_root = B256::repeat_byte(1)),
        ("transactions_root", &|h| h.transactions_root = B256::repeat_byte(1)),
        ("gas_used", &|h| h.gas_used += 1),
        ("logs_bloom", &|h| h.logs_bloom.0[3] = 1),
        ("base_fee_per_gas", &|h| h.base_fee_per_gas = Some(1)),
        ("timestamp", &|h| h.timestamp += 1),
        ("number", &|h| h.number += 1),
        ("parent", &|h| h.parent_hash = B256::ZERO),
        ("extraData", &|h| h.extra_data = Bytes::new()),
        ("requests_hash", &|h| h.requests_hash = None),
        ("parent_beacon_block_root", &|h| h.parent_beacon_block_root = Some(B256::repeat_byte(1))),
    ];
    for (field, change) in cases {
        let error = lie(change);
        assert!(error.contains(field), "{field}: {error}");
    }
    let mut forged = built.block.clone();
    forged.transactions = vec![Call::to(user(1).address).sign(0, 7)];
    let error = chain.executor.execute(&chain.parent(), &forged).unwrap_err();
    assert!(matches!(error, ExecutionError::InvalidTransaction { index: 0, .. }), "{error}");
}

#[test]
fn time_may_repeat_but_never_falls() {
    let chain = Chain::dev();
    chain.mine(&[]);
    let at = |timestamp_ms| BlockAttributes {
        context: HeaderContext { timestamp_ms, ..HeaderContext::default() },
        ..BlockAttributes::default()
    };
    let now = BlockContext::timestamp_ms(&chain.store.head());
    chain.mine_with(&at(now), &[]);
    chain.mine_with(&at(now + 250), &[]);
    assert_eq!(chain.store.head().timestamp, now / 1_000);
    let mut none = core::iter::empty();
    let error = chain
        .executor
        .build(&chain.parent(), &at(now), &mut none, &BlockLimits::default())
        .unwrap_err();
    assert!(matches!(error, ExecutionError::Attributes(_)), "{error}");
}

#[test]
fn the_base_fee_rises_when_blocks_are_full_and_falls_to_its_floor() {
    let mut genesis = Genesis::dev();
    genesis.forks[0].gas_limit = 100_000;
    genesis.forks[0].min_base_fee = 999_000_000;
    let chain = Chain::with(genesis);
    let burn = Call::create(Bytes::from_static(&hex!("5b5f56"))).gas(100_000);
    let first = chain.mine(&[burn.sign(0, 0)]).block.header.base_fee_per_gas.unwrap();
    let second = chain.mine(&[]).block.header.base_fee_per_gas.unwrap();
    assert_eq!(second, first + first / 100);
    for _ in 0..5 {
        chain.mine(&[]);
    }
    assert_eq!(chain.store.head().base_fee_per_gas, Some(999_000_000));
}

#[test]
fn the_same_transactions_give_the_same_bytes() {
    let seed: u64 = rand::random();
    eprintln!("seed {seed}");
    let run = || {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let chain = Chain::dev();
        let contract = chain.deploy(&STORE_AND_LOG, U256::ZERO);
        let mut nonces = [1u64, 0, 0, 0, 0];
        for _ in 0..12 {
            let txs: Vec<_> = (0..rng.random_range(0..10))
                .map(|_| {
                    let sender = rng.random_range(0..5);
                    let nonce = nonces[sender];
                    nonces[sender] += 1;
                    match rng.random_range(0..3) {
                        0 => Call::to(Address::repeat_byte(rng.random()))
                            .value(U256::from(rng.random::<u32>())),
                        1 => Call::create(init_code(&LOAD)),
                        _ => Call::to(contract).input(rng.random::<[[u8; 32]; 2]>().concat()),
                    }
                    .sign(sender, nonce)
                })
                .collect();
            let built = chain.mine(&txs);
            assert!(built.skipped.is_empty(), "{:?}", built.skipped);
            assert_eq!(chain.store.rebuild_root().unwrap(), built.block.header.state_root);
        }
        chain.store.head()
    };
    assert_eq!(run(), run());
}

#[test]
fn contracts_read_older_block_hashes() {
    use alloy_eips::eip2935::HISTORY_STORAGE_ADDRESS;
    use alloy_rpc_types_eth::TransactionRequest;
    let chain = Chain::dev();
    for _ in 0..4 {
        chain.mine(&[]);
    }
    let expected = chain.store.header(2).unwrap().unwrap().hash;
    let state = chain.store.latest_state();
    let ask = |to: Address, input: Bytes| {
        let request = TransactionRequest::default().to(to).input(input.into());
        let overrides = SimulationOverrides::default();
        chain.simulator.call(&state, &chain.pending(), &request, &overrides).unwrap().output
    };
    let number = Bytes::from(U256::from(2).to_be_bytes_vec());
    assert_eq!(ask(HISTORY_STORAGE_ADDRESS, number)[..], expected[..]);
    // BLOCKHASH, through Multicall3's getBlockHash(uint256).
    let multicall = alloy_primitives::address!("cA11bde05977b3631167028862bE2a173976CA11");
    let input = [&hex!("ee82ac5e")[..], &U256::from(2).to_be_bytes::<32>()].concat();
    assert_eq!(ask(multicall, input.into())[..], expected[..]);
}

#[test]
fn the_create2_deployer_deploys_where_everyone_expects() {
    let chain = Chain::dev();
    let deployer = alloy_primitives::address!("4e59b44847b379578588920cA78FbF26c0B4956C");
    let salt = B256::repeat_byte(7);
    let code = init_code(&LOAD);
    let input = [&salt[..], &code[..]].concat();
    chain.mine(&[Call::to(deployer).input(input).sign(0, 0)]);
    let address = deployer.create2_from_code(salt, &code);
    assert_eq!(chain.store.latest_state().code_at(address).unwrap()[..], LOAD);
}
