//! API keys: what each may spend, what is held for running calls, and its newest voucher.

use alloy_primitives::{Address, B256};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tributary_primitives::{Amount, ChannelId, Digest};

use crate::{
    Index, IndexError, Written,
    codec::{Blake, Hex, Json, Wei},
    service::{now_ms, receipts::KeyCharge},
};

/// An API key as the gateway knows it: never its secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeyRow {
    /// BLAKE3 of the secret.
    pub hash: Digest,
    /// Who opened the channel.
    pub owner: Address,
    /// For people.
    pub name: String,
    /// The payment channel.
    pub channel: ChannelId,
    /// Address of the voucher key derived from the secret.
    pub signer: Address,
    /// Most that the channel may ever pay.
    pub cap: Amount,
    /// Fees of settled calls.
    pub spent: Amount,
    /// Sum of open holds.
    pub held: Amount,
    /// Cumulative that was redeemed on chain.
    pub redeemed: Amount,
    /// Newest voucher with its signature.
    pub voucher: Option<Value>,
    /// A guest's secret, encrypted by the gateway; `None` for all others.
    #[serde(skip)]
    pub sealed_secret: Option<Vec<u8>>,
    /// False once revoked.
    pub active: bool,
    /// Seconds; 0 for never.
    pub expires_at: u64,
    /// Milliseconds; filled by the table.
    #[serde(default)]
    pub created_ms: i64,
}

impl KeyRow {
    /// What a new call may still cost.
    pub fn available(&self) -> Amount {
        self.cap.saturating_sub(self.spent).saturating_sub(self.held)
    }
}

/// What a hold met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// It stands until the call settles or releases it.
    Placed,
    /// The key has less than this left.
    OverCap {
        /// What is left.
        available: Amount,
    },
    /// No such key, or it is revoked.
    Unknown,
}

const COLUMNS: &str = "hash, owner, name, channel, signer, cap, spent, held, redeemed, voucher, \
     secret, state, expires_at, created_ms";

fn read_key(row: &Row<'_>) -> rusqlite::Result<KeyRow> {
    Ok(KeyRow {
        hash: row.get::<_, Blake>(0)?.0,
        owner: row.get::<_, Hex<_>>(1)?.0,
        name: row.get(2)?,
        channel: ChannelId(row.get::<_, Hex<B256>>(3)?.0),
        signer: row.get::<_, Hex<_>>(4)?.0,
        cap: row.get::<_, Wei>(5)?.0,
        spent: row.get::<_, Wei>(6)?.0,
        held: row.get::<_, Wei>(7)?.0,
        redeemed: row.get::<_, Wei>(8)?.0,
        voucher: row.get::<_, Option<Json<_>>>(9)?.map(|voucher| voucher.0),
        sealed_secret: row.get(10)?,
        active: row.get::<_, String>(11)? == "active",
        expires_at: row.get(12)?,
        created_ms: row.get(13)?,
    })
}

fn one_key(sql: &Connection, hash: Digest) -> Result<Option<KeyRow>, IndexError> {
    let mut query = sql.prepare_cached(&format!("SELECT {COLUMNS} FROM keys WHERE hash = ?1"))?;
    Ok(query.query_row([Blake(hash)], read_key).optional()?)
}

/// Releases the call's hold, adds the fee and keeps the voucher.
pub(crate) fn charge_key(
    sql: &Connection,
    charge: &KeyCharge,
    fee: Amount,
) -> Result<(), IndexError> {
    let key = one_key(sql, charge.key_hash)?
        .ok_or_else(|| IndexError::NotFound { what: "key", id: charge.key_hash.to_string() })?;
    let held = match &charge.hold {
        Some(hold) => key.held.saturating_sub(take_hold(sql, hold)?),
        None => key.held,
    };
    let spent = key.spent.checked_add(fee).filter(|spent| *spent <= key.cap).ok_or_else(|| {
        IndexError::Conflict(format!("key `{}` would pass its cap of {}", key.name, key.cap))
    })?;
    sql.execute(
        "UPDATE keys SET spent = ?2, held = ?3, voucher = ?4 WHERE hash = ?1",
        params![Blake(charge.key_hash), Wei(spent), Wei(held), Json(&charge.voucher)],
    )?;
    Ok(())
}

/// Removes a hold; zero when it is gone already.
fn take_hold(sql: &Connection, id: &str) -> Result<Amount, IndexError> {
    let amount: Option<Wei> = sql
        .query_row("DELETE FROM holds WHERE id = ?1 RETURNING amount", [id], |row| row.get(0))
        .optional()?;
    Ok(amount.map_or(Amount::ZERO, |wei| wei.0))
}

