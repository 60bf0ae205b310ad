//! Ids of things on chain: counters that start at 1, so zero always means "none".

use std::fmt;

use alloy_primitives::B256;
use serde::{Deserialize, Serialize};

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash,
            Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl $name {
            /// "None of them".
            pub const NONE: Self = Self(0);

            /// True when it names nothing.
            pub const fn is_none(self) -> bool {
                self.0 == 0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl From<u64> for $name {
            fn from(id: u64) -> Self {
                Self(id)
            }
        }
    )*};
}

id! {
    /// A datanet.
    DatanetId,
    /// A contribution to a datanet; unique over all datanets.
    ContributionId,
    /// A base model or an adapter.
    ModelId,
    /// A training or inference task with escrow.
    TaskId,
    /// A stake set aside for a role.
    ProvisionId,
}

/// A payment channel: keccak256 over payer, gateway, signer and a counter.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct ChannelId(pub B256);

impl ChannelId {
    /// What a receipt names in a channel's place when a task's escrow pays: the task's number, with
    /// leading zeros that no channel's hash has.
    pub fn of_task(task: TaskId) -> Self {
        Self(B256::left_padding_from(&task.0.to_be_bytes()))
    }

    /// The task that pays, where it is one.
    pub fn as_task(&self) -> Option<TaskId> {
        let (zeros, number) = self.0.0.split_at(24);
        let number = u64::from_be_bytes(number.try_into().ok()?);
        (number != 0 && zeros.iter().all(|byte| *byte == 0)).then_some(TaskId(number))
    }
}

impl fmt::Display for ChannelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
