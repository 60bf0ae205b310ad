//! What can be wrong with an upload, each naming what and where.

use std::io;

use crate::RecordError;

/// Why an upload, a bundle or a manifest is refused. Rows are lines of the (unpacked) file,
/// counted from 1; columns are bytes of the row, counted from 1.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatasetError {
    /// A row whose fields are not a record.
    #[error("row {row}: {reason}")]
    Row {
        /// Line of the file.
        row: u64,
        /// What is wrong with it.
        reason: RecordError,
    },
    /// Bytes that are not UTF-8.
    #[error(
        "row {row}, column {column}: invalid UTF-8 at byte {offset} of the file; save it as UTF-8"
    )]
    InvalidUtf8 {
        /// Line of the file.
        row: u64,
        /// Byte of the row.
        column: u64,
        /// Byte of the unpacked file, counted from 0.
        offset: u64,
    },
    /// A row beyond the size limit. It was not read to its end.
    #[error("row {row} is larger than {limit_bytes} bytes; split it into smaller records")]
    RowTooLarge {
        /// Line of the file.
        row: u64,
        /// Bytes allowed.
        limit_bytes: usize,
    },
    /// More rows than one contribution may have.
    #[error("more than {limit} rows; send the rest as a second contribution")]
    TooManyRows {
        /// Rows allowed.
        limit: usize,
    },
    /// More bytes than one upload may have.
    #[error("the upload unpacks to more than {limit_bytes} bytes")]
    UploadTooLarge {
        /// Bytes allowed.
        limit_bytes: u64,
    },
    /// A compressed upload that grows suspiciously.
    #[error("the upload unpacks to more than {limit} times its size; send it uncompressed")]
    RatioTooHigh {
        /// Factor allowed.
        limit: u64,
    },
    /// A compressed upload that ends early or whose checksum fails.
    #[error("the gzip upload is damaged: {reason}")]
    DamagedGzip {
        /// What the decoder saw.
        reason: String,
    },
    /// A packing we do not read.
    #[error("{name} uploads are not read; send the file itself or gzip")]
    UnsupportedPacking {
        /// What it looks like.
        name: &'static str,
    },
    /// A file name with an ending we do not read.
    #[error("`{name}`: the ending must be .jsonl, .csv or .txt, with or without .gz")]
    UnknownFormat {
        /// The file's name.
        name: String,
    },
    /// A CSV header that names none of the forms.
    #[error(
        "row {row}: the header has {found}; it needs `text`, or `prompt` and `completion`, or \
         `messages`"
    )]
    Header {
        /// Line of the header.
        row: u64,
        /// The columns found, cut for display.
        found: String,
    },
    /// A CSV row with a wrong number of fields.
    #[error("row {row}: {found} fields where the header has {expected}")]
    Ragged {
        /// Line of the file.
        row: u64,
        /// Columns of the header.
        expected: u64,
        /// Fields of the row.
        found: u64,
    },
    /// A CSV cell that should hold JSON and does not.
    #[error("row {row}, field `{field}`: {reason}")]
    Cell {
        /// Line of the file.
        row: u64,
        /// Name of the column.
        field: &'static str,
        /// What the parser saw.
        reason: String,
    },
    /// Nothing in it.
    #[error("no records: the file is empty or holds blank lines only")]
    Empty,
    /// The source failed.
    #[error("the upload could not be read: {0}")]
    Io(#[source] io::Error),
    /// A bundle that is not what was promised on chain.
    #[error("the blob does not match: {what} is {found}, promised was {promised}")]
    Mismatch {
        /// Which promise.
        what: &'static str,
        /// What the blob gives.
        found: String,
        /// What was promised.
        promised: String,
    },
    /// A bundle line that is a record, but not in canonical form.
    #[error("row {row} of the blob is not canonical")]
    NotCanonical {
        /// Line of the blob.
        row: u64,
    },
    /// An item that a manifest does not have.
    #[error("the snapshot has no item {item} in contribution {contribution}")]
    NoSuchItem {
        /// Place of the contribution.
        contribution: usize,
        /// Place of the item.
        item: usize,
    },
    /// A proof that could not be built.
    #[error("the proof could not be built: {0}")]
    Proof(String),
}

impl DatasetError {
    /// A stable name for the API.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Row { reason: RecordError::Malformed { .. }, .. } => "row_malformed",
            Self::Row { .. } => "row_invalid",
            Self::InvalidUtf8 { .. } => "invalid_utf8",
            Self::RowTooLarge { .. } => "row_too_large",
            Self::TooManyRows { .. } => "too_many_rows",
            Self::UploadTooLarge { .. } => "upload_too_large",
            Self::RatioTooHigh { .. } => "compression_ratio_too_high",
            Self::DamagedGzip { .. } => "damaged_gzip",
            Self::UnsupportedPacking { .. } => "unsupported_packing",
            Self::UnknownFormat { .. } => "unknown_format",
            Self::Header { .. } => "csv_header",
            Self::Ragged { .. } => "csv_ragged",
            Self::Cell { .. } => "csv_cell",
            Self::Empty => "empty",
            Self::Io(_) => "unreadable",
            Self::Mismatch { .. } => "bundle_mismatch",
            Self::NotCanonical { .. } => "bundle_not_canonical",
            Self::NoSuchItem { .. } => "no_such_item",
            Self::Proof(_) => "proof",
        }
    }

    /// The row it names, when it names one.
    pub fn row(&self) -> Option<u64> {
        match self {
            Self::Row { row, .. }
            | Self::InvalidUtf8 { row, .. }
            | Self::RowTooLarge { row, .. }
            | Self::Header { row, .. }
            | Self::Ragged { row, .. }
            | Self::Cell { row, .. }
            | Self::NotCanonical { row } => Some(*row),
            _ => None,
        }
    }

    /// The column it names, when it names one.
    pub fn column(&self) -> Option<u64> {
        match self {
            Self::Row { reason: RecordError::Malformed { column, .. }, .. } => Some(*column as u64),
            Self::InvalidUtf8 { column, .. } => Some(*column),
            _ => None,
        }
    }

    /// Unwraps one of ours that travelled through `std::io`.
    pub(crate) fn from_io(error: io::Error) -> Self {
        match error.downcast::<DatasetError>() {
            Ok(ours) => ours,
            Err(theirs) => Self::Io(theirs),
        }
    }

    pub(crate) fn into_io(self) -> io::Error {
        io::Error::other(self)
    }
}
