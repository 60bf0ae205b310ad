//! Kill -9 at random moments: what was acknowledged is there afterwards.

use crate::room::{HANG, Room};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;
use tributary_consensus::{Application, Sequencer, SequencerConfig};

/// Kills of one run; `TRIBUTARY_KILLS` asks for more.
const KILLS: u64 = 15;
const FOLDER: &str = "TRIBUTARY_CRASH_FOLDER";

/// Sends without end and prints each acknowledged hash; runs in the process that is killed.
fn send_until_killed(folder: &Path) {
    let room = Room::at(folder, false);
    let _engine = Sequencer::start(room.chain.clone(), SequencerConfig::default()).unwrap();
    let mut out = std::io::stdout().lock();
    let nonce = |account: usize| {
        let address = tributary_execution::dev_accounts()[account].address;
        let state = room.chain.store().latest_state();
        let nonce = state.account(address).unwrap().unwrap().nonce;
        room.chain.pool().next_nonce(address, nonce)
    };
    let mut nonces: Vec<u64> = (0..10).map(nonce).collect();
    for turn in 0_usize.. {
        let account = turn % nonces.len();
        let hash = room.send(account, nonces[account]);
        nonces[account] += 1;
        writeln!(out, "acknowledged {hash}").unwrap();
        out.flush().unwrap();
        if turn % 500 == 499 {
            // Let blocks catch up, so that the pool never refuses.
            crate::room::eventually("the pool drains", || room.chain.pool().status().pending == 0);
        }
    }
}

/// The process that the test below starts and kills; nothing to do in the ordinary run.
#[test]
fn child() {
    if let Ok(folder) = std::env::var(FOLDER) {
        send_until_killed(Path::new(&folder));
    }
}

#[test]
fn acknowledged_transactions_survive_kill_9() {
    let seed = u64::from(std::process::id()) ^ fresh_seed();
    println!("seed {seed}");
    let kills = std::env::var("TRIBUTARY_KILLS").map_or(KILLS, |kills| kills.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let mut random = seed;
    let mut all = Vec::new();
    for kill in 0..kills {
        random =
            random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let after = 1 + (random >> 33) % 120;
        let fresh = run_and_kill(folder.path(), after);
        all.extend(fresh);
        let room = Room::at(folder.path(), false);
        let here = |hash| room.included(hash) || room.chain.pool().get(&hash).is_some();
        for hash in &all {
            assert!(here(*hash), "seed {seed}, kill {kill}: {hash} is lost");
        }
    }
    assert!(all.len() as u64 >= kills, "every life acknowledged something");
    // What waited is still taken, and the chain is whole from genesis on.
    let room = Room::at(folder.path(), false);
    let engine = Sequencer::start(room.chain.clone(), SequencerConfig::default()).unwrap();
    for hash in all {
        crate::room::eventually("it is in a block", || room.included(hash));
    }
    engine.stop();
    let head = Application::head(&room.chain);
    let mut parent = room.chain.store().genesis_hash();
    for number in 1..=head.number {
        let header = room.chain.store().header(number).unwrap().unwrap();
        assert_eq!(header.parent_hash, parent, "seed {seed}: block {number}");
        parent = header.hash;
    }
}

/// Starts the child, kills it after some acknowledgements, and returns what it acknowledged.
fn run_and_kill(folder: &Path, after: u64) -> Vec<alloy_primitives::B256> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::child", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let start = Instant::now();
    let mut hashes = Vec::new();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    while (hashes.len() as u64) < after {
        let line = lines.next().expect("the child ended by itself").unwrap();
        // The test harness writes its own words before the first line.
        if let Some((_, hash)) = line.split_once("acknowledged ") {
            hashes.push(hash.parse().unwrap());
        }
        assert!(start.elapsed() < HANG, "the child is stuck");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // Acknowledged between the last line that was read and the kill.
    for line in lines.map_while(Result::ok) {
        if let Some((_, hash)) = line.split_once("acknowledged ") {
            hashes.extend(hash.parse::<alloy_primitives::B256>());
        }
    }
    hashes
}

/// Different in every run.
fn fresh_seed() -> u64 {
    use tributary_consensus::{Clock, SystemClock};
    SystemClock.now_ms()
}
