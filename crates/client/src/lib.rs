//! How services, the console and the command line reach a node: a typed chain client over one
//! transport trait, signers and key files, the calls of every module, the provider's API and the
//! REST client.
//!
//! **Invariants:** writes are [`Call`]s, built without a key and signed by whoever owns one;
//! secrets never print; nothing here keeps chain state, so every answer is the chain's own.
//!
//! Leaves to others: history and search (`indexer`), pricing and metering (`gateway`).

pub mod api;
mod chain;
pub mod channels;
pub mod datanets;
mod error;
mod keystore;
mod logs;
pub mod models;
mod percent;
pub mod provider;
mod rest;
mod revert;
pub mod royalties;
mod sender;
mod signer;
pub mod staking;
pub mod tasks;
mod transport;

pub use chain::{BlockRef, Chain};
pub use channels::{ApiSecret, SignedVoucher};
pub use error::{ClientError, Revert};
pub use keystore::Keystore;
pub use logs::first_event;
pub use percent::{description_of, description_uri, percent_encode};
pub use provider::{HttpProvider, ProviderApi};
pub use rest::{Rest, ServerEvent};
pub use revert::decode as decode_revert;
pub use sender::{Call, Sender, Signed};
pub use signer::{Signer, recover};
pub use transport::{HttpTransport, RpcFault, Transport, TransportError};
