//! Ethereum's own exchanges with a node (execution-apis, CC0), replayed against our methods on
//! the chain that they were recorded on.
//!
//! Compared as the suite's own runner does: results byte for byte as JSON, errors by code and
//! data, and where an exchange is marked `speconly` its shape alone. What cannot hold here is
//! listed by name with the reason, exactly.

mod import;
mod world;

use crate::node::answer_of;
use import::Imported;
use jsonrpsee::RpcModule;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tributary_consensus::{Chain, ChainConfig};
use tributary_execution::{ChainSpec, EvmVersion, ForkRules, SequentialExecutor};
use tributary_primitives::Ppm;
use tributary_rpc::{RpcConfig, RpcContext, module};
use tributary_txpool::{Pool, PoolConfig};

/// Published without its content.
const ABSENT: &str = "eth_getLogs/no-topics.io";

/// Exchanges that cannot hold here, each with its reason.
const DIFFERENT: [(&str, &str); 6] = [
    ("eth_capabilities/get-capabilities", "a draft that no client asks for is not served"),
    ("eth_estimateGas/estimate-with-eip4844", "this chain takes no blobs"),
    ("eth_getBlockByNumber/get-block-shanghai-fork", "this chain has no withdrawals to store"),
    ("eth_getTransactionReceipt/get-blob-tx", "this chain takes no blobs"),
    ("eth_sendRawTransaction/send-blob-tx", "this chain takes no blobs"),
    ("txpool_content/get-content", "an unknown blockTimestamp is left out, not null"),
];

fn folder() -> Option<PathBuf> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let data = std::env::var_os("TRIBUTARY_DATA").map_or_else(beside, PathBuf::from);
    let path = data.join("evm/rpc-compat");
    if !path.join("chain.rlp").exists() {
        eprintln!("SKIPPED: {} is absent; set TRIBUTARY_DATA to the public data", path.display());
        return None;
    }
    Some(path)
}

/// Our interface over the imported chain. No engine runs, so sent transactions stay in the pool.
fn serve(imported: Imported) -> RpcModule<()> {
    let gas_limit = imported.store.head().gas_limit;
    let fork = ForkRules {
        name: "ethereum".into(),
        height: 0,
        timestamp: 0,
        evm: EvmVersion::Osaka,
        gas_limit,
        elasticity: 2,
        base_fee_change_denominator: 8,
        min_base_fee: 0,
        base_fee_burned_ppm: Ppm::ONE,
        base_fee_pool: Default::default(),
    };
    let spec = Arc::new(ChainSpec {
        chain_id: imported.chain_id,
        forks: vec![fork],
        cheats: false,
        launch: Default::default(),
        burn_record: None,
    });
    let store = imported.store;
    let pool = Pool::open(Arc::clone(&spec), store.clone(), PoolConfig::default(), None).unwrap();
    let executor = Arc::new(SequentialExecutor::new(Arc::clone(&spec)));
    let chain = Chain::new(spec, store, pool, executor, ChainConfig::default());
    module(RpcContext { chain, dev: None }, RpcConfig::default()).unwrap()
}

/// A request and the answer that it must get.
struct Exchange {
    name: String,
    request: String,
    expected: Value,
    shape_only: bool,
}

fn exchanges(folder: &Path) -> Vec<Exchange> {
    let list = |path: &Path| -> Vec<PathBuf> {
        let mut entries: Vec<_> =
            std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        entries
    };
    let files = list(folder).into_iter().filter(|path| path.is_dir()).flat_map(|path| list(&path));
    files
        .filter(|path| path.extension().is_some_and(|kind| kind == "io"))
        .filter_map(read)
        .collect()
}

/// `None` for the one file that has no content.
fn read(path: PathBuf) -> Option<Exchange> {
    let text = std::fs::read_to_string(&path).unwrap();
    if path.ends_with(ABSENT) {
        assert!(text.is_empty(), "{ABSENT} has its content now");
        return None;
    }
    let line = |mark: &str| text.lines().find_map(|line| line.strip_prefix(mark)).unwrap();
    let method = path.parent().unwrap().file_name().unwrap().to_str().unwrap();
    Some(Exchange {
        name: format!("{method}/{}", path.file_stem().unwrap().to_str().unwrap()),
        request: line(">> ").to_owned(),
        expected: serde_json::from_str(line("<< ")).unwrap(),
        shape_only: text.lines().any(|line| line.starts_with("// speconly")),
    })
}

/// What differs between an answer and the one expected; `None` when nothing does.
fn difference(exchange: &Exchange, mut found: Value) -> Option<String> {
    let mut expected = exchange.expected.clone();
    let words = |answer: &mut Value| {
        answer.get_mut("error").and_then(Value::as_object_mut)?.remove("message")
    };
    if expected.get("error").is_some() && found.get("error").is_some() {
        words(&mut expected);
        words(&mut found);
    }
    let same = if exchange.shape_only { same_shape(&expected, &found) } else { expected == found };
    (!same).then(|| format!("expected {expected}\n   found {found}"))
}

fn same_shape(expected: &Value, found: &Value) -> bool {
    match (expected, found) {
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same_shape(a, b)))
        }
        (Value::Array(a), Value::Array(b)) => match (a.first(), b.first()) {
            (Some(a), Some(b)) => same_shape(a, b),
            (None, _) => true,
            (Some(_), None) => false,
        },
        (a, b) => core::mem::discriminant(a) == core::mem::discriminant(b),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ethereums_exchanges_are_answered_as_recorded() {
    let Some(folder) = folder() else { return };
    let module = serve(import::import(&folder));
    let reasons: BTreeMap<&str, &str> = DIFFERENT.into_iter().collect();
    assert_eq!(reasons.len(), DIFFERENT.len(), "an exchange is listed twice");
    let mut seen = Vec::new();
    let (mut held, mut wrong) = (0, Vec::new());
    for exchange in exchanges(&folder) {
        let found = answer_of(&module, &exchange.request).await;
        let different = difference(&exchange, found);
        match (different, reasons.get(exchange.name.as_str())) {
            (None, None) => held += 1,
            (Some(_), Some(_)) => {}
            (None, Some(reason)) => {
                wrong.push(format!("{} holds, but is listed: {reason}", exchange.name));
            }
            (Some(what), None) => wrong.push(format!("{}: {what}", exchange.name)),
        }
        seen.push(exchange.name);
    }
    let unknown: Vec<_> =
        reasons.keys().filter(|name| !seen.iter().any(|seen| seen == *name)).collect();
    eprintln!("{held} of {} exchanges hold, {} are listed", seen.len(), DIFFERENT.len());
    assert!(unknown.is_empty(), "listed but absent: {unknown:?}");
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}
