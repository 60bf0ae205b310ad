//! What can go wrong between a caller and the tables.

/// Why the index did not answer or did not write.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// SQLite refused: a full disk, a locked or damaged file.
    #[error("the index database failed: {0}")]
    Sql(#[from] rusqlite::Error),
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
    pub(crate) fn malformed(what: &'static str, reason: impl ToString) -> Self {
        Self::Malformed { what, reason: reason.to_string() }
    }
}
