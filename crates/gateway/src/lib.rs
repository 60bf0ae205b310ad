//! The gateway: OpenAI-compatible answers and the REST interface, metered by channel and voucher.
//!
//! `Request -> hold -> provider -> Receipt checked -> voucher -> epoch root -> claim`
//!
//! **Invariants:** it never runs a model and holds no provider's key; a receipt and the voucher
//! that pays for it become durable in one commit, before the answer's last byte; it can take at
//! most a key's cap, since it forgets the key's secret after each call.
//!
//! Leaves to others: answers and receipts (`provider`), tables (`indexer`), rules (the chain).

mod acts;
mod answers;
mod api;
mod caller;
mod config;
mod directory;
mod epochs;
mod gateway;
mod guard;
mod idempotency;
mod keys;
mod limits;
mod metering;
mod mirror;
mod refusal;
mod shared;
mod v1;
mod vault;
pub mod verify;

pub use api::openapi;
pub use config::{GatewayConfig, GatewayDeps, GuestPolicy, Rate};
pub use gateway::Gateway;
pub use refusal::Refusal;
pub use verify::{BlobSource, ChainSources, HttpBlobs, LocalBlobs};
