//! What a gateway can acknowledge: for each payee of a receipt what it had accrued after it, and
//! the epoch from which on every root holds that much.

use rusqlite::{OptionalExtension, params};
use tributary_primitives::{Address, B256, Party};

use crate::{
    Accrued, Index, IndexError,
    codec::{Hex, Wei, role},
    service::epochs::last_epoch,
};

/// A receipt's debts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owed {
    /// Who owes.
    pub gateway: Address,
    /// The first epoch whose root cannot lack them.
    pub epoch: u64,
    /// One entry for each payee, by role and party.
    pub payees: Vec<Accrued>,
}

impl Index {
    /// What a receipt makes its gateway owe; `None` when there is no such receipt.
    pub fn owed(&self, receipt: B256) -> Result<Option<Owed>, IndexError> {
        self.read(|sql| {
            let found: Option<(u64, Hex<Address>, Option<u64>)> = sql
                .prepare_cached("SELECT seq, gateway, epoch FROM receipts WHERE id = ?1")?
                .query_row([Hex(receipt)], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
                .optional()?;
            let Some((seq, Hex(gateway), epoch)) = found else { return Ok(None) };
            // The next cut may have been read already without this receipt; the one after it
            // cannot.
            let epoch = match epoch {
                Some(epoch) => epoch,
                None => last_epoch(sql, gateway)?.0.saturating_add(2),
            };
            let mut query = sql.prepare_cached(
                "SELECT role, party, accrued_after FROM shares WHERE receipt = ?1
                 ORDER BY role, party, position",
            )?;
            let rows = query.query_map(params![seq], |row| {
                Ok(Accrued {
                    role: role(row.get(0)?)?,
                    party: Party(row.get::<_, Hex<B256>>(1)?.0),
                    cumulative: row.get::<_, Wei>(2)?.0,
                })
            })?;
            let mut payees: Vec<Accrued> = Vec::new();
            for row in rows {
                let row = row?;
                // A payee of several shares: the last one's sum holds them all.
                match payees.last_mut().filter(|p| (p.role, p.party) == (row.role, row.party)) {
                    Some(same) => same.cumulative = same.cumulative.max(row.cumulative),
                    None => payees.push(row),
                }
            }
            Ok(Some(Owed { gateway, epoch, payees }))
        })
    }
}
