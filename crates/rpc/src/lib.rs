//! JSON-RPC over HTTP and WebSocket: what Ethereum's wallets, libraries and tools speak.
//!
//! [`module`] is the whole interface as one method table, for calls in process; [`service`] puts
//! it behind HTTP and WebSocket. Whoever owns the listener mounts it.
//!
//! **Invariant:** bodies, answers, batches, filters, subscriptions and simulated gas are bounded
//! by [`RpcConfig`]; no type of the interpreter appears here.
//! **Invariant:** cheat codes exist only where the chain's rules allow them.

mod anvil;
mod block_id;
mod config;
mod convert;
mod debug;
mod error;
mod eth;
mod filters;
mod net;
mod params;
mod pool_view;
mod server;
mod signers;
mod state;
mod subscribe;
mod trib;

pub use config::RpcConfig;
pub use error::RpcError;
pub use server::{RpcService, RpcStop, service};
pub use state::{RpcContext, module};
