//! The last hashes that became pending, for polled filters.

use alloy_primitives::B256;
use std::collections::VecDeque;

/// A bounded ring of arrivals, each with its position since the start.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    first: u64,
    hashes: VecDeque<B256>,
}

impl Recent {
    const CAPACITY: usize = 10_000;

    pub(crate) fn push(&mut self, hash: B256) {
        if self.hashes.len() == Self::CAPACITY {
            self.hashes.pop_front();
            self.first = self.first.saturating_add(1);
        }
        self.hashes.push_back(hash);
    }

    /// Position after the newest.
    pub(crate) fn end(&self) -> u64 {
        self.first.saturating_add(self.hashes.len() as u64)
    }

    /// Hashes from `position` on.
    pub(crate) fn since(&self, position: u64) -> Vec<B256> {
        let skip = usize::try_from(position.saturating_sub(self.first)).unwrap_or(usize::MAX);
        self.hashes.iter().skip(skip).copied().collect()
    }
}
