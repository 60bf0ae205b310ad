//! Signed receipts, what they owe to whom, and the private transcripts behind them.
//!
//! Each share stores what its (gateway, role, party) had accrued after it. A share is *earned*
//! once the party's posted cumulative reaches that number, *paid* once the claimed one does: no
//! share needs to remember its epoch.

use alloy_primitives::{Address, B256};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use tributary_primitives::{
    Amount, DatanetId, Digest, ModelId, Party, PayState, Receipt, Role, Share, Transcript,
};

use crate::{
    Event, Index, IndexError, Written,
    codec::{Blake, Hex, Json, Wei, party, role},
    service::{idempotency::note_settled, keys::charge_key, now_ms},
    store::Scope,
};

/// A finished paid call: everything that becomes durable together.
#[derive(Clone, Debug)]
pub struct SettledCall {
    /// The signed receipt with its lists.
    pub receipt: Receipt,
    /// The payer's private side, when this node keeps it.
    pub transcript: Option<Transcript>,
    /// The API key that pays: its hold is released and its voucher replaced.
    pub charge: Option<KeyCharge>,
    /// The job it answers, so that the same request again finds this receipt.
    pub job: Option<EndedJob>,
}

/// A job with its answer, by name.
#[derive(Clone, Debug)]
pub struct EndedJob {
    /// The job's name.
    pub job: Digest,
    /// Why it ended, as the gateway encodes it.
    pub finish: String,
}

/// How a settled call changes its key.
#[derive(Clone, Debug)]
pub struct KeyCharge {
    /// BLAKE3 of the key's secret.
    pub key_hash: Digest,
    /// The hold that the call placed.
    pub hold: Option<String>,
    /// The newest voucher and its signature, as the gateway encodes it.
    pub voucher: serde_json::Value,
}

/// A stored receipt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReceiptRow {
    /// Order of arrival.
    pub seq: u64,
    /// The receipt.
    pub receipt: Receipt,
    /// The epoch it went into, once cut.
    pub epoch: Option<u64>,
    /// The least advanced of its shares.
    pub state: PayState,
    /// State of each share, in the receipt's order.
    pub share_states: Vec<PayState>,
    /// Milliseconds of arrival.
    pub at_ms: i64,
}

/// A share with the receipt it stands in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShareRow {
    /// The receipt.
    pub receipt: B256,
    /// The served model.
    pub model: ModelId,
    /// The share.
    pub share: Share,
    /// How far its money has come.
    pub state: PayState,
    /// Milliseconds of the receipt's arrival.
    pub at_ms: i64,
}

/// Which receipts to list.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReceiptFilter {
    /// Paid by this account.
    pub payer: Option<Address>,
    /// Served by this model.
    pub model: Option<ModelId>,
    /// Older than this sequence number.
    pub before: Option<u64>,
}

/// Adds `amount` to a decimal wei column's value.
fn add(total: Amount, amount: Amount) -> Result<Amount, IndexError> {
    total
        .checked_add(amount)
        .ok_or_else(|| IndexError::Conflict("a total passed the whole supply".to_owned()))
}

