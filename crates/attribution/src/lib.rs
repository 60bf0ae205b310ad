//! Attribution: which records an answer quotes, and who is paid what for it.
//!
//! `Index -> Output -> Trace -> Span -> Share`
//!
//! **Invariants:** integers only; no clock (but in `bench`), no randomness, no hash-map order in
//! a result; no span crosses from one text to the next; each output token is paid at most once;
//! the shares of a fee sum to it exactly; copying a record changes nobody's weight.

pub mod bench;
mod error;
mod file;
mod index;
mod lineage;
mod log2;
mod output;
pub mod rules;
mod schedule;
mod search;
mod split;
#[cfg(test)]
mod split_tests;
#[cfg(test)]
mod tests;
mod tokens;
mod trace;

pub use error::{AttributionError, SplitError};
pub use file::INDEX_FILE;
pub use index::{INDEX_TOKENS, Index, IndexBuilder, IndexedRecord};
pub use output::Output;
pub use split::{Call, split};
pub use tokens::build_index;
pub use trace::{Trace, TracedSpan};
