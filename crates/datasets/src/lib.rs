//! Datasets: rows of an upload become records, records are checked, bundled and frozen into
//! snapshots.
//!
//! `Upload -> Row -> Record -> Bundle -> Manifest`
//!
//! **Invariants:** reading never holds more than one row beyond its limit; a record's texts are
//! NFC with line feeds; a blob that a [`Bundle`] opens is byte for byte the one that was
//! committed; nothing here knows a clock, a network or a model.

mod bundle;
mod canonical;
mod checks;
mod error;
mod lines;
mod manifest;
mod packing;
mod pattern;
mod record;
mod rows;
mod table;
#[cfg(test)]
mod tests;

pub use bundle::{Bundle, Commitment};
pub use canonical::{canonical_text, canonical_value};
pub use checks::{CheckReport, Finding, FindingKind, Review, RowVerdict, Severity, check, review};
pub use error::DatasetError;
pub use manifest::{ItemProof, Manifest, ManifestEntry};
pub use packing::open_upload;
pub use record::{Body, OWN_ID_SIZE_BYTES, Record, RecordError, Turn};
pub use rows::{Format, ParseLimits, Row, RowReader, Survey, parse, survey};
