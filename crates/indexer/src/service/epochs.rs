//! Epoch roots a gateway cuts and posts, and the proofs its payees claim with.

use alloy_primitives::{Address, B256};
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use tributary_primitives::{Amount, Party, Role};

use crate::{
    Index, IndexError, Written,
    codec::{Hex, Json, Wei, party, role},
    service::now_ms,
};

/// Epochs whose leaves are kept besides the newest.
const KEPT_EPOCHS: u64 = 16;

/// What one payee has accrued with a gateway over all time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accrued {
    /// Why.
    pub role: Role,
    /// Who.
    pub party: Party,
    /// How much in all.
    pub cumulative: Amount,
}

/// The state of a gateway's books at one receipt: what the next root is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EpochCut {
    /// Number of the next epoch, from 1.
    pub epoch: u64,
    /// Sequence number of the last receipt inside.
    pub up_to: u64,
    /// Receipts since the previous cut.
    pub receipts: u64,
    /// By role, then party.
    pub accrued: Vec<Accrued>,
}

/// One leaf of a cut epoch with its proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeafRow {
    /// What it pays.
    pub leaf: Accrued,
    /// Position in the tree.
    pub position: u32,
    /// The proof as the claim's ABI wants it, encoded by the gateway.
    pub proof: serde_json::Value,
}

/// A cut epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EpochRow {
    /// Whose.
    pub gateway: Address,
    /// Which.
    pub epoch: u64,
    /// Merkle-sum root.
    pub root: B256,
    /// Sum of all leaves.
    pub total: Amount,
    /// Sequence number of the last receipt inside.
    pub up_to: u64,
    /// All leaves; empty where a query does not load them.
    pub leaves: Vec<LeafRow>,
}

/// What a party can claim from one gateway by one role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claimable {
    /// The gateway.
    pub gateway: Address,
    /// The posted epoch that the proof is for.
    pub epoch: u64,
    /// When the root may be claimed against, seconds.
    pub claimable_at: u64,
    /// Role, party, cumulative, proof.
    pub leaf: LeafRow,
    /// Cumulative minus what was claimed before.
    pub due: Amount,
}

impl Index {
    /// A gateway's books now; `None` when no receipt came since the last cut.
    pub fn epoch_cut(&self, gateway: Address) -> Result<Option<EpochCut>, IndexError> {
        self.read(|sql| {
            let (last, done) = last_epoch(sql, gateway)?;
            let (up_to, receipts): (Option<u64>, u64) = sql.query_row(
                "SELECT max(seq), count(*) FROM receipts WHERE gateway = ?1 AND seq > ?2",
                params![Hex(gateway), done],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )?;
            let Some(up_to) = up_to else { return Ok(None) };
            let mut query = sql.prepare_cached(
                "SELECT role, party, total FROM accrued WHERE gateway = ?1 ORDER BY role, party",
            )?;
            let accrued = query.query_map([Hex(gateway)], |row| {
                Ok(Accrued {
                    role: role(row.get(0)?)?,
                    party: Party(row.get::<_, Hex<_>>(1)?.0),
                    cumulative: row.get::<_, Wei>(2)?.0,
                })
            })?;
            let accrued = accrued.collect::<Result<_, _>>()?;
            Ok(Some(EpochCut { epoch: last + 1, up_to, receipts, accrued }))
        })
    }

    /// Writes a cut epoch before its root is sent (gateway only). Its receipts belong to it from
    /// now on; they are earned when the chain shows the same root.
    pub fn put_epoch(&self, epoch: EpochRow) -> Written<()> {
        self.write(move |scope| {
            let sql = scope.sql;
            let (last, done) = last_epoch(sql, epoch.gateway)?;
            if epoch.epoch != last + 1 {
                return Err(IndexError::Conflict(format!(
                    "epoch {} does not follow epoch {last}",
                    epoch.epoch
                )));
            }
            sql.execute(
                "INSERT INTO epochs VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![
                    Hex(epoch.gateway),
                    epoch.epoch,
                    Hex(epoch.root),
                    Wei(epoch.total),
                    epoch.leaves.len(),
                    epoch.up_to,
                    now_ms()
                ],
            )?;
            sql.execute(
                "UPDATE receipts SET epoch = ?1 WHERE gateway = ?2 AND seq > ?3 AND seq <= ?4",
                params![epoch.epoch, Hex(epoch.gateway), done, epoch.up_to],
            )?;
            for row in &epoch.leaves {
                sql.prepare_cached("INSERT INTO leaves VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?
                    .execute(params![
                        Hex(epoch.gateway),
                        epoch.epoch,
                        row.position,
                        row.leaf.role as u8,
                        party(&row.leaf.party),
                        Wei(row.leaf.cumulative),
                        Json(&row.proof)
                    ])?;
            }
            prune(sql, epoch.gateway, epoch.epoch)
        })
    }

