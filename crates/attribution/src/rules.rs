//! The numbers of attribution and of the split, each in one place. Changing one changes what
//! people are paid: it needs a new version of `docs/specs/0002`. Which part of a fee goes to whom
//! is no number of ours: the chain says it ([`tributary_primitives::FeeParts`]).

use tributary_primitives::{Ppm, limits};

/// A span has at least this many tokens.
pub const SPAN_TOKENS: usize = 6;
/// A span carries at least this much self-information, in bits (Q16): 24.
pub const SPAN_BITS_Q16: u64 = 24 << 16;
/// More occurrences make a template.
pub const TEMPLATE_OCCURRENCES: usize = 1_000;
/// More clusters than this, and more than `TEMPLATE_SHARE` of all, make a template.
pub const TEMPLATE_CLUSTERS: usize = 8;
/// See `TEMPLATE_CLUSTERS`.
pub const TEMPLATE_SHARE: Ppm = Ppm::percent(5);
/// Records named by a span.
pub const SPAN_RECORDS: usize = 10;

/// Records that share the data part of one fee.
pub const DATA_RECORDS: usize = limits::RECORDS_PER_RECEIPT;
/// No record takes more of the shared data part...
pub const RECORD_CAP: Ppm = Ppm::percent(25);
/// ...once this many records share it.
pub const RECORD_CAP_FROM: usize = 8;
/// No contributor takes more of the shared data part...
pub const CONTRIBUTOR_CAP: Ppm = Ppm::percent(40);
/// ...once this many contributors share it.
pub const CONTRIBUTOR_CAP_FROM: usize = 3;
/// Ancestors beyond this depth earn nothing; their child keeps it.
pub const LINEAGE_DEPTH: usize = limits::LINEAGE_DEPTH;
