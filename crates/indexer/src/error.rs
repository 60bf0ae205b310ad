//! What can go wrong between a caller and the tables.

use rusqlite::{ErrorCode, ffi};

/// Writes that the system refused for another reason than `ENOSPC`.
const UNWRITTEN: [i32; 3] =
    [ffi::SQLITE_IOERR_WRITE, ffi::SQLITE_IOERR_TRUNCATE, ffi::SQLITE_IOERR_SHMSIZE];

/// Why the index did not answer or did not write.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// SQLite refused: a full disk, a locked or damaged file.
    #[error("the index database failed: {0}")]
    Sql(#[from] rusqlite::Error),
    /// The commit of a write failed, and of all that were queued with it: none of them stands.
    #[error("the commit failed: {cause}")]
    Commit {
        /// What SQLite said.
        cause: String,
        /// True when the disk took no more.
        is_full: bool,
    },
    /// A stored column does not read back as its type.
    #[error("the index holds a malformed {what}: {reason}")]
    Malformed {
        /// Which value.
        what: &'static str,
        /// What the parser saw.
        reason: String,
    },
    /// The file was written by another version.
    #[error(
        "the index has schema {found}, this program reads {expected}; delete index.sqlite to rebuild what the chain holds"
    )]
    Schema {
        /// Version in the file.
        found: u32,
        /// Version of this program.
        expected: u32,
    },
    /// The file cannot be opened at all.
    #[error("cannot open the index at {path}: {reason}")]
    Open {
        /// Where.
        path: String,
        /// Why.
        reason: String,
    },
    /// There is no such row.
    #[error("no {what} `{id}`")]
    NotFound {
        /// Kind of row.
        what: &'static str,
        /// Its id.
        id: String,
    },
    /// A write that would break a rule of its table.
    #[error("{0}")]
    Conflict(String),
    /// The writer has stopped; the process is ending.
    #[error("the index is closed")]
    Closed,
    /// The chain could not be read.
    #[error("the chain did not answer: {0}")]
    Chain(String),
}

impl IndexError {
    /// True when the disk took no more: it is full, or a quota or a limit on the file is reached.
    pub fn is_full(&self) -> bool {
        match self {
            Self::Sql(error) => error.sqlite_error().is_some_and(|error| {
                error.code == ErrorCode::DiskFull || UNWRITTEN.contains(&error.extended_code)
            }),
            Self::Commit { is_full, .. } => *is_full,
            _ => false,
        }
    }

    pub(crate) fn malformed(what: &'static str, reason: impl ToString) -> Self {
        Self::Malformed { what, reason: reason.to_string() }
    }
}
