//! Tables that services write: the only copy of what they hold.

pub(crate) mod earnings;
pub(crate) mod epochs;
pub(crate) mod idempotency;
pub(crate) mod jobs;
pub(crate) mod keys;
pub(crate) mod owed;
pub(crate) mod receipts;
pub(crate) mod series;
pub(crate) mod sessions;
pub(crate) mod uploads;

use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970, for columns that only people read.
pub(crate) fn now_ms() -> i64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX)
}
