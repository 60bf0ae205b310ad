//! Blocks, transfers and module calls per second, and the incremental root against a full
//! rebuild. Prints Markdown rows; run with `cargo bench -p tributary-execution`.

use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_primitives::{Address, Bytes, U256, keccak256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tributary_contracts::{IOpen, OPEN};
use tributary_execution::{
    BlockAttributes, BlockContext, BlockExecutor, BlockLimits, BuiltBlock, ChainSpec, Genesis,
    HeaderContext, Parent, RecoveredTx, SequentialExecutor, dev_accounts,
};
use tributary_storage::Store;

/// Transactions of a block; 10 senders.
const BLOCK: u64 = 500;
const ROUNDS: usize = 5;

struct Bench {
    spec: Arc<ChainSpec>,
    executor: SequentialExecutor,
    store: Store,
    nonce: u64,
    _dir: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let genesis = Genesis::dev();
        let spec = Arc::new(genesis.spec().expect("dev genesis"));
        let dir = tempfile::tempdir().expect("a directory");
        let store =
            Store::create(dir.path(), &genesis.build().expect("dev genesis")).expect("a store");
        Self { executor: SequentialExecutor::new(spec.clone()), spec, store, nonce: 0, _dir: dir }
    }

    fn parent(&self) -> Parent {
        Parent { header: self.store.head(), state: self.store.latest_state() }
    }

    /// Signed transactions to fresh accounts, as plain transfers or through the coin's module.
    fn transactions(&mut self, module: bool) -> Vec<TxEnvelope> {
        let mut txs = Vec::new();
        for round in 0..BLOCK / 10 {
            for account in dev_accounts() {
                let to = Address::from_word(keccak256((self.nonce + round).to_be_bytes()));
                let one = U256::from(1);
                let tx = TxEip1559 {
                    chain_id: self.spec.chain_id,
                    nonce: self.nonce + round,
                    gas_limit: if module { 80_000 } else { 21_000 },
                    max_fee_per_gas: 100_000_000_000,
                    to: if module { OPEN } else { to }.into(),
                    value: if module { U256::ZERO } else { one },
                    input: if module {
                        IOpen::transferCall { to, amount: one }.abi_encode().into()
                    } else {
                        Bytes::new()
                    },
                    ..TxEip1559::default()
                };
                let signer = PrivateKeySigner::from_bytes(&account.private_key).expect("a key");
                let signature = signer.sign_hash_sync(&tx.signature_hash()).expect("a signature");
                txs.push(tx.into_signed(signature).into());
            }
        }
        self.nonce += BLOCK / 10;
        txs
    }

    fn build(&self, txs: Vec<RecoveredTx>) -> BuiltBlock {
        let head = self.store.head();
        let timestamp_ms = BlockContext::timestamp_ms(&head) + 1;
        let attributes = BlockAttributes {
            context: HeaderContext { timestamp_ms, ..HeaderContext::default() },
            ..BlockAttributes::default()
        };
        let count = txs.len();
        let limits = BlockLimits { max_bytes: usize::MAX, ..BlockLimits::default() };
        let mut txs = txs.into_iter();
        let built =
            self.executor.build(&self.parent(), &attributes, &mut txs, &limits).expect("a block");
        assert_eq!(built.receipts.len(), count, "{:?}", built.skipped.first());
        built
    }

    fn commit(&self, built: &BuiltBlock) {
        self.store.commit(&built.block, &built.receipts, &built.state).expect("a commit");
    }
}

fn timed<T>(into: &mut Vec<Duration>, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let value = work();
    into.push(start.elapsed());
    value
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times.get(times.len() / 2).map_or(f64::NAN, Duration::as_secs_f64)
}

fn main() {
    println!("| what | median of {ROUNDS} | per second |\n|---|---|---|");
    let row = |what: &str, seconds: f64, count: f64| {
        println!("| {what} | {:.2} ms | {:.0} |", seconds * 1e3, count / seconds);
    };
    for (name, module) in [("plain transfers", false), ("transfers through `open`", true)] {
        let mut bench = Bench::new();
        let (mut recover, mut build, mut execute) = (vec![], vec![], vec![]);
        let (mut commit, mut seal, mut rebuild) = (vec![], vec![], vec![]);
        for _ in 0..ROUNDS {
            let txs = bench.transactions(module);
            let recovered: Vec<_> = timed(&mut recover, || {
                txs.into_iter().map(|tx| bench.spec.recover(tx).expect("a sender")).collect()
            });
            let parent = bench.parent();
            let built = timed(&mut build, || bench.build(recovered));
            timed(&mut execute, || bench.executor.execute(&parent, &built.block)).expect("valid");
            let diff = built.state.diff().clone();
            timed(&mut seal, || parent.state.seal(diff)).expect("a root");
            timed(&mut commit, || bench.commit(&built));
            // The slower twin: the state root from all flat state, as a chain without a trie has.
            let root = timed(&mut rebuild, || bench.store.rebuild_root()).expect("a root");
            assert_eq!(root, built.block.header.state_root);
        }
        let count = BLOCK as f64;
        let parts = [&recover, &build, &commit].map(|times| median(times.clone()));
        let all: f64 = parts.iter().sum();
        let twin = all - median(seal) + median(rebuild);
        for (what, seconds) in [
            ("recover senders", parts[0]),
            ("build with state root", parts[1]),
            ("verify with recovery", median(execute)),
            ("commit durably", parts[2]),
            ("recover, build and commit", all),
            ("the same, root from scratch", twin),
        ] {
            row(&format!("{what}, {BLOCK} {name}"), seconds, count);
        }
        println!("| root kept beside root from scratch, {name} | | {:.2}x |", twin / all);
    }
    let bench = Bench::new();
    let mut empty = Vec::new();
    for _ in 0..50 {
        timed(&mut empty, || bench.commit(&bench.build(Vec::new())));
    }
    row("empty block, built and committed durably", median(empty), 1.0);
    roots();
}

/// One dirty block on a larger state: its incremental root against a rebuild from flat state.
fn roots() {
    let mut bench = Bench::new();
    for _ in 0..ROUNDS {
        let txs = bench.transactions(false);
        let txs = txs.into_iter().map(|tx| bench.spec.recover(tx).expect("a sender")).collect();
        bench.commit(&bench.build(txs));
    }
    let txs: Vec<_> = bench.transactions(false).into_iter().take(100).collect();
    let txs = txs.into_iter().map(|tx| bench.spec.recover(tx).expect("a sender")).collect();
    let built = bench.build(txs);
    let diff = built.state.diff().clone();
    let (mut incremental, mut full) = (vec![], vec![]);
    for _ in 0..ROUNDS {
        let diff = diff.clone();
        timed(&mut incremental, || bench.store.latest_state().seal(diff)).expect("a root");
        timed(&mut full, || bench.store.rebuild_root()).expect("a root");
    }
    let (incremental, full) = (median(incremental), median(full));
    println!(
        "| root of a 100-transfer block: incremental, full rebuild | {:.2} ms : {:.2} ms | {:.1}x |",
        incremental * 1e3,
        full * 1e3,
        full / incremental
    );
}