impl Index {
    /// Writes a new key (gateway only).
    pub fn put_key(&self, key: KeyRow) -> Written<()> {
        self.write(move |scope| {
            scope.sql.execute(
                "INSERT INTO keys VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
                params![
                    Blake(key.hash),
                    Hex(key.owner),
                    key.name,
                    Hex(key.channel.0),
                    Hex(key.signer),
                    Wei(key.cap),
                    Wei(key.spent),
                    Wei(key.held),
                    Wei(key.redeemed),
                    key.voucher.map(Json),
                    key.sealed_secret,
                    if key.active { "active" } else { "revoked" },
                    key.expires_at,
                    now_ms()
                ],
            )?;
            Ok(())
        })
    }

    /// A key by the digest of its secret.
    pub fn key(&self, hash: Digest) -> Result<Option<KeyRow>, IndexError> {
        self.read(|sql| one_key(sql, hash))
    }

    /// An owner's keys, newest first.
    pub fn keys(&self, owner: Address) -> Result<Vec<KeyRow>, IndexError> {
        self.read(|sql| {
            let mut query = sql.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM keys WHERE owner = ?1 ORDER BY created_ms DESC, hash"
            ))?;
            Ok(query.query_map([Hex(owner)], read_key)?.collect::<Result<_, _>>()?)
        })
    }

    /// Reserves the most a call may cost, under an id of the caller (gateway only).
    pub fn hold(&self, key_hash: Digest, id: &str, amount: Amount) -> Written<Hold> {
        let id = id.to_owned();
        self.write(move |scope| {
            let Some(key) = one_key(scope.sql, key_hash)?.filter(|key| key.active) else {
                return Ok(Hold::Unknown);
            };
            let held = match key.held.checked_add(amount) {
                Some(held) if amount <= key.available() => held,
                _ => return Ok(Hold::OverCap { available: key.available() }),
            };
            scope.sql.execute(
                "INSERT INTO holds VALUES (?1, ?2, ?3, ?4)",
                params![id, Blake(key_hash), Wei(amount), now_ms()],
            )?;
            scope.sql.execute(
                "UPDATE keys SET held = ?2 WHERE hash = ?1",
                params![Blake(key_hash), Wei(held)],
            )?;
            Ok(Hold::Placed)
        })
    }

    /// Gives a hold back after a call that did not settle (gateway only).
    pub fn release_hold(&self, key_hash: Digest, id: &str) -> Written<()> {
        let id = id.to_owned();
        self.write(move |scope| {
            let amount = take_hold(scope.sql, &id)?;
            if let Some(key) = one_key(scope.sql, key_hash)? {
                scope.sql.execute(
                    "UPDATE keys SET held = ?2 WHERE hash = ?1",
                    params![Blake(key_hash), Wei(key.held.saturating_sub(amount))],
                )?;
            }
            Ok(())
        })
    }

    /// Gives every hold back: nothing runs right after a start (gateway only).
    pub fn release_all_holds(&self) -> Written<()> {
        self.write(|scope| {
            scope.sql.execute("DELETE FROM holds", [])?;
            scope.sql.execute("UPDATE keys SET held = '0'", [])?;
            Ok(())
        })
    }

    /// Raises a key's cap after a top-up of its channel (gateway only).
    pub fn raise_cap(&self, hash: Digest, cap: Amount) -> Written<()> {
        self.write(move |scope| {
            scope.sql.execute(
                "UPDATE keys SET cap = ?2 WHERE hash = ?1",
                params![Blake(hash), Wei(cap)],
            )?;
            Ok(())
        })
    }

    /// Stops a key (gateway only).
    pub fn revoke_key(&self, hash: Digest) -> Written<()> {
        self.write(move |scope| {
            scope
                .sql
                .execute("UPDATE keys SET state = 'revoked' WHERE hash = ?1", [Blake(hash)])?;
            Ok(())
        })
    }

    /// Keys whose newest voucher is worth more than what the chain has redeemed.
    pub fn unredeemed_keys(&self) -> Result<Vec<KeyRow>, IndexError> {
        self.read(|sql| {
            let mut query = sql.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM keys WHERE voucher IS NOT NULL AND spent <> redeemed
                 ORDER BY created_ms, hash"
            ))?;
            let keys: Vec<KeyRow> = query.query_map([], read_key)?.collect::<Result<_, _>>()?;
            Ok(keys.into_iter().filter(|key| key.spent > key.redeemed).collect())
        })
    }

    /// Notes what the chain has redeemed for a key (gateway only).
    pub fn mark_redeemed(&self, hash: Digest, cumulative: Amount) -> Written<()> {
        self.write(move |scope| {
            scope.sql.execute(
                "UPDATE keys SET redeemed = ?2 WHERE hash = ?1",
                params![Blake(hash), Wei(cumulative)],
            )?;
            Ok(())
        })
    }
}
