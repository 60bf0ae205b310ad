//! The file that carries acknowledged transactions over a crash.
//!
//! Layout: `TRIBPJ01`, the genesis hash (32 bytes), then records `kind u8 | length u32 LE |
//! payload | check 4`, where check is the start of keccak256 over the record before it. Kind 1
//! adds an EIP-2718 transaction, kind 2 drops the transaction with a hash. A torn tail is cut off.
//! One thread writes; everything that waits at that moment shares one fsync.

use crate::{PoolError, Result};
use alloy_primitives::{B256, Bytes, keccak256};
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use tokio::sync::oneshot;

const MAGIC: &[u8; 8] = b"TRIBPJ01";
const HEADER_BYTES: usize = 40;
const ADD: u8 = 1;
const DROP: u8 = 2;
const MAX_PAYLOAD_BYTES: usize = 1 << 20;
/// Requests waiting for the writer; more make the sender wait.
const QUEUE: usize = 4_096;
/// Requests that share one fsync.
const GROUP: usize = 1_024;

type Done = Result<(), String>;

/// The promise that a transaction is on disk.
#[derive(Debug)]
pub struct Durable(Option<oneshot::Receiver<Done>>);

impl Durable {
    /// For pools without a journal.
    pub(crate) fn at_once() -> Self {
        Self(None)
    }

    /// Blocks until the transaction is on disk.
    pub fn wait(self) -> Result<()> {
        match self.0 {
            None => Ok(()),
            Some(done) => Self::settle(done.blocking_recv()),
        }
    }

    /// Resolves when the transaction is on disk.
    pub async fn done(self) -> Result<()> {
        match self.0 {
            None => Ok(()),
            Some(done) => Self::settle(done.await),
        }
    }

    fn settle(done: Result<Done, oneshot::error::RecvError>) -> Result<()> {
        match done {
            Ok(Ok(())) => Ok(()),
            Ok(Err(cause)) => Err(PoolError::Journal { cause }),
            Err(_) => Err(PoolError::Journal { cause: "the journal writer has stopped".into() }),
        }
    }
}

enum Request {
    Add(Bytes, oneshot::Sender<Done>),
    Drop(B256),
    Rewrite(Vec<Bytes>),
}

/// Handle of the writer thread. Dropping it writes what waits and ends the thread.
#[derive(Debug)]
pub(crate) struct Journal {
    requests: Option<mpsc::SyncSender<Request>>,
    thread: Option<std::thread::JoinHandle<()>>,
    size_bytes: Arc<AtomicU64>,
}

impl Journal {
    /// Opens or creates the file and returns what it holds, in order.
    pub(crate) fn open(path: &Path, genesis: B256) -> Result<(Self, Vec<Bytes>)> {
        let fail = |error: std::io::Error| PoolError::Journal { cause: error.to_string() };
        let transactions = read(path, genesis)?;
        // The writer starts from a file without torn or dropped records.
        let file = rewrite(path, genesis, &transactions).map_err(fail)?;
        let size_bytes = Arc::new(AtomicU64::new(file.metadata().map_err(fail)?.len()));
        let (requests, inbox) = mpsc::sync_channel(QUEUE);
        let mut writer = Writer {
            path: path.to_path_buf(),
            genesis,
            file,
            size_bytes: Arc::clone(&size_bytes),
            failed: None,
        };
        let thread = std::thread::Builder::new()
            .name("pool-journal".into())
            .spawn(move || writer.run(&inbox))
            .map_err(fail)?;
        let journal = Self { requests: Some(requests), thread: Some(thread), size_bytes };
        Ok((journal, transactions))
    }

    pub(crate) fn add(&self, encoded: Bytes) -> Durable {
        let (done, receiver) = oneshot::channel();
        // A stopped writer drops `done`, which the waiter sees as a failure.
        self.send(Request::Add(encoded, done));
        Durable(Some(receiver))
    }

    pub(crate) fn drop_transaction(&self, hash: B256) {
        self.send(Request::Drop(hash));
    }

    /// Replaces the whole file.
    pub(crate) fn rewrite(&self, transactions: Vec<Bytes>) {
        self.send(Request::Rewrite(transactions));
    }

    pub(crate) fn size_bytes(&self) -> u64 {
        self.size_bytes.load(Ordering::Relaxed)
    }

    fn send(&self, request: Request) {
        if let Some(requests) = &self.requests
            && requests.send(request).is_err()
        {
            tracing::error!("the journal writer has stopped");
        }
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.requests = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the journal writer panicked");
        }
    }
}

struct Writer {
    path: PathBuf,
    genesis: B256,
    file: File,
    size_bytes: Arc<AtomicU64>,
    failed: Option<String>,
}

impl Writer {
    fn run(&mut self, inbox: &mpsc::Receiver<Request>) {
        while let Ok(first) = inbox.recv() {
            let mut group = vec![first];
            group.extend(inbox.try_iter().take(GROUP));
            self.write(group);
        }
    }