    /// Epochs that were cut but whose root does not stand on chain: post them again after a
    /// restart, oldest first.
    pub fn unposted_epochs(&self, gateway: Address) -> Result<Vec<EpochRow>, IndexError> {
        self.read(|sql| {
            let mut query = sql.prepare_cached(
                "SELECT e.epoch, e.root, e.total, e.up_to FROM epochs e
                 LEFT JOIN posted p ON p.gateway = e.gateway AND p.epoch = e.epoch
                 WHERE e.gateway = ?1 AND p.epoch IS NULL ORDER BY e.epoch",
            )?;
            let rows = query.query_map([Hex(gateway)], |row| {
                Ok(EpochRow {
                    gateway,
                    epoch: row.get(0)?,
                    root: row.get::<_, Hex<_>>(1)?.0,
                    total: row.get::<_, Wei>(2)?.0,
                    up_to: row.get(3)?,
                    leaves: Vec::new(),
                })
            })?;
            let mut epochs: Vec<EpochRow> = rows.collect::<Result<_, _>>()?;
            for epoch in &mut epochs {
                epoch.leaves = leaves(sql, gateway, epoch.epoch)?;
            }
            Ok(epochs)
        })
    }

    /// What a party can claim now or after the hold-back, over all gateways and roles.
    pub fn claimable(&self, payee: Party) -> Result<Vec<Claimable>, IndexError> {
        self.read(|sql| {
            let mut query = sql.prepare_cached(
                "SELECT l.gateway, l.epoch, l.role, l.cumulative, l.position, l.proof, p.claimable_at
                 FROM leaves l
                 JOIN posted p ON p.gateway = l.gateway AND p.epoch = l.epoch
                 JOIN epochs e ON e.gateway = l.gateway AND e.epoch = l.epoch AND e.root = p.root
                 WHERE l.party = ?1 ORDER BY l.gateway, l.role, l.epoch DESC",
            )?;
            let rows = query.query_map([party(&payee)], |row| {
                let leaf = Accrued {
                    role: role(row.get(2)?)?,
                    party: payee,
                    cumulative: row.get::<_, Wei>(3)?.0,
                };
                Ok(Claimable {
                    gateway: row.get::<_, Hex<_>>(0)?.0,
                    epoch: row.get(1)?,
                    claimable_at: row.get(6)?,
                    leaf: LeafRow {
                        leaf,
                        position: row.get(4)?,
                        proof: row.get::<_, Json<_>>(5)?.0,
                    },
                    due: Amount::ZERO,
                })
            })?;
            let mut newest: Vec<Claimable> = Vec::new();
            for row in rows {
                let mut row = row?;
                let same = |kept: &Claimable| {
                    kept.gateway == row.gateway && kept.leaf.leaf.role == row.leaf.leaf.role
                };
                if newest.last().is_some_and(same) {
                    continue;
                }
                let before =
                    super::receipts::claimed(sql, row.gateway, row.leaf.leaf.role, &payee)?;
                row.due = row.leaf.leaf.cumulative.saturating_sub(before);
                newest.push(row);
            }
            newest.retain(|row| !row.due.is_zero());
            Ok(newest)
        })
    }
}

pub(crate) fn last_epoch(sql: &Connection, gateway: Address) -> Result<(u64, u64), IndexError> {
    let last = sql
        .prepare_cached(
            "SELECT epoch, up_to FROM epochs WHERE gateway = ?1 ORDER BY epoch DESC LIMIT 1",
        )?
        .query_row([Hex(gateway)], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(last.unwrap_or((0, 0)))
}

fn leaves(sql: &Connection, gateway: Address, epoch: u64) -> Result<Vec<LeafRow>, IndexError> {
    let mut query = sql.prepare_cached(
        "SELECT role, party, cumulative, position, proof FROM leaves
         WHERE gateway = ?1 AND epoch = ?2 ORDER BY position",
    )?;
    let rows = query.query_map(params![Hex(gateway), epoch], |row| {
        Ok(LeafRow {
            leaf: Accrued {
                role: role(row.get(0)?)?,
                party: Party(row.get::<_, Hex<_>>(1)?.0),
                cumulative: row.get::<_, Wei>(2)?.0,
            },
            position: row.get(3)?,
            proof: row.get::<_, Json<_>>(4)?.0,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Drops leaves that no claim needs: older than the kept ones and older than what is posted.
fn prune(sql: &Connection, gateway: Address, newest: u64) -> Result<(), IndexError> {
    let posted: Option<u64> =
        sql.query_row("SELECT max(epoch) FROM posted WHERE gateway = ?1", [Hex(gateway)], |row| {
            row.get(0)
        })?;
    let floor = newest.saturating_sub(KEPT_EPOCHS).min(posted.unwrap_or(0));
    sql.execute(
        "DELETE FROM leaves WHERE gateway = ?1 AND epoch < ?2",
        params![Hex(gateway), floor],
    )?;
    Ok(())
}
