//! Ethereum's own execution tests (EEST), each state test as a block of one transaction through
//! our executor: Cancun, Prague and Osaka.

use alloy_consensus::{Header, TxEnvelope};
use alloy_eips::eip2718::Decodable2718;
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;
use tributary_execution::{
    BlockAttributes, BlockExecutor, BlockLimits, ChainSpec, EvmVersion, ForkRules, GenesisBlock,
    HeaderContext, Parent, SealedBlock, SealedState, SequentialExecutor,
};
use tributary_primitives::Ppm;
use tributary_storage::{Account, AccountChange, StateDiff, Store};

const ARCHIVE: &str = "evm/eest-5.4-state-and-blockchain.tar.zst";
const FORKS: [(&str, EvmVersion); 3] =
    [("Cancun", EvmVersion::Cancun), ("Prague", EvmVersion::Prague), ("Osaka", EvmVersion::Osaka)];

fn archive() -> Option<PathBuf> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let data = std::env::var_os("TRIBUTARY_DATA").map_or_else(beside, PathBuf::from);
    let path = data.join(ARCHIVE);
    if !path.exists() {
        eprintln!("SKIPPED: {} is absent; set TRIBUTARY_DATA to the public data", path.display());
        return None;
    }
    Some(path)
}

#[derive(Default, Debug)]
struct Tally {
    passed: usize,
    blobs: usize,
    unreachable: usize,
    failed: Vec<String>,
}

#[test]
fn ethereum_state_tests_pass_from_cancun_to_osaka() {
    let Some(path) = archive() else { return };
    let file = std::fs::File::open(path).unwrap();
    let stream = ruzstd::decoding::StreamingDecoder::new(file).unwrap();
    let mut archive = tar::Archive::new(stream);
    let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().display().to_string();
        if !name.contains("state_tests/")
            || name.contains("blockchain_tests/")
            || !name.ends_with(".json")
        {
            continue;
        }
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        let tests: Value = serde_json::from_str(&text).unwrap();
        for (test, body) in tests.as_object().unwrap() {
            for (fork, version) in FORKS {
                for case in body["post"][fork].as_array().into_iter().flatten() {
                    let tally = tallies.entry(fork).or_default();
                    run(&format!("{name} {test} {}", case["indexes"]), body, case, version, tally);
                }
            }
        }
    }
    let mut failed = Vec::new();
    for (fork, tally) in tallies {
        eprintln!(
            "{fork}: {} passed, {} failed; left out: {} with blob transactions, which this chain \
             refuses, {} from states it cannot reach",
            tally.passed,
            tally.failed.len(),
            tally.blobs,
            tally.unreachable
        );
        assert!(tally.passed > 500, "{fork} has too few cases");
        failed.extend(tally.failed);
    }
    assert!(failed.is_empty(), "{} failed:\n{}", failed.len(), failed.join("\n"));
}

fn run(name: &str, body: &Value, case: &Value, version: EvmVersion, tally: &mut Tally) {
    let raw: Bytes = case["txbytes"].as_str().unwrap().parse().unwrap();
    let tx = TxEnvelope::decode_2718(&mut raw.as_ref());
    if raw.first() == Some(&3) {
        tally.blobs += 1;
        return;
    }
    if is_unreachable(&body["pre"]) {
        tally.unreachable += 1;
        return;
    }
    let spec = Arc::new(spec(body, version));
    let parent = parent(body);
    let attributes = attributes(body);
    let mut txs = tx.ok().and_then(|tx| spec.recover(tx).ok()).into_iter();
    let built = SequentialExecutor::new(spec).build(
        &parent,
        &attributes,
        &mut txs,
        &BlockLimits::default(),
    );
    let built = match built {
        Ok(built) => built,
        Err(error) => return tally.failed.push(format!("{name}: {error}")),
    };
    let refused = case.get("expectException").is_some();
    if refused != built.receipts.is_empty() {
        let reason = built.skipped.first().map(|skipped| skipped.reason.to_string());
        return tally.failed.push(format!("{name}: expected refusal {refused}, got {reason:?}"));
    }
    let logs: Vec<_> = built.receipts.iter().flat_map(|r| r.envelope.logs()).cloned().collect();
    let logs = keccak256(alloy_rlp::encode(&logs));
    if built.block.header.state_root != hash(&case["hash"]) {
        tally.failed.push(format!("{name}: state root"));
    } else if logs != hash(&case["logs"]) {
        tally.failed.push(format!("{name}: logs"));
    } else {
        tally.passed += 1;
    }
}

