//! End to end: the real binary in its own folder on its own port, driven by its command line, by
//! stock clients and by a real browser.
//!
//! **Invariants:** no sleeps and no retries: waiting ends at a condition or at a limit that is
//! five times the budget; a tool that is absent is written to the skip log, never passed over in
//! silence; seeds are printed.

mod http;
pub mod load;
mod node;
mod skip;
mod talk;
mod wallet;

pub use http::{Answer, Http};
pub use node::{Node, Ran, Start};
pub use skip::{skipped, tool};
pub use talk::Script;
pub use wallet::{Transfer, Wallet};
