//! Guests, the sessions of browsers, and small settings that must survive a restart.

use alloy_primitives::Address;
use rusqlite::{OptionalExtension, params};
use serde::{Deserialize, Serialize};
use tributary_primitives::Digest;

use crate::{
    Index, IndexError, Written,
    codec::{Blake, Hex},
    service::now_ms,
};

/// The cookie that carries a session's token (HttpOnly, SameSite=Strict).
pub const SESSION_COOKIE: &str = "tributary_session";

/// A guest account whose key the gateway keeps, encrypted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuestRow {
    /// Its address.
    pub account: Address,
    /// A friendly name.
    pub name: String,
    /// Network address it was made from; limits count by it.
    pub origin: String,
    /// The encrypted key.
    #[serde(skip)]
    pub key_blob: Vec<u8>,
    /// When it was exported; it can be once.
    pub exported_ms: Option<i64>,
    /// Milliseconds; filled by the table.
    #[serde(default)]
    pub created_ms: i64,
}

impl Index {
    /// Writes a new guest (gateway only).
    pub fn put_guest(&self, guest: GuestRow) -> Written<()> {
        self.write(move |scope| {
            scope.sql.execute(
                "INSERT INTO guests VALUES (?1, ?2, ?3, ?4, NULL, ?5)",
                params![Hex(guest.account), guest.name, guest.origin, guest.key_blob, now_ms()],
            )?;
            Ok(())
        })
    }

    /// A guest by its address.
    pub fn guest(&self, account: Address) -> Result<Option<GuestRow>, IndexError> {
        self.read(|sql| {
            let mut query = sql.prepare_cached(
                "SELECT name, origin, key_blob, exported_ms, created_ms FROM guests
                 WHERE account = ?1",
            )?;
            let guest = query.query_row([Hex(account)], |row| {
                Ok(GuestRow {
                    account,
                    name: row.get(0)?,
                    origin: row.get(1)?,
                    key_blob: row.get(2)?,
                    exported_ms: row.get(3)?,
                    created_ms: row.get(4)?,
                })
            });
            Ok(guest.optional()?)
        })
    }

    /// Guests made from a network address since a time (milliseconds).
    pub fn guests_from(&self, origin: &str, since_ms: i64) -> Result<u32, IndexError> {
        self.read(|sql| {
            let mut query = sql.prepare_cached(
                "SELECT count(*) FROM guests WHERE origin = ?1 AND created_ms >= ?2",
            )?;
            Ok(query.query_row(params![origin, since_ms], |row| row.get(0))?)
        })
    }

    /// Marks a guest's key as exported; false when it had been before (gateway only).
    pub fn export_guest(&self, account: Address) -> Written<bool> {
        self.write(move |scope| {
            let changed = scope.sql.execute(
                "UPDATE guests SET exported_ms = ?2 WHERE account = ?1 AND exported_ms IS NULL",
                params![Hex(account), now_ms()],
            )?;
            Ok(changed == 1)
        })
    }

    /// Opens a session: only the digest of its token is kept (gateway only).
    pub fn put_session(
        &self,
        token_hash: Digest,
        account: Address,
        expires_ms: i64,
    ) -> Written<()> {
        self.write(move |scope| {
            scope.sql.execute("DELETE FROM sessions WHERE expires_ms < ?1", [now_ms()])?;
            scope.sql.execute(
                "INSERT INTO sessions VALUES (?1, ?2, ?3, ?4)",
                params![Blake(token_hash), Hex(account), now_ms(), expires_ms],
            )?;
            Ok(())
        })
    }

    /// Ends a session (gateway only).
    pub fn end_session(&self, token_hash: Digest) -> Written<()> {
        self.write(move |scope| {
            scope.sql.execute("DELETE FROM sessions WHERE token_hash = ?1", [Blake(token_hash)])?;
            Ok(())
        })
    }

    /// The account behind a session cookie's token, while it lasts.
    pub fn session(&self, token: &str) -> Result<Option<Address>, IndexError> {
        let hash = session_hash(token);
        self.read(|sql| {
            let mut query = sql.prepare_cached(
                "SELECT account FROM sessions WHERE token_hash = ?1 AND expires_ms > ?2",
            )?;
            let account = query.query_row(params![Blake(hash), now_ms()], |row| {
                Ok(row.get::<_, Hex<Address>>(0)?.0)
            });
            Ok(account.optional()?)
        })
    }

    /// Names an account that is no guest: an actor of the network.
    pub fn put_account_name(&self, account: Address, name: &str) -> Written<()> {
        self.put_setting(&format!("name of {account}"), name)
    }

    /// What people call an account: a guest's name, or an actor's.
    pub fn account_name(&self, account: Address) -> Result<Option<String>, IndexError> {
        match self.guest(account)? {
            Some(guest) => Ok(Some(guest.name)),
            None => self.setting(&format!("name of {account}")),
        }
    }

    /// Writes a small value under a name.
    pub fn put_setting(&self, name: &str, value: &str) -> Written<()> {
        let (name, value) = (name.to_owned(), value.to_owned());
        self.write(move |scope| {
            scope
                .sql
                .execute("INSERT OR REPLACE INTO settings VALUES (?1, ?2)", params![name, value])?;
            Ok(())
        })
    }

    /// A small value by its name.
    pub fn setting(&self, name: &str) -> Result<Option<String>, IndexError> {
        self.read(|sql| {
            let mut query = sql.prepare_cached("SELECT value FROM settings WHERE name = ?1")?;
            Ok(query.query_row([name], |row| row.get(0)).optional()?)
        })
    }
}

/// What is stored of a session token.
pub fn session_hash(token: &str) -> Digest {
    Digest::derive("tributary 2026 session token", token.as_bytes())
}