fn accrue(sql: &Connection, gateway: Address, share: &Share) -> Result<Amount, IndexError> {
    let stored: Option<Wei> = sql
        .prepare_cached(
            "SELECT total FROM accrued WHERE gateway = ?1 AND role = ?2 AND party = ?3",
        )?
        .query_row(params![Hex(gateway), share.role as u8, party(&share.party)], |row| row.get(0))
        .optional()?;
    let total = add(stored.map_or(Amount::ZERO, |wei| wei.0), share.amount)?;
    sql.prepare_cached("INSERT OR REPLACE INTO accrued VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![Hex(gateway), share.role as u8, party(&share.party), Wei(total)])?;
    Ok(total)
}

/// Adds to the party's total by one source; an answer counts once per source.
fn credit_source(
    sql: &Connection,
    share: &Share,
    (kind, source): (&str, &str),
    new_answer: bool,
) -> Result<(), IndexError> {
    let stored: Option<(Wei, u64)> = sql
        .prepare_cached(
            "SELECT total, answers FROM sources
             WHERE party = ?1 AND role = ?2 AND kind = ?3 AND source = ?4",
        )?
        .query_row(params![party(&share.party), share.role as u8, kind, source], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    let (total, answers) = stored.map_or((Amount::ZERO, 0), |(wei, answers)| (wei.0, answers));
    sql.prepare_cached("INSERT OR REPLACE INTO sources VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?.execute(
        params![
            party(&share.party),
            share.role as u8,
            kind,
            source,
            Wei(add(total, share.amount)?),
            answers + u64::from(new_answer)
        ],
    )?;
    Ok(())
}

fn insert_shares(scope: &Scope<'_>, seq: u64, receipt: &Receipt) -> Result<(), IndexError> {
    let body = &receipt.signed.body;
    let mut seen = std::collections::BTreeSet::new();
    for (position, share) in receipt.shares.iter().enumerate() {
        let accrued = accrue(scope.sql, body.gateway, share)?;
        scope
            .sql
            .prepare_cached("INSERT INTO shares VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")?
            .execute(params![
                seq,
                position,
                Hex(body.gateway),
                share.role as u8,
                party(&share.party),
                Wei(share.amount),
                share.record.map(Blake),
                share.model.map(|model| model.0),
                Wei(accrued)
            ])?;
        let mut sources = vec![("model", body.model.to_string())];
        if !body.snapshot.datanet.is_none()
            && matches!(share.role, Role::Data | Role::Backers | Role::Commons)
        {
            sources.push(("datanet", body.snapshot.datanet.to_string()));
        }
        if let Some(record) = share.record {
            sources.push(("record", record.to_string()));
        }
        for (kind, source) in sources {
            let fresh = seen.insert((share.party, share.role, kind, source.clone()));
            credit_source(scope.sql, share, (kind, &source), fresh)?;
        }
    }
    Ok(())
}

fn put_settled(scope: &mut Scope<'_>, call: &SettledCall) -> Result<bool, IndexError> {
    let receipt = &call.receipt;
    let (id, body) = (receipt.signed.id, &receipt.signed.body);
    let known: Option<i64> = scope
        .sql
        .query_row("SELECT 1 FROM receipts WHERE id = ?1", [Hex(id)], |row| row.get(0))
        .optional()?;
    if known.is_some() {
        return Ok(false);
    }
    scope.sql.execute(
        "INSERT INTO receipts (id, receipt, payer, gateway, provider, model, datanet, version, fee,
         key_hash, at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        params![
            Hex(id),
            Json(receipt),
            Hex(body.payer),
            Hex(body.gateway),
            Hex(body.provider),
            body.model.0,
            body.snapshot.datanet.0,
            body.snapshot.version,
            Wei(body.fee()),
            call.charge.as_ref().map(|charge| Blake(charge.key_hash)),
            now_ms()
        ],
    )?;
    let seq = u64::try_from(scope.sql.last_insert_rowid()).unwrap_or(0);
    insert_shares(scope, seq, receipt)?;
    if let Some(transcript) = &call.transcript {
        scope.sql.execute(
            "INSERT OR REPLACE INTO transcripts VALUES (?1, ?2)",
            params![Hex(id), Json(transcript)],
        )?;
    }
    if let Some(charge) = &call.charge {
        charge_key(scope.sql, charge, body.fee())?;
    }
    if let Some(ended) = &call.job {
        note_settled(scope.sql, ended, id)?;
    }
    scope.emit(Event::Receipt { id, payer: body.payer, fee: body.fee() });
    Ok(true)
}

impl Index {
    /// Writes a finished call: receipt, shares, transcript, key, in one commit (gateway only).
    /// False when this receipt was already stored; then nothing changes.
    pub fn settle_call(&self, call: SettledCall) -> Written<bool> {
        self.write(move |scope| put_settled(scope, &call))
    }

    /// One receipt.
    pub fn receipt(&self, id: B256) -> Result<Option<ReceiptRow>, IndexError> {
        self.read(|sql| {
            let row = sql
                .prepare_cached(
                    "SELECT seq, receipt, epoch, at_ms, gateway FROM receipts WHERE id = ?1",
                )?
                .query_row([Hex(id)], read_row)
                .optional()?;
            row.map(|row| with_states(sql, row)).transpose()
        })
    }

    /// Newest receipts first.
    pub fn receipts(
        &self,
        filter: ReceiptFilter,
        limit: u32,
    ) -> Result<Vec<ReceiptRow>, IndexError> {
        self.read(|sql| {
            let mut query = sql.prepare_cached(
                "SELECT seq, receipt, epoch, at_ms, gateway FROM receipts
                 WHERE (?1 IS NULL OR payer = ?1) AND (?2 IS NULL OR model = ?2)
                 AND (?3 IS NULL OR seq < ?3) ORDER BY seq DESC LIMIT ?4",
            )?;
            let bound = params![
                filter.payer.map(Hex),
                filter.model.map(|model| model.0),
                filter.before,
                limit
            ];
            let rows: Vec<_> = query.query_map(bound, read_row)?.collect::<Result<_, _>>()?;
            rows.into_iter().map(|row| with_states(sql, row)).collect()
        })
    }

    /// How many receipts there are, and the fees in them.
    pub fn receipt_totals(&self, model: Option<ModelId>) -> Result<(u64, Amount), IndexError> {
        self.read(|sql| {
            let mut query =
                sql.prepare_cached("SELECT fee FROM receipts WHERE (?1 IS NULL OR model = ?1)")?;
            let fees = query.query_map([model.map(|model| model.0)], |row| row.get::<_, Wei>(0))?;
            let (mut count, mut total) = (0, Amount::ZERO);
            for fee in fees {
                count += 1;
                total = add(total, fee?.0)?;
            }
            Ok((count, total))
        })
    }

    /// The private side of a call. The caller has checked that the asker is its payer.
    pub fn transcript(&self, receipt: B256) -> Result<Option<Transcript>, IndexError> {
        self.read(|sql| {
            let body: Option<Json<Transcript>> = sql
                .prepare_cached("SELECT body FROM transcripts WHERE receipt = ?1")?
                .query_row([Hex(receipt)], |row| row.get(0))
                .optional()?;
            Ok(body.map(|body| body.0))
        })
    }

    /// Newest shares of a party first, over all receipts.
    pub fn shares_of(&self, payee: Party, limit: u32) -> Result<Vec<ShareRow>, IndexError> {
        self.read(|sql| {
            let mut query = sql.prepare_cached(
                "SELECT r.id, r.model, s.role, s.party, s.amount, s.record, s.model,
                 s.accrued_after, r.at_ms, r.gateway
                 FROM shares s JOIN receipts r ON r.seq = s.receipt
                 WHERE s.party = ?1 ORDER BY s.receipt DESC, s.position LIMIT ?2",
            )?;
            let rows = query.query_map(params![party(&payee), limit], |row| {
                let share = Share {
                    role: role(row.get(2)?)?,
                    party: Party(row.get::<_, Hex<_>>(3)?.0),
                    amount: row.get::<_, Wei>(4)?.0,
                    record: row.get::<_, Option<Blake>>(5)?.map(|record| record.0),
                    model: row.get::<_, Option<u64>>(6)?.map(ModelId),
                };
                let accrued = row.get::<_, Wei>(7)?.0;
                let gateway = row.get::<_, Hex<Address>>(9)?.0;
                let state = share_state(sql, gateway, &share, accrued)?;
                Ok(ShareRow {
                    receipt: row.get::<_, Hex<_>>(0)?.0,
                    model: ModelId(row.get(1)?),
                    share,
                    state,
                    at_ms: row.get(8)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Receipts in which a record was paid, newest first.
    pub fn receipts_of_record(&self, record: Digest, limit: u32) -> Result<Vec<B256>, IndexError> {
        self.read(|sql| {
            let mut query = sql.prepare_cached(
                "SELECT DISTINCT r.id FROM shares s JOIN receipts r ON r.seq = s.receipt
                 WHERE s.record = ?1 ORDER BY s.receipt DESC LIMIT ?2",
            )?;
            let rows = query
                .query_map(params![Blake(record), limit], |row| Ok(row.get::<_, Hex<_>>(0)?.0))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Receipts and paid-out fees of models whose answers searched this datanet.
    pub fn datanet_answers(&self, datanet: DatanetId) -> Result<u64, IndexError> {
        self.read(|sql| {
            let count = sql
                .prepare_cached("SELECT count(*) FROM receipts WHERE datanet = ?1")?
                .query_row([datanet.0], |row| row.get(0))?;
            Ok(count)
        })
    }
}

struct Stored {
    seq: u64,
    receipt: Receipt,
    epoch: Option<u64>,
    at_ms: i64,
    gateway: Address,
}

fn read_row(row: &Row<'_>) -> rusqlite::Result<Stored> {
    Ok(Stored {
        seq: row.get(0)?,
        receipt: row.get::<_, Json<_>>(1)?.0,
        epoch: row.get(2)?,
        at_ms: row.get(3)?,
        gateway: row.get::<_, Hex<_>>(4)?.0,
    })
}

fn with_states(sql: &Connection, stored: Stored) -> Result<ReceiptRow, IndexError> {
    let mut query = sql
        .prepare_cached("SELECT accrued_after FROM shares WHERE receipt = ?1 ORDER BY position")?;
    let accrued: Vec<Wei> =
        query.query_map([stored.seq], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut share_states = Vec::with_capacity(accrued.len());
    for (share, accrued) in stored.receipt.shares.iter().zip(accrued) {
        share_states.push(share_state(sql, stored.gateway, share, accrued.0)?);
    }
    Ok(ReceiptRow {
        seq: stored.seq,
        epoch: stored.epoch,
        state: share_states.iter().copied().min().unwrap_or(PayState::Pending),
        share_states,
        at_ms: stored.at_ms,
        receipt: stored.receipt,
    })
}

/// Where the money of one share is, by the party's posted and claimed cumulatives.
fn share_state(
    sql: &Connection,
    gateway: Address,
    share: &Share,
    accrued_after: Amount,
) -> rusqlite::Result<PayState> {
    if claimed(sql, gateway, share.role, &share.party)? >= accrued_after {
        return Ok(PayState::Paid);
    }
    let posted = posted_cumulative(sql, gateway, share.role, &share.party)?;
    Ok(if posted >= accrued_after { PayState::Earned } else { PayState::Pending })
}

/// The highest cumulative that a party has claimed.
pub(crate) fn claimed(
    sql: &Connection,
    gateway: Address,
    role: Role,
    payee: &Party,
) -> rusqlite::Result<Amount> {
    let found: Option<Wei> = sql
        .prepare_cached(
            "SELECT cumulative FROM claims WHERE gateway = ?1 AND role = ?2 AND party = ?3
             ORDER BY block DESC, log_index DESC LIMIT 1",
        )?
        .query_row(params![Hex(gateway), role as u8, party(payee)], |row| row.get(0))
        .optional()?;
    Ok(found.map_or(Amount::ZERO, |wei| wei.0))
}

/// A party's cumulative in the newest epoch whose root stands on chain.
pub(crate) fn posted_cumulative(
    sql: &Connection,
    gateway: Address,
    role: Role,
    payee: &Party,
) -> rusqlite::Result<Amount> {
    let found: Option<Wei> = sql
        .prepare_cached(
            "SELECT l.cumulative FROM leaves l
             JOIN posted p ON p.gateway = l.gateway AND p.epoch = l.epoch
             JOIN epochs e ON e.gateway = l.gateway AND e.epoch = l.epoch AND e.root = p.root
             WHERE l.gateway = ?1 AND l.role = ?2 AND l.party = ?3
             ORDER BY l.epoch DESC LIMIT 1",
        )?
        .query_row(params![Hex(gateway), role as u8, party(payee)], |row| row.get(0))
        .optional()?;
    Ok(found.map_or(Amount::ZERO, |wei| wei.0))
}
