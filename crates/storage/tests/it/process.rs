//! A child process commits blocks and says which ones it was told are safe; the parent kills it,
//! or takes its disk away, and looks for every one of them.

use alloy_consensus::Header;
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use tributary_storage::{
    Account, AccountChange, GenesisBlock, SealedBlock, SealedState, StateDiff, StorageError, Store,
};

const CHILD_DIR: &str = "TRIBUTARY_STORE_TEST_DIR";
const CHILD_TEST: &str = "process::child_commits_until_it_is_stopped";

fn genesis() -> GenesisBlock {
    let state = SealedState::from_empty(StateDiff::default()).unwrap();
    let header = Header { state_root: state.root(), ..Header::default() };
    GenesisBlock { chain_id: 7310, block: SealedBlock::new(header, Vec::new(), Vec::new()), state }
}

/// Commits one block that depends on nothing but its height.
fn commit_next(store: &Store) -> Result<B256, StorageError> {
    let view = store.latest_state();
    let number = view.number() + 1;
    let mut rng = ChaCha8Rng::seed_from_u64(number);
    let mut diff = StateDiff::default();
    for _ in 0..20 {
        let address = Address::from_word(keccak256(rng.random_range(0..500u64).to_be_bytes()));
        let account = Account { nonce: number, balance: U256::from(number), ..Account::default() };
        let storage =
            (0..4).map(|_| (U256::from(rng.random::<u8>()), U256::from(number))).collect();
        diff.accounts
            .insert(address, AccountChange { account: Some(account), wiped: false, storage });
    }
    let code = Bytes::from((0..20_000).map(|_| rng.random()).collect::<Vec<u8>>());
    diff.codes.insert(keccak256(&code), code);
    let state = view.seal(diff)?;
    let header = Header {
        parent_hash: view.header().hash,
        number,
        state_root: state.root(),
        ..Header::default()
    };
    let block = SealedBlock::new(header, Vec::new(), Vec::new());
    store.commit(&block, &[], &state)?;
    Ok(block.hash)
}

#[test]
fn child_commits_until_it_is_stopped() {
    let Some(dir) = std::env::var_os(CHILD_DIR) else { return };
    let store = Store::open_or_create(Path::new(&dir), &genesis()).unwrap();
    let mut out = std::io::stdout();
    loop {
        let line = match commit_next(&store) {
            Ok(hash) => format!("\nsafe {} {hash}\n", store.head().number),
            Err(error) => format!("\nfailed {error}\n"),
        };
        out.write_all(line.as_bytes()).unwrap();
        out.flush().unwrap();
        if line.contains("failed") {
            return;
        }
    }
}

/// The last block the child was told is safe, and its last words if it failed.
struct Heard {
    safe: Option<(u64, B256)>,
    failed: Option<String>,
}

fn listen(mut command: Command, dir: &Path, kill_after: Option<usize>) -> Heard {
    let mut child = command
        .args([CHILD_TEST, "--exact", "--nocapture", "--test-threads=1"])
        .env(CHILD_DIR, dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut heard = Heard { safe: None, failed: None };
    let mut count = 0;
    for line in lines.map_while(Result::ok) {
        if let Some(rest) = line.strip_prefix("safe ") {
            // A line cut by the kill has no whole hash.
            let (number, hash) = rest.split_once(' ').unwrap_or_default();
            if let (Ok(number), Ok(hash)) = (number.parse(), hash.parse()) {
                heard.safe = Some((number, hash));
            }
            count += 1;
            if kill_after == Some(count) {
                child.kill().unwrap();
            }
        } else if let Some(rest) = line.strip_prefix("failed ") {
            heard.failed = Some(rest.to_owned());
        }
    }
    child.wait().unwrap();
    heard
}

fn assert_nothing_lost(dir: &Path, heard: &Heard, context: &str) {
    let store = Store::open_or_create(dir, &genesis()).unwrap();
    let (number, hash) = heard.safe.expect("the child committed something");
    assert!(store.head().number >= number, "{context}: block {number} is lost");
    assert_eq!(store.header(number).unwrap().unwrap().hash, hash, "{context}");
    assert_eq!(store.rebuild_root().unwrap(), store.head().state_root, "{context}");
}

#[test]
fn kill_9_loses_no_block_that_was_called_safe() {
    let seed: u64 = rand::random();
    eprintln!("seed {seed}");
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let dir = tempfile::tempdir().unwrap();
    for round in 0..15 {
        let child = Command::new(std::env::current_exe().unwrap());
        let heard = listen(child, dir.path(), Some(rng.random_range(1..8)));
        assert_nothing_lost(dir.path(), &heard, &format!("seed {seed} round {round}"));
    }
}

#[test]
fn a_real_limit_on_the_file_is_a_typed_error_and_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    // 4 MiB in the shell's blocks of 512 bytes; the signal is ignored so that writes fail.
    let mut child = Command::new("sh");
    child.args(["-c", "trap '' XFSZ; ulimit -f 8192; exec \"$0\" \"$@\""]);
    child.arg(std::env::current_exe().unwrap());
    let heard = listen(child, dir.path(), None);
    let words = heard.failed.as_deref().expect("the disk ran full");
    assert!(words.contains("free space"), "{words}");
    assert_nothing_lost(dir.path(), &heard, "after the limit");
}
