//! Answers kept for `Idempotency-Key`: the same request again gets the same answer, another
//! request under the same key is refused. A request that died with the process left its acts
//! behind: the job that was paid, the transaction that was signed. The same request finds them.

use alloy_primitives::B256;
use rusqlite::{Connection, OptionalExtension, params};
use tributary_primitives::Digest;

use crate::{
    Index, IndexError, Written,
    codec::{Blake, Hex},
    service::{now_ms, receipts::EndedJob},
};

/// How long an answer is kept.
pub const KEPT_MS: i64 = 24 * 60 * 60 * 1000;

/// What a key met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replay {
    /// New: run the request, then [`Index::finish_idempotent`] or [`Index::drop_idempotent`].
    Fresh,
    /// The first request is still running.
    Running,
    /// The stored answer.
    Stored {
        /// HTTP status.
        status: u16,
        /// Body.
        response: Vec<u8>,
    },
    /// The key was used for another body or route.
    Mismatch,
}

/// Notes which receipt answers a job, in the commit that settles it.
pub(crate) fn note_settled(
    sql: &Connection,
    ended: &EndedJob,
    receipt: B256,
) -> Result<(), IndexError> {
    let now = now_ms();
    sql.execute("DELETE FROM settled WHERE at_ms < ?1", [now - KEPT_MS])?;
    sql.execute(
        "INSERT OR REPLACE INTO settled VALUES (?1, ?2, ?3, ?4)",
        params![Blake(ended.job), Hex(receipt), ended.finish, now],
    )?;
    Ok(())
}

impl Index {
    /// The receipt that answers a job, and why the job ended.
    pub fn settled(&self, job: Digest) -> Result<Option<(B256, String)>, IndexError> {
        self.read(|sql| {
            let found = sql
                .prepare_cached("SELECT receipt, finish FROM settled WHERE job = ?1")?
                .query_row([Blake(job)], |row| Ok((row.get::<_, Hex<_>>(0)?.0, row.get(1)?)))
                .optional()?;
            Ok(found)
        })
    }

    /// Notes a signed transaction under the act it carries out, before it leaves (gateway only).
    pub fn put_sent(&self, act: Digest, raw: Vec<u8>) -> Written<()> {
        self.write(move |scope| {
            let now = now_ms();
            scope.sql.execute("DELETE FROM sent WHERE at_ms < ?1", [now - KEPT_MS])?;
            scope.sql.execute(
                "INSERT OR REPLACE INTO sent VALUES (?1, ?2, ?3)",
                params![Blake(act), raw, now],
            )?;
            Ok(())
        })
    }

    /// The transaction that was signed for an act.
    pub fn sent(&self, act: Digest) -> Result<Option<Vec<u8>>, IndexError> {
        self.read(|sql| {
            let raw = sql
                .prepare_cached("SELECT raw FROM sent WHERE act = ?1")?
                .query_row([Blake(act)], |row| row.get(0))
                .optional()?;
            Ok(raw)
        })
    }

    /// Claims a key for a request (gateway only). `scope` names whose key it is.
    pub fn begin_idempotent(
        &self,
        scope: &str,
        key: &str,
        route: &str,
        body_hash: Digest,
    ) -> Written<Replay> {
        let (owner, key, route) = (scope.to_owned(), key.to_owned(), route.to_owned());
        self.write(move |scope| {
            let now = now_ms();
            scope.sql.execute("DELETE FROM idempotency WHERE at_ms < ?1", [now - KEPT_MS])?;
            let stored: Option<(String, Blake, Option<u16>, Option<Vec<u8>>)> = scope
                .sql
                .query_row(
                    "SELECT route, body_hash, status, response FROM idempotency
                     WHERE scope = ?1 AND key = ?2",
                    params![owner, key],
                    |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
                )
                .optional()?;
            Ok(match stored {
                None => {
                    scope.sql.execute(
                        "INSERT INTO idempotency VALUES (?1, ?2, ?3, ?4, NULL, NULL, ?5)",
                        params![owner, key, route, Blake(body_hash), now],
                    )?;
                    Replay::Fresh
                }
                Some((first, hash, _, _)) if first != route || hash.0 != body_hash => {
                    Replay::Mismatch
                }
                Some((_, _, Some(status), Some(response))) => Replay::Stored { status, response },
                Some(_) => Replay::Running,
            })
        })
    }

    /// Stores the answer under a claimed key (gateway only).
    pub fn finish_idempotent(
        &self,
        scope: &str,
        key: &str,
        status: u16,
        response: Vec<u8>,
    ) -> Written<()> {
        let (owner, key) = (scope.to_owned(), key.to_owned());
        self.write(move |scope| {
            scope.sql.execute(
                "UPDATE idempotency SET status = ?3, response = ?4 WHERE scope = ?1 AND key = ?2",
                params![owner, key, status, response],
            )?;
            Ok(())
        })
    }

    /// Frees a claimed key whose request failed without effect (gateway only).
    pub fn drop_idempotent(&self, scope: &str, key: &str) -> Written<()> {
        let (owner, key) = (scope.to_owned(), key.to_owned());
        self.write(move |scope| {
            scope.sql.execute(
                "DELETE FROM idempotency WHERE scope = ?1 AND key = ?2 AND status IS NULL",
                params![owner, key],
            )?;
            Ok(())
        })
    }

    /// Frees keys whose requests died with the process (gateway only, at start).
    pub fn drop_running_idempotent(&self) -> Written<()> {
        self.write(|scope| {
            scope.sql.execute("DELETE FROM idempotency WHERE status IS NULL", [])?;
            Ok(())
        })
    }
}
