//! Tables that the chain writes: blocks, transactions, events, and the modules' things. The
//! follower is their only writer.

mod apply;
pub(crate) mod decode;
pub(crate) mod explore;
mod facts;
mod follow;
mod subjects;
pub(crate) mod things;

pub use follow::Follower;