/// An account with storage but neither nonce nor code: no block can make one (EIP-7610).
fn is_unreachable(pre: &Value) -> bool {
    pre.as_object().unwrap().values().any(|account| {
        !account["storage"].as_object().unwrap().is_empty()
            && account["code"].as_str() == Some("0x")
            && word(&account["nonce"]).is_zero()
    })
}

fn spec(body: &Value, evm: EvmVersion) -> ChainSpec {
    let fork = ForkRules {
        name: "test".into(),
        height: 0,
        timestamp: 0,
        evm,
        gas_limit: number(&body["env"]["currentGasLimit"]),
        elasticity: 2,
        base_fee_change_denominator: 8,
        min_base_fee: 0,
        base_fee_burned_ppm: Ppm::ONE,
        base_fee_pool: Address::ZERO,
    };
    ChainSpec {
        chain_id: number(&body["config"]["chainid"]),
        forks: vec![fork],
        cheats: false,
        launch: Address::ZERO,
        burn_record: None,
    }
}

fn parent(body: &Value) -> Parent {
    let env = &body["env"];
    let state = SealedState::from_empty(pre_state(&body["pre"])).unwrap();
    let header = Header {
        number: number(&env["currentNumber"]).saturating_sub(1),
        state_root: state.root(),
        // Gas at the target keeps the base fee where it is.
        gas_limit: 2,
        gas_used: 1,
        base_fee_per_gas: Some(number(&env["currentBaseFee"])),
        ..Header::default()
    };
    let block = SealedBlock::new(header, Vec::new(), Vec::new());
    let store = Store::in_memory(&GenesisBlock { chain_id: 1, block, state }).unwrap();
    Parent { header: store.head(), state: store.latest_state() }
}

fn attributes(body: &Value) -> BlockAttributes {
    let env = &body["env"];
    let timestamp_ms = number(&env["currentTimestamp"]).saturating_mul(1_000);
    BlockAttributes {
        context: HeaderContext { timestamp_ms, ..HeaderContext::default() },
        beneficiary: env["currentCoinbase"].as_str().unwrap().parse().unwrap(),
        prev_randao: word(&env["currentRandom"]).into(),
        ..BlockAttributes::default()
    }
}

fn pre_state(pre: &Value) -> StateDiff {
    let mut diff = StateDiff::default();
    for (address, fields) in pre.as_object().unwrap() {
        let code: Bytes = fields["code"].as_str().unwrap().parse().unwrap();
        let code_hash = if code.is_empty() { KECCAK256_EMPTY } else { keccak256(&code) };
        let account = Account {
            nonce: number(&fields["nonce"]),
            balance: word(&fields["balance"]),
            code_hash,
        };
        if !code.is_empty() {
            diff.codes.insert(code_hash, code);
        }
        let storage = fields["storage"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(slot, value)| (slot.parse().unwrap(), word(value)))
            .collect();
        let change = AccountChange { account: Some(account), wiped: false, storage };
        diff.accounts.insert(address.parse().unwrap(), change);
    }
    diff
}

fn word(value: &Value) -> U256 {
    value.as_str().unwrap().parse().unwrap()
}

fn number(value: &Value) -> u64 {
    word(value).try_into().unwrap()
}

fn hash(value: &Value) -> B256 {
    value.as_str().unwrap().parse().unwrap()
}
