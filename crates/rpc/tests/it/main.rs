//! The whole interface over a real chain in one process.

mod cheats;
mod compat;
mod errors;
mod eth;
mod http;
mod node;
mod subscriptions;
