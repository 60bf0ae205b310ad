//! The console: server-rendered pages over the index and the chain, one stylesheet, htmx and a
//! few small modules of our own.
//!
//! **Invariants:** it reads `indexer` and `client` only and decides nothing; every act is a form
//! or a script that posts to `/api/v1` or `/v1` of the same origin; no page needs a script to be
//! read; nothing inline, so the content policy allows no inline script or style.
//!
//! Leaves to others: accounts, prices, checks and money (`gateway`, `provider`, the chain).

mod assets;
mod charts;
mod error;
mod layout;
mod live;
mod marks;
mod news;
mod pages;
mod parts;
mod router;
mod visitor;

pub use router::{Console, ConsoleConfig, router};
