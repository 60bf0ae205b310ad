//! What holds for every function of every module, read off the ABI, and what holds inside an EVM.

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::private::alloy_json_abi::StateMutability;
use alloy_sol_types::{SolCall, SolError, SolEvent};
use proptest::prelude::*;
use revm::context::{Context, Evm, FrameStack, TxEnv};
use revm::context_interface::result::{ExecutionResult, HaltReason};
use revm::database::InMemoryDB;
use revm::handler::instructions::EthInstructions;
use revm::primitives::TxKind;
use revm::primitives::hardfork::SpecId;
use revm::state::{AccountInfo, Bytecode};
use revm::{ExecuteEvm, MainContext};
use tributary_contracts::{CHANNELS, IModule, IOpen, IStaking, MODULES, OPEN, STAKING, artifacts};

use crate::fault::Fault;
use crate::testing::{COIN, Chain, describe, who};
use crate::{Call, Modules, Params, install, interface_id, run};

fn address_of(module: &str) -> Address {
    MODULES.iter().find(|(name, _)| *name == module).unwrap().1
}

fn is_error<E: SolError>(fault: &Fault) -> bool {
    matches!(fault, Fault::Revert(data) if data.starts_with(&E::SELECTOR))
}

#[test]
fn mutability_is_as_the_abi_says_for_every_function() {
    let mut chain = Chain::dev();
    chain.host.fund(CHANNELS, 5);
    for artifact in artifacts() {
        let module = address_of(artifact.module);
        for function in artifact.abi.functions() {
            let mut data = function.selector().to_vec();
            data.extend_from_slice(&[0; 1024]);
            let is_view =
                matches!(function.state_mutability, StateMutability::View | StateMutability::Pure);
            let mut host = chain.host.clone();
            let mut call = Call {
                module,
                caller: who("ann"),
                value: U256::ZERO,
                is_static: true,
                data: &data,
            };
            let outcome = run(&mut host, &call);
            let refused = outcome.is_err_and(|f| is_error::<IModule::StaticCallRefused>(&f));
            assert_eq!(refused, !is_view, "{} of {}", function.name, artifact.module);
            call.is_static = false;
            call.value = U256::from(3);
            let outcome = run(&mut host, &call);
            let refused = outcome.is_err_and(|f| is_error::<IModule::ValueRefused>(&f));
            let payable = function.state_mutability == StateMutability::Payable;
            assert_eq!(refused, !payable, "{} of {}", function.name, artifact.module);
        }
    }
}

#[test]
fn modules_answer_erc165() {
    let mut chain = Chain::dev();
    for (name, module) in MODULES {
        let mut ask = |id: [u8; 4]| {
            let call = IModule::supportsInterfaceCall { interfaceId: id.into() };
            chain.view(module, call)
        };
        assert!(ask([0x01, 0xff, 0xc9, 0xa7]));
        assert!(ask(interface_id(name)));
        assert!(!ask([0xff; 4]));
        assert!(!ask([1, 2, 3, 4]));
    }
}

#[test]
fn modules_tell_their_clock_by_erc6372() {
    let mut chain = Chain::dev();
    for (_, module) in MODULES {
        let now = chain.host.timestamp;
        assert_eq!(chain.view(module, IModule::clockCall {}).to::<u64>(), now);
        assert_eq!(chain.view(module, IModule::CLOCK_MODECall {}), "mode=timestamp");
        let call = IModule::supportsInterfaceCall { interfaceId: [0xda, 0x28, 0x7a, 0x1d].into() };
        assert!(chain.view(module, call));
    }
}

#[test]
fn short_and_unknown_calls_revert_with_their_names() {
    let mut chain = Chain::dev();
    for (_, module) in MODULES {
        for data in [&[][..], &[1], &[1, 2, 3]] {
            let fault = chain.raw(who("ann"), module, 0, data).unwrap_err();
            assert!(is_error::<IModule::BadCalldata>(&fault), "{}", describe(&fault));
        }
        let fault = chain.raw(who("ann"), module, 0, &[9, 9, 9, 9]).unwrap_err();
        assert!(is_error::<IModule::UnknownSelector>(&fault));
        let mut far = IOpen::balanceOfCall { account: who("ann") }.abi_encode();
        far[4] = 1;
        if module == OPEN {
            let fault = chain.raw(who("ann"), module, 0, &far).unwrap_err();
            assert!(is_error::<IModule::BadCalldata>(&fault), "dirty address bits");
        }
    }
}

