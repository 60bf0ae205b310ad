//! Finding the stretches of a query that stand verbatim in the index.

use std::cmp::Ordering;

use crate::index::Index;

/// A stretch of the query, by token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Match {
    pub start: usize,
    pub end: usize,
}

impl Index {
    /// All maximal stretches of at least `shortest` tokens that occur in the index, by position.
    /// Maximal: not inside another.
    pub(crate) fn matches(&self, query: &[u32], shortest: usize) -> Vec<Match> {
        let mut found: Vec<Match> = Vec::new();
        let mut furthest = 0;
        for start in 0..query.len() {
            let Some(rest) = query.get(start..) else { break };
            let end = start + self.longest_prefix(rest);
            if end > furthest {
                furthest = end;
                if end - start >= shortest {
                    found.push(Match { start, end });
                }
            }
        }
        found
    }

    /// Ranks of the suffixes that begin with the stretch: `[low, high)`.
    pub(crate) fn interval(&self, stretch: &[u32]) -> (usize, usize) {
        let low = self.rank(stretch, false);
        (low, self.rank(stretch, true).max(low))
    }

    /// Tokens of the longest prefix of the query that occurs: the better of the two neighbours
    /// of the place where the query would be inserted. Either may be missing: the place may be
    /// before the first suffix or behind the last.
    fn longest_prefix(&self, query: &[u32]) -> usize {
        let known = query.iter().position(|id| *id >= self.vocab_size).unwrap_or(query.len());
        let query = query.get(..known).unwrap_or_default();
        let rank = self.rank(query, false);
        let below = rank.checked_sub(1).map_or(0, |rank| self.common(rank, query, 0));
        let above = if rank < self.suffixes.len() { self.common(rank, query, 0) } else { 0 };
        below.max(above)
    }

    /// The number of suffixes that stand before the query; with `behind`, also those that begin
    /// with it. Keeps what both bounds share with the query, and compares from there.
    fn rank(&self, query: &[u32], behind: bool) -> usize {
        let (mut low, mut high) = (0, self.suffixes.len());
        let (mut shared_low, mut shared_high) = (0, 0);
        while low < high {
            let middle = low + (high - low) / 2;
            let shared = self.common(middle, query, shared_low.min(shared_high));
            let order = self.order(middle, query, shared);
            let before = match order {
                Ordering::Less => true,
                Ordering::Equal => behind,
                Ordering::Greater => false,
            };
            if before {
                low = middle + 1;
                shared_low = shared;
            } else {
                high = middle;
                shared_high = shared;
            }
        }
        low
    }

    /// Tokens that a suffix shares with the query, of which `known` are known to be shared.
    fn common(&self, rank: usize, query: &[u32], known: usize) -> usize {
        let suffix = self.suffix(rank);
        let suffix = suffix.get(known..).unwrap_or_default();
        let query = query.get(known..).unwrap_or_default();
        known + suffix.iter().zip(query).take_while(|(a, b)| a == b).count()
    }

    /// How a suffix that shares `shared` tokens with the query stands to it; equal when it
    /// begins with the query.
    fn order(&self, rank: usize, query: &[u32], shared: usize) -> Ordering {
        match (self.suffix(rank).get(shared), query.get(shared)) {
            (_, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(ours), Some(theirs)) => ours.cmp(theirs),
        }
    }

    fn suffix(&self, rank: usize) -> &[u32] {
        let start = self.suffixes.get(rank).map_or(usize::MAX, |start| *start as usize);
        self.text.get(start..).unwrap_or_default()
    }
}
