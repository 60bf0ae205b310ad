//! A disk that runs full under a running node: the cause is named, nothing that was acknowledged
//! is lost, and with space again the node goes on.
//!
//! The disk is a small tmpfs of its own, so the limit is the system's; where mounting is not
//! allowed the test says that it was skipped.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use alloy_primitives::Address;
use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;
use tributary_e2e::{
    Http, Node, Start, Transfer, Wallet,
    load::{guest, text, until},
};

/// Room for a fresh node and some work.
const DISK_MIB: u32 = 160;
/// Requests after which a full disk must have shown.
const REQUESTS: u64 = 2_000;

/// A small disk; unmounted when dropped.
struct Disk(TempDir);

impl Disk {
    fn mount() -> Result<Option<Self>> {
        let folder = tempfile::tempdir()?;
        let size = format!("size={DISK_MIB}m");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(folder.path())
            .stderr(Stdio::null())
            .status();
        Ok(mounted.is_ok_and(|status| status.success()).then_some(Self(folder)))
    }

    fn filler(&self) -> PathBuf {
        self.0.path().join("filler")
    }

    /// Takes all the space that is left.
    fn fill(&self) -> Result<()> {
        let mut file = fs::File::create(self.filler())?;
        for size in [1 << 20, 4 << 10] {
            while file.write_all(&vec![7; size]).is_ok() {}
        }
        Ok(())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

/// What was acknowledged.
#[derive(Default)]
struct Log {
    transfers: Vec<Transfer>,
    /// Digests of uploads.
    blobs: Vec<String>,
}

/// Sends and uploads until something is refused or the node is gone; what was said then.
fn work(node: &Node, wallet: &Wallet, session: &Http, log: &mut Log) -> Result<String> {
    let http = Http::new(node.setting("rpc_url"));
    for number in 0..REQUESTS {
        let to = Address::from_word(alloy_primitives::keccak256(number.to_be_bytes()));
        let transfer = wallet.transfer(log.transfers.len() as u64, to, 1)?;
        let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_sendRawTransaction",
            "params": [transfer.raw] });
        let Ok(answer) = http.post("/", &call) else { return Ok(node.log()) };
        if answer.json().get("result").is_none() {
            return Ok(answer.text());
        }
        log.transfers.push(transfer);
        let row = json!({ "text": format!("Ledger {number}: {}", "salt and rope ".repeat(400)) });
        let row = row.to_string();
        let path = "/api/v1/uploads?filename=rows.jsonl";
        let sent = session.send(path, "application/octet-stream", row.as_bytes());
        let Ok(answer) = sent else { return Ok(node.log()) };
        match answer.status {
            201 => log.blobs.push(text(&answer.json(), "/data_commit").to_owned()),
            429 => {}
            _ => return Ok(answer.text()),
        }
    }
    Ok(String::new())
}

fn names_the_disk(said: &str) -> bool {
    let said = said.to_lowercase();
    ["disk_full", "no space left", "disk is full"].iter().any(|words| said.contains(words))
}

fn is_there(node: &Node, log: &Log) -> Result<()> {
    let http = Http::new(node.setting("rpc_url"));
    for transfer in &log.transfers {
        until("acknowledged transaction in a block", || {
            let receipt = http.rpc("eth_getTransactionReceipt", json!([transfer.hash]))?;
            Ok((!receipt.is_null()).then_some(()))
        })?;
    }
    for blob in &log.blobs {
        let found = http.get(&format!("/api/v1/blobs/{blob}"))?;
        ensure!(found.status == 200, "acknowledged and lost: {blob}: {}", found.text());
    }
    Ok(())
}

#[test]
fn a_full_disk_is_named_and_costs_nothing_that_was_acknowledged() -> Result<()> {
    let Some(disk) = Disk::mount()? else {
        tributary_e2e::skipped("full disk", "the right to mount a tmpfs");
        return Ok(());
    };
    let datadir = Some(Path::join(disk.0.path(), "data"));
    let start = Start { datadir, ..Start::default() };
    let Some(mut node) = Node::launch("full disk", start)? else { return Ok(()) };
    node.ready()?;
    let wallet = Wallet::of_role(node.config(), "dev-builder")?;
    let (session, _) = guest(&node)?;
    let mut log = Log::default();
    let url = node.setting("console_url").to_owned();
    session.at(&url).get("/api/v1/session")?.ok()?;
    disk.fill()?;

    let said = work(&node, &wallet, &session, &mut log)?;
    let told = format!("{said}\n{}", node.log());
    ensure!(names_the_disk(&told), "nobody names the disk: {told}");
    ensure!(!told.contains("panicked"), "{told}");

    fs::remove_file(disk.filler())?;
    node.kill()?;
    let mut node = node.relaunch()?;
    node.ready()?;
    is_there(&node, &log)?;
    // And it goes on: one more of each.
    let before = (log.transfers.len(), log.blobs.len());
    let http = Http::new(node.setting("rpc_url"));
    let next = wallet.transfer(before.0 as u64, wallet.address(), 1)?;
    let sent = http.rpc("eth_sendRawTransaction", json!([next.raw]))?;
    ensure!(sent == Value::from(next.hash.clone()), "{sent}");
    log.transfers.push(next);
    is_there(&node, &log)?;
    println!("{} transactions and {} uploads before the disk was full", before.0, before.1);
    Ok(())
}