#[test]
fn every_shortage_of_gas_is_a_halt() {
    let mut chain = Chain::dev();
    chain.ok("ann", STAKING, COIN, IStaking::stakeCall {});
    let data = IStaking::provisionCall { role: 1, amount: COIN }.abi_encode();
    let call = Call {
        module: STAKING,
        caller: who("ann"),
        value: U256::ZERO,
        is_static: false,
        data: &data,
    };
    let mut enough = None;
    for gas in (0..400_000u64).step_by(997) {
        let mut host = chain.host.clone();
        (host.gas_used, host.gas_limit) = (0, Some(gas));
        match run(&mut host, &call) {
            Ok(_) => enough = enough.or(Some(gas)),
            Err(fault) => {
                assert_eq!(fault, Fault::OutOfGas);
                assert!(enough.is_none(), "more gas must not make a call fail");
            }
        }
    }
    assert!(enough.is_some());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_input_panics_breaks_the_books_or_fails_without_a_name(
        calls in prop::collection::vec(
            (any::<prop::sample::Index>(), prop::collection::vec(word(), 0..24), 0u128..3),
            1..12,
        ),
    ) {
        let mut chain = Chain::dev();
        let all: Vec<_> = artifacts().iter().flat_map(|artifact| {
            let module = address_of(artifact.module);
            artifact.abi.functions().map(move |f| (module, f.selector())).collect::<Vec<_>>()
        }).collect();
        for (pick, words, value) in calls {
            let (module, selector) = all[pick.index(all.len())];
            let mut data = selector.to_vec();
            words.iter().for_each(|word| data.extend_from_slice(word.as_slice()));
            match chain.raw(who("ann"), module, value * COIN, &data) {
                Ok(_) | Err(Fault::OutOfGas) => {}
                Err(Fault::Revert(reason)) => prop_assert!(reason.len() >= 4),
                Err(other) => prop_assert!(false, "{}", other),
            }
        }
    }
}

/// Words that look like offsets, lengths, ids, amounts and addresses.
fn word() -> impl Strategy<Value = B256> {
    let small = (0u64..600).prop_map(|n| B256::from(U256::from(n)));
    let time = (0u64..2_000).prop_map(|n| B256::from(U256::from(crate::testing::START + n)));
    let coins = (0u128..4).prop_map(|n| B256::from(U256::from(n * COIN)));
    let party =
        prop_oneof![Just(who("ann")), Just(who("bob")), Just(STAKING)].prop_map(|a| a.into_word());
    let any = any::<[u8; 32]>().prop_map(B256::from);
    let full = Just(B256::repeat_byte(0xff));
    prop_oneof![4 => small, 1 => time, 2 => coins, 2 => party, 1 => any, 1 => full]
}

const CALLER: Address = Address::repeat_byte(0xca);
const RELAY: Address = Address::repeat_byte(0x5e);

/// Passes its input on with an opcode and returns or reverts with the answer; after the call it
/// reverts all the same when `fail` says so.
fn relay(opcode: u8, module: Address, fail: bool) -> Bytes {
    let low = &module.as_slice()[18..];
    let mut code = vec![0x36, 0x60, 0, 0x60, 0, 0x37, 0x60, 0, 0x60, 0, 0x36, 0x60, 0];
    if matches!(opcode, 0xf1 | 0xf2) {
        code.push(0x34);
    }
    code.extend_from_slice(&[0x61, low[0], low[1], 0x5a, opcode, 0x3d, 0x60, 0, 0x60, 0, 0x3e]);
    let target = u8::try_from(code.len() + 7).unwrap();
    code.extend_from_slice(&[0x60, target, 0x57, 0x3d, 0x60, 0, 0xfd, 0x5b, 0x3d, 0x60, 0]);
    code.push(if fail { 0xfd } else { 0xf3 });
    code.into()
}

fn database() -> InMemoryDB {
    let mut db = InMemoryDB::default();
    for account in install(&Params::dev()).unwrap() {
        let code = Bytecode::new_raw(account.code);
        let info = AccountInfo {
            nonce: 1,
            code_hash: code.hash_slow(),
            code: Some(code),
            ..Default::default()
        };
        db.insert_account_info(account.address, info);
        for (slot, value) in account.storage {
            db.insert_account_storage(account.address, slot, value).unwrap();
        }
    }
    let info = AccountInfo { balance: U256::from(1_000 * COIN), ..Default::default() };
    db.insert_account_info(CALLER, info);
    db
}

