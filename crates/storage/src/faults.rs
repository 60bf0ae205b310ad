//! A disk that fails on purpose: refuses writes, loses what was not synced, tears what it lost.

use parking_lot::Mutex;
use redb::StorageBackend;
use std::io;
use std::sync::Arc;

/// When the disk fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultPlan {
    /// Never.
    Sound,
    /// From this operation on (counting writes, length changes and syncs) nothing succeeds.
    DeadFrom(u64),
    /// The file cannot grow beyond this many bytes: `ENOSPC`.
    Full(u64),
}

/// A backend in memory that remembers what was synced. Cloning shares the disk.
#[derive(Debug, Clone)]
pub struct FaultyBackend {
    disk: Arc<Mutex<Disk>>,
}

#[derive(Debug)]
struct Disk {
    durable: Vec<u8>,
    volatile: Vec<u8>,
    pending: Vec<Write>,
    operations: u64,
    plan: FaultPlan,
}

#[derive(Debug, Clone)]
enum Write {
    Bytes(usize, Vec<u8>),
    Length(usize),
}

impl Write {
    fn apply(&self, file: &mut Vec<u8>) {
        match self {
            Self::Length(length) => file.resize(*length, 0),
            Self::Bytes(offset, bytes) => {
                let end = offset.saturating_add(bytes.len());
                if file.len() < end {
                    file.resize(end, 0);
                }
                if let Some(target) = file.get_mut(*offset..end) {
                    target.copy_from_slice(bytes);
                }
            }
        }
    }
}

impl FaultyBackend {
    /// A disk that holds `image`.
    pub fn new(image: Vec<u8>, plan: FaultPlan) -> Self {
        Self {
            disk: Arc::new(Mutex::new(Disk {
                durable: image.clone(),
                volatile: image,
                pending: Vec::new(),
                operations: 0,
                plan,
            })),
        }
    }

    /// Changes the plan.
    pub fn set_plan(&self, plan: FaultPlan) {
        self.disk.lock().plan = plan;
    }

    /// Writes, length changes and syncs so far.
    pub fn operations(&self) -> u64 {
        self.disk.lock().operations
    }

    /// What was synced.
    pub fn durable_image(&self) -> Vec<u8> {
        self.disk.lock().durable.clone()
    }

    /// What a power cut leaves: all that was synced, and of each later write all, nothing or a
    /// torn part, as `choose` decides from 0, 1 and 2 for "lost", "whole" and "torn".
    pub fn crash_image(&self, mut choose: impl FnMut() -> u8) -> Vec<u8> {
        let disk = self.disk.lock();
        let mut image = disk.durable.clone();
        for write in &disk.pending {
            match (choose(), write) {
                (0, Write::Bytes(..)) => {}
                (2, Write::Bytes(offset, bytes)) => {
                    let half = bytes.len() / 2;
                    Write::Bytes(*offset, bytes.iter().take(half).copied().collect())
                        .apply(&mut image);
                }
                (_, write) => write.apply(&mut image),
            }
        }
        image
    }
}

impl Disk {
    fn admit(&mut self, end: u64) -> io::Result<()> {
        let operation = self.operations;
        self.operations += 1;
        match self.plan {
            FaultPlan::DeadFrom(first) if operation >= first => {
                Err(io::Error::other("injected fault: the disk is gone"))
            }
            FaultPlan::Full(limit) if end > limit => {
                Err(io::Error::new(io::ErrorKind::StorageFull, "injected fault: no space left"))
            }
            _ => Ok(()),
        }
    }

    fn push(&mut self, write: Write) {
        write.apply(&mut self.volatile);
        self.pending.push(write);
    }
}

fn position(offset: u64) -> io::Result<usize> {
    usize::try_from(offset).map_err(io::Error::other)
}

impl StorageBackend for FaultyBackend {
    fn len(&self) -> io::Result<u64> {
        Ok(self.disk.lock().volatile.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let disk = self.disk.lock();
        let start = position(offset)?;
        let bytes = disk
            .volatile
            .get(start..start.saturating_add(out.len()))
            .ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
        out.copy_from_slice(bytes);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut disk = self.disk.lock();
        disk.admit(len)?;
        disk.push(Write::Length(position(len)?));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut disk = self.disk.lock();
        disk.admit(0)?;
        let pending = core::mem::take(&mut disk.pending);
        for write in &pending {
            write.apply(&mut disk.durable);
        }
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut disk = self.disk.lock();
        disk.admit(offset.saturating_add(data.len() as u64))?;
        disk.push(Write::Bytes(position(offset)?, data.to_vec()));
        Ok(())
    }
}
