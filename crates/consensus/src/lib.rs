//! Who makes the next block, and when it is final.
//!
//! [`Application`] is the boundary: a consensus engine asks it to propose, to verify and to
//! finalize, and knows nothing of the EVM. [`Chain`] is the application. [`Sequencer`] is the
//! engine of a committee of one: it proposes when there is work or a module timer is due, and
//! finalizes its own proposal at once. A committee of many fills the same boundary.
//!
//! **Invariant:** a block is announced after it is durable, never before; blocks are final in
//! order, each the child of the one before.
//! **Invariant:** header seconds never fall (they may repeat); milliseconds lie in `extraData`.

mod boundary;
mod chain;
mod clock;
mod dev;
mod error;
mod event;
mod sequencer;

pub use boundary::{Application, ProposeRequest, Round, Verdict};
pub use chain::{Chain, ChainConfig};
pub use clock::{Clock, ManualClock, SystemClock};
pub use dev::DevHandle;
pub use error::ConsensusError;
pub use event::{ChainEvent, CommittedBlock};
pub use sequencer::{Mining, Sequencer, SequencerConfig, SequencerHandle};

/// Result of every operation of consensus.
pub type Result<T, E = ConsensusError> = core::result::Result<T, E>;