    /// Writes a group with one fsync and answers everyone who waits for it.
    fn write(&mut self, group: Vec<Request>) {
        let mut waiting = Vec::new();
        let mut buffer = Vec::new();
        for request in group {
            match request {
                Request::Add(encoded, done) => {
                    record(&mut buffer, ADD, &encoded);
                    waiting.push(done);
                }
                Request::Drop(hash) => record(&mut buffer, DROP, hash.as_slice()),
                Request::Rewrite(transactions) => {
                    // What is buffered stands in `transactions`, or needs no place any more:
                    // the pool sends both under one lock.
                    buffer.clear();
                    self.attempt(|writer| writer.replace(&transactions));
                }
            }
        }
        self.attempt(|writer| writer.append(&buffer));
        let answer = match &self.failed {
            None => Ok(()),
            Some(cause) => Err(cause.clone()),
        };
        for done in waiting {
            // A caller that went away needs no answer.
            drop(done.send(answer.clone()));
        }
    }

    fn attempt(&mut self, write: impl FnOnce(&mut Self) -> std::io::Result<()>) {
        if self.failed.is_none()
            && let Err(error) = write(self)
        {
            tracing::error!(%error, path = %self.path.display(), "transaction journal failed");
            self.failed = Some(error.to_string());
        }
    }

    fn append(&mut self, buffer: &[u8]) -> std::io::Result<()> {
        if buffer.is_empty() {
            return Ok(());
        }
        self.file.write_all(buffer)?;
        self.file.sync_data()?;
        self.size_bytes.fetch_add(buffer.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    fn replace(&mut self, transactions: &[Bytes]) -> std::io::Result<()> {
        self.file = rewrite(&self.path, self.genesis, transactions)?;
        self.size_bytes.store(self.file.metadata()?.len(), Ordering::Relaxed);
        Ok(())
    }
}

fn record(buffer: &mut Vec<u8>, kind: u8, payload: &[u8]) {
    let start = buffer.len();
    buffer.push(kind);
    let length = u32::try_from(payload.len()).expect("admission bounds a transaction's size");
    buffer.extend_from_slice(&length.to_le_bytes());
    buffer.extend_from_slice(payload);
    let check = keccak256(buffer.get(start..).unwrap_or_default());
    buffer.extend_from_slice(check.get(..4).unwrap_or_default());
}

/// Writes a new file beside the old one and renames it over, so one of both is always whole.
fn rewrite(path: &Path, genesis: B256, transactions: &[Bytes]) -> std::io::Result<File> {
    let mut buffer = MAGIC.to_vec();
    buffer.extend_from_slice(genesis.as_slice());
    for transaction in transactions {
        record(&mut buffer, ADD, transaction);
    }
    let fresh = path.with_extension("journal.new");
    let mut file = File::create(&fresh)?;
    file.write_all(&buffer)?;
    file.sync_all()?;
    std::fs::rename(&fresh, path)?;
    if let Some(folder) = path.parent() {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        File::open(folder)?.sync_all()?;
    }
    OpenOptions::new().append(true).open(path)
}

fn read(path: &Path, genesis: B256) -> Result<Vec<Bytes>> {
    let mut bytes = Vec::new();
    match File::open(path) {
        Ok(mut file) => file
            .read_to_end(&mut bytes)
            .map_err(|error| PoolError::Journal { cause: error.to_string() })?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(PoolError::Journal { cause: error.to_string() }),
    };
    let Some((header, records)) = bytes.split_at_checked(HEADER_BYTES) else {
        // Creation is by rename, so a short file is not ours to interpret.
        return Err(PoolError::Journal { cause: format!("{} is not a journal", path.display()) });
    };
    if !header.starts_with(MAGIC) {
        return Err(PoolError::Journal { cause: format!("{} is not a journal", path.display()) });
    }
    if header.get(MAGIC.len()..) != Some(genesis.as_slice()) {
        return Err(PoolError::WrongNetwork { path: path.display().to_string() });
    }
    Ok(replay(records))
}

/// The transactions that the records leave, up to the first torn one.
pub(crate) fn replay(mut records: &[u8]) -> Vec<Bytes> {
    let mut transactions: Vec<(B256, Bytes)> = Vec::new();
    while let Some((kind, payload, rest)) = split_record(records) {
        match kind {
            ADD => transactions.push((keccak256(payload), Bytes::copy_from_slice(payload))),
            DROP => transactions.retain(|(hash, _)| hash.as_slice() != payload),
            _ => break,
        }
        records = rest;
    }
    if !records.is_empty() {
        tracing::warn!(bytes = records.len(), "cut a torn tail off the transaction journal");
    }
    transactions.into_iter().map(|(_, transaction)| transaction).collect()
}

fn split_record(records: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let kind = *records.first()?;
    let length = u32::from_le_bytes(records.get(1..5)?.try_into().ok()?) as usize;
    if length > MAX_PAYLOAD_BYTES {
        return None;
    }
    let end = length.checked_add(5)?;
    let payload = records.get(5..end)?;
    let check = records.get(end..end.checked_add(4)?)?;
    if keccak256(records.get(..end)?).get(..4) != Some(check) {
        return None;
    }
    Some((kind, payload, records.get(end.checked_add(4)?..)?))
}
