//! History and earnings in SQL: what services write (jobs, receipts, uploads, keys, sessions,
//! epochs) and what the chain says (blocks, transactions, datanets, models, tasks, claims).
//!
//! **Invariants:** one writer thread; a write is acknowledged after its commit is on disk; each
//! service table has one writing service; chain-derived tables roll back with the
//! chain; *pending*, *earned* and *paid* never overlap.
//!
//! Leaves to others: deciding anything. Rules live in the chain and in the gateway.

mod chain;
mod codec;
mod error;
mod event;
#[cfg(feature = "mocks")]
pub mod mocks;
mod schema;
mod service;
mod store;

pub use chain::{
    Follower,
    decode::{Argument, Decoded},
    explore::{BlockRow, EventRow, TxRow},
    things::{
        ClaimRow, ContributionThing, DatanetThing, ModelThing, PostedRow, SnapshotRow, StepRow,
        TaskThing, Thing,
    },
};
pub use error::IndexError;
pub use event::Event;
pub use service::{
    earnings::{Earnings, RecordEarnings, Source, SourceEarnings},
    epochs::{Accrued, Claimable, EpochCut, EpochRow, LeafRow},
    idempotency::Replay,
    jobs::{JobRow, JobState, ProgressPoint},
    keys::{Hold, KeyRow},
    owed::Owed,
    receipts::{EndedJob, KeyCharge, ReceiptFilter, ReceiptRow, SettledCall, ShareRow},
    series::{Flow, FlowOf},
    sessions::{GuestRow, SESSION_COOKIE, session_hash},
    uploads::{DatanetRecord, RecordPage, RecordRow, RowCheck, UploadRow, UploadState},
};
pub use store::{Index, Written};
