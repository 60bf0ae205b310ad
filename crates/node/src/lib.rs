//! The stair between the wings: roles, configuration, lifecycle, telemetry. Wires chain, provider,
//! gateway and console into one process behind one listener.
//!
//! **Invariants:** services reach the chain only through `client`, also here; a port or folder
//! that is taken is known before any work; Ctrl-C ends everything in order, the store last.
//!
//! Leaves to others: every rule. This crate constructs, starts and stops.

pub mod assets;
pub mod config;
mod datadir;
pub mod dev;
mod error;
mod listener;
mod patient;
mod places;
pub mod role;
mod telemetry;
mod transport;

pub use error::NodeError;
