//! A disk that runs full under a running node: the cause is named, nothing that was acknowledged
//! is lost, and with space again the node goes on.
//!
//! The space ends in two ways, both the system's: a small tmpfs of its own, where mounting is
//! allowed, and everywhere a limit on the size of files.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use alloy_primitives::Address;
use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;
use tributary_e2e::{
    Http, Node, Start, Transfer, Wallet,
    load::{guest, text, until},
};

/// Room for a fresh node and some work.
const DISK_MIB: u32 = 160;
/// Transactions and uploads that are acknowledged while there is space.
const BEFORE: usize = 60;
/// Requests after which a full disk must have shown.
const REQUESTS: usize = 2_000;

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

/// Who works, and what was acknowledged to it.
struct Client {
    wallet: Wallet,
    session: Http,
    transfers: Vec<Transfer>,
    /// Digests of uploads.
    blobs: Vec<String>,
}

impl Client {
    fn new(node: &Node) -> Result<Self> {
        let wallet = Wallet::of_role(node.config(), "dev-builder")?;
        let (session, _) = guest(node)?;
        Ok(Self { wallet, session, transfers: vec![], blobs: vec![] })
    }

    /// Sends and uploads this many times, or until something is refused or the node is gone; what
    /// was said then.
    fn work(&mut self, node: &Node, times: usize) -> Result<Option<String>> {
        let http = Http::new(node.setting("rpc_url"));
        let session = self.session.at(node.setting("console_url"));
        for _ in 0..times {
            let transfer = self.next_transfer()?;
            let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_sendRawTransaction",
                "params": [transfer.raw] });
            let Ok(answer) = http.post("/", &call) else { return Ok(Some(node.log())) };
            if answer.json().get("result").is_none() {
                return Ok(Some(answer.text()));
            }
            self.transfers.push(transfer);
            let (number, words) = (self.transfers.len(), "salt and rope ".repeat(400));
            let row = json!({ "text": format!("Ledger {number}: {words}") }).to_string();
            let path = "/api/v1/uploads?filename=rows.jsonl";
            let sent = session.send(path, "application/octet-stream", row.as_bytes());
            let Ok(answer) = sent else { return Ok(Some(node.log())) };
            match answer.status {
                201 => self.blobs.push(text(&answer.json(), "/data_commit").to_owned()),
                429 => {}
                _ => return Ok(Some(answer.text())),
            }
        }
        Ok(None)
    }

    fn next_transfer(&self) -> Result<Transfer> {
        let nonce = self.transfers.len() as u64;
        let to = Address::from_word(alloy_primitives::keccak256(nonce.to_be_bytes()));
        self.wallet.transfer(nonce, to, 1)
    }

    /// Looks for all that was acknowledged.
    fn finds_everything(&self, node: &Node) -> Result<()> {
        let http = Http::new(node.setting("rpc_url"));
        for transfer in &self.transfers {
            until("acknowledged transaction in a block", || {
                let receipt = http.rpc("eth_getTransactionReceipt", json!([transfer.hash]))?;
                Ok((!receipt.is_null()).then_some(()))
            })?;
        }
        for blob in &self.blobs {
            let found = http.get(&format!("/api/v1/blobs/{blob}"))?;
            ensure!(found.status == 200, "acknowledged and lost: {blob}: {}", found.text());
        }
        Ok(())
    }
}

fn names_the_disk(said: &str) -> bool {
    let said = said.to_lowercase();
    ["disk_full", "no space left", "file too large"].iter().any(|words| said.contains(words))
}

/// Nothing more is written from here on.
fn full(node: &Node, client: &mut Client) -> Result<()> {
    let said = client.work(node, REQUESTS)?.context("nothing was refused")?;
    let told = format!("{said}\n{}", node.log());
    ensure!(names_the_disk(&told), "nobody names the disk: {told}");
    ensure!(!told.contains("panicked"), "{told}");
    Ok(())
}

/// With space again, all is there and it goes on: one more transfer.
fn nothing_is_lost(node: &Node, client: &mut Client) -> Result<()> {
    client.finds_everything(node)?;
    let (transfers, blobs) = (client.transfers.len(), client.blobs.len());
    ensure!(transfers >= BEFORE && blobs >= BEFORE, "{transfers} transfers, {blobs} uploads");
    let next = client.next_transfer()?;
    let sent = Http::new(node.setting("rpc_url"));
    let sent = sent.rpc("eth_sendRawTransaction", json!([next.raw]))?;
    ensure!(sent == Value::from(next.hash.clone()), "{sent}");
    client.transfers.push(next);
    client.finds_everything(node)?;
    println!("{transfers} transactions and {blobs} uploads before the disk was full");
    Ok(())
}

fn largest_file(folder: &Path) -> Result<u64> {
    let mut largest = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let found = entry.metadata()?;
        let size = if found.is_dir() { largest_file(&entry.path())? } else { found.len() };
        largest = largest.max(size);
    }
    Ok(largest)
}

fn files_that_may_not_grow() -> Result<()> {
    let Some(mut node) = Node::start("full disk, by a limit")? else { return Ok(()) };
    let mut client = Client::new(&node)?;
    let refused = client.work(&node, BEFORE)?;
    ensure!(refused.is_none(), "{refused:?}");
    node.stop()?;

    // What stands now is all that its files may hold.
    let limit = largest_file(&node.datadir())?;
    let limited = Start { file_limit_bytes: Some(limit), ..Start::default() };
    let mut node = node.relaunch_with(limited)?;
    node.ready()?;
    full(&node, &mut client)?;

    node.kill()?;
    let mut node = node.relaunch_with(Start::default())?;
    node.ready()?;
    nothing_is_lost(&node, &mut client)
}

fn a_disk_without_space(disk: &Disk) -> Result<()> {
    let datadir = Some(Path::join(disk.0.path(), "data"));
    let start = Start { datadir, ..Start::default() };
    let Some(mut node) = Node::launch("full disk", start)? else { return Ok(()) };
    node.ready()?;
    let mut client = Client::new(&node)?;
    let refused = client.work(&node, BEFORE)?;
    ensure!(refused.is_none(), "{refused:?}");
    disk.fill()?;
    full(&node, &mut client)?;

    fs::remove_file(disk.filler())?;
    node.kill()?;
    let mut node = node.relaunch()?;
    node.ready()?;
    nothing_is_lost(&node, &mut client)
}

#[test]
fn a_full_disk_is_named_and_costs_nothing_that_was_acknowledged() -> Result<()> {
    files_that_may_not_grow()?;
    match Disk::mount()? {
        Some(disk) => a_disk_without_space(&disk),
        None => Ok(()),
    }
}
