//! Deadlines as a binary heap in storage: one timer per id, set, moved and cleared in
//! logarithmic time. The root is the next one due; handling it is a permissionless `poke`.

use alloy_primitives::{Address, U256};

use crate::fault::Result;
use crate::layout::{Lists, NoKey, One, Table};
use crate::session::Session;

/// A module's timers. Ids are its counters.
pub(crate) struct Timers {
    heap: Lists<U256>,
    places: Table<One<u64>>,
}

fn pack(due: u64, id: u64) -> U256 {
    (U256::from(due) << 64) | U256::from(id)
}

fn id_of(entry: U256) -> u64 {
    entry.wrapping_to()
}

fn due_of(entry: U256) -> u64 {
    (entry >> 64usize).wrapping_to()
}

impl Timers {
    pub(crate) const fn new(module: Address, heap: &'static str, places: &'static str) -> Self {
        Self { heap: Lists::new(module, heap), places: Table::new(module, places) }
    }

    /// The timer due next: (second, id).
    pub(crate) fn next(&self, s: &mut Session<'_>) -> Result<Option<(u64, u64)>> {
        if self.heap.len(s, NoKey)? == 0 {
            return Ok(None);
        }
        let entry = self.heap.get(s, NoKey, 0)?;
        Ok(Some((due_of(entry), id_of(entry))))
    }

    /// Sets or moves an id's timer.
    pub(crate) fn set(&self, s: &mut Session<'_>, id: u64, due: u64) -> Result<()> {
        let place = self.places.get(s, id)?.0;
        let entry = pack(due, id);
        let place = match place.checked_sub(1) {
            Some(place) => {
                self.heap.set(s, NoKey, place, entry)?;
                place
            }
            None => self.heap.push(s, NoKey, entry)?,
        };
        self.settle(s, place, entry)
    }

    /// Removes an id's timer, if it has one.
    pub(crate) fn clear(&self, s: &mut Session<'_>, id: u64) -> Result<()> {
        let Some(place) = self.places.get(s, id)?.0.checked_sub(1) else { return Ok(()) };
        let last = self.heap.len(s, NoKey)?.saturating_sub(1);
        let moved = self.heap.get(s, NoKey, last)?;
        self.heap.pop(s, NoKey)?;
        self.places.set(s, id, &One(0))?;
        if place == last {
            return Ok(());
        }
        self.heap.set(s, NoKey, place, moved)?;
        self.settle(s, place, moved)
    }

    /// Moves the entry at `place` up or down to where it belongs.
    fn settle(&self, s: &mut Session<'_>, mut place: u64, entry: U256) -> Result<()> {
        while place > 0 {
            let parent = (place - 1) / 2;
            let above = self.heap.get(s, NoKey, parent)?;
            if above <= entry {
                break;
            }
            self.put(s, place, above)?;
            place = parent;
        }
        let len = self.heap.len(s, NoKey)?;
        loop {
            let Some(left) = place.checked_mul(2).and_then(|twice| twice.checked_add(1)) else {
                break;
            };
            if left >= len {
                break;
            }
            let mut child = (left, self.heap.get(s, NoKey, left)?);
            if left + 1 < len {
                let right = self.heap.get(s, NoKey, left + 1)?;
                if right < child.1 {
                    child = (left + 1, right);
                }
            }
            if entry <= child.1 {
                break;
            }
            self.put(s, place, child.1)?;
            place = child.0;
        }
        self.put(s, place, entry)
    }

    fn put(&self, s: &mut Session<'_>, place: u64, entry: U256) -> Result<()> {
        self.heap.set(s, NoKey, place, entry)?;
        self.places.set(s, id_of(entry), &One(place.saturating_add(1)))
    }
}
