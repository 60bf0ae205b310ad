//! Verification: a receipt is computed again from its transcript and public data.
//!
//! `Receipt + Transcript + Evidence -> Report`
//!
//! **Invariants:** pure: no network, no clock, no randomness; nothing is believed that can be
//! computed; a receipt is verified only when every check was made and holds.

mod epoch;
mod evidence;
#[cfg(test)]
mod fixture;
mod private;
mod public;
mod report;
#[cfg(test)]
mod tests;
mod verify;

pub use epoch::{EpochData, EpochError, EpochReceipt, Leaf};
pub use evidence::{
    BlockFacts, ChannelFacts, EpochFacts, Evidence, ModelFacts, PostedRoot, ProviderFacts,
    TaskFacts,
};
pub use report::{Check, CheckName, Report, Status};
pub use verify::verify;