fn transact(
    db: &InMemoryDB,
    code: Option<Bytes>,
    (to, value): (Address, u128),
    data: Vec<u8>,
    gas: u64,
) -> ExecutionResult {
    let mut db = db.clone();
    if let Some(code) = code {
        let code = Bytecode::new_raw(code);
        let info = AccountInfo {
            nonce: 1,
            code_hash: code.hash_slow(),
            code: Some(code),
            ..Default::default()
        };
        db.insert_account_info(RELAY, info);
    }
    let spec = SpecId::default();
    let mut evm = Evm {
        ctx: Context::mainnet().with_db(db),
        inspector: (),
        instruction: EthInstructions::new_mainnet_with_spec(spec),
        precompiles: Modules::new(spec),
        frame_stack: FrameStack::new_prealloc(8),
    };
    let kind = TxKind::Call(to);
    let tx = TxEnv::builder()
        .caller(CALLER)
        .kind(kind)
        .value(U256::from(value))
        .gas_limit(gas)
        .data(data.into());
    evm.transact_one(tx.build().unwrap()).unwrap()
}

#[test]
fn a_transaction_reaches_a_module_and_its_log_stands() {
    let data = IStaking::stakeCall {}.abi_encode();
    let result = transact(&database(), None, (STAKING, COIN), data, 500_000);
    let ExecutionResult::Success { logs, .. } = &result else { panic!("{result:?}") };
    let event = IStaking::Staked::decode_log(&logs[0]).unwrap();
    assert_eq!((event.address, event.owner, event.free), (STAKING, CALLER, COIN));
}

#[test]
fn a_module_reads_another_modules_tables_that_nothing_has_touched_yet() {
    let back = tributary_contracts::IRoyalties::backCall { datanetId: 1 };
    let result = transact(
        &database(),
        None,
        (tributary_contracts::ROYALTIES, COIN),
        back.abi_encode(),
        500_000,
    );
    let ExecutionResult::Revert { output, .. } = &result else { panic!("{result:?}") };
    let unknown = tributary_contracts::IRoyalties::UnknownPoolDatanet { datanetId: 1 };
    assert_eq!(output[..], unknown.abi_encode()[..]);
}

#[test]
fn delegated_calls_are_refused_and_static_ones_reach_views_only() {
    let db = database();
    let view = IOpen::balanceOfCall { account: CALLER }.abi_encode();
    for opcode in [0xf4, 0xf2] {
        let result =
            transact(&db, Some(relay(opcode, OPEN, false)), (RELAY, 0), view.clone(), 500_000);
        let ExecutionResult::Revert { output, .. } = &result else { panic!("{result:?}") };
        assert_eq!(output[..], IModule::DelegateCallRefused {}.abi_encode()[..]);
    }
    let result = transact(&db, Some(relay(0xfa, OPEN, false)), (RELAY, 0), view, 500_000);
    assert!(result.is_success(), "{result:?}");
    let write = IOpen::approveCall { spender: CALLER, amount: U256::ONE }.abi_encode();
    let result = transact(&db, Some(relay(0xfa, OPEN, false)), (RELAY, 0), write, 500_000);
    let ExecutionResult::Revert { output, .. } = &result else { panic!("{result:?}") };
    assert_eq!(output[..], IModule::StaticCallRefused {}.abi_encode()[..]);
}

#[test]
fn a_caller_that_reverts_undoes_coins_storage_and_logs() {
    let db = database();
    let stake = IStaking::stakeCall {}.abi_encode();
    let kept =
        transact(&db, Some(relay(0xf1, STAKING, false)), (RELAY, COIN), stake.clone(), 500_000);
    assert_eq!(kept.logs().len(), 1);
    let undone = transact(&db, Some(relay(0xf1, STAKING, true)), (RELAY, COIN), stake, 500_000);
    assert!(!undone.is_success() && undone.logs().is_empty(), "{undone:?}");
}

#[test]
fn plain_coins_for_a_module_are_refused_and_too_little_gas_halts() {
    let db = database();
    let result = transact(&db, None, (STAKING, COIN), Vec::new(), 500_000);
    let ExecutionResult::Revert { output, .. } = &result else { panic!("{result:?}") };
    assert_eq!(output[..], IModule::BadCalldata {}.abi_encode()[..]);
    let stake = IStaking::stakeCall {}.abi_encode();
    let result = transact(&db, None, (STAKING, COIN), stake, 30_000);
    assert!(
        matches!(result, ExecutionResult::Halt { reason: HaltReason::OutOfGas(_), .. }),
        "{result:?}"
    );
}
