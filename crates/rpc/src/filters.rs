//! The filters that clients poll.

use crate::RpcError;
use crate::params::Answer;
use alloy_primitives::U256;
use alloy_rpc_types_eth::Filter;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// What a filter watches.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Logs(Box<Filter>),
    Blocks,
    Pending,
}

#[derive(Debug)]
struct Entry {
    kind: Kind,
    /// Next block, or next position among the pool's arrivals.
    cursor: u64,
    polled: Instant,
}

/// A bounded table of filters; those nobody polls expire.
#[derive(Debug)]
pub(crate) struct Filters {
    capacity: usize,
    expiry: Duration,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    last_id: u64,
    entries: BTreeMap<U256, Entry>,
}

impl Filters {
    pub(crate) fn new(capacity: usize, expiry: Duration) -> Self {
        Self { capacity, expiry, table: Mutex::default() }
    }

    pub(crate) fn add(&self, kind: Kind, cursor: u64) -> Answer<U256> {
        let mut table = self.table.lock();
        let expiry = self.expiry;
        table.entries.retain(|_, entry| entry.polled.elapsed() < expiry);
        if table.entries.len() >= self.capacity {
            let what = format!("at most {} filters; uninstall some", self.capacity);
            return Err(RpcError::LimitExceeded(what));
        }
        table.last_id = table.last_id.saturating_add(1);
        let id = U256::from(table.last_id);
        table.entries.insert(id, Entry { kind, cursor, polled: Instant::now() });
        Ok(id)
    }

    pub(crate) fn get(&self, id: U256) -> Answer<(Kind, u64)> {
        let mut table = self.table.lock();
        let missing = || RpcError::Refused("filter not found".into());
        let entry = table.entries.get_mut(&id).ok_or_else(missing)?;
        if entry.polled.elapsed() >= self.expiry {
            table.entries.remove(&id);
            return Err(missing());
        }
        entry.polled = Instant::now();
        Ok((entry.kind.clone(), entry.cursor))
    }

    pub(crate) fn advance(&self, id: U256, cursor: u64) {
        if let Some(entry) = self.table.lock().entries.get_mut(&id) {
            entry.cursor = cursor;
        }
    }

    pub(crate) fn remove(&self, id: U256) -> bool {
        self.table.lock().entries.remove(&id).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_table_refuses_until_a_filter_goes() {
        let filters = Filters::new(2, Duration::from_secs(60));
        let first = filters.add(Kind::Blocks, 0).unwrap();
        filters.add(Kind::Pending, 0).unwrap();
        assert!(matches!(filters.add(Kind::Blocks, 0), Err(RpcError::LimitExceeded(_))));
        assert!(filters.remove(first));
        assert!(!filters.remove(first));
        assert!(filters.add(Kind::Blocks, 0).is_ok());
    }

    #[test]
    fn a_filter_that_nobody_polls_expires() {
        let filters = Filters::new(1, Duration::ZERO);
        let id = filters.add(Kind::Blocks, 0).unwrap();
        assert!(filters.get(id).is_err());
        assert!(filters.add(Kind::Blocks, 0).is_ok(), "its place is free again");
    }
}
