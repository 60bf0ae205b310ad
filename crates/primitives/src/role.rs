//! Who is paid from a call, and how a payee is named in a root.

use alloy_primitives::{Address, B256, U256};
use serde::{Deserialize, Serialize};

use crate::DatanetId;

/// Why somebody is paid. The number is the one of the on-chain leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Role {
    /// Ran the model; party is its account.
    Provider = 1,
    /// Owns the served model or an ancestor of it; party is the owner.
    Lineage = 2,
    /// Contributed a record that the answer quotes; party is the contributor.
    Data = 3,
    /// Stakes that back a datanet; party is the datanet's id.
    Backers = 4,
    /// The datanet's commons; party is the datanet's id.
    Commons = 5,
    /// The protocol's part of the compute fee; party is zero.
    ProtocolCompute = 6,
    /// The protocol's part of the licence fee (half of it burns); party is zero.
    ProtocolLicence = 7,
}

impl Role {
    /// All roles, in the order of their numbers.
    pub const ALL: [Role; 7] = [
        Role::Provider,
        Role::Lineage,
        Role::Data,
        Role::Backers,
        Role::Commons,
        Role::ProtocolCompute,
        Role::ProtocolLicence,
    ];

    /// The role of an on-chain number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|role| *role as u8 == number)
    }

    /// The word shown to people.
    pub fn label(self) -> &'static str {
        match self {
            Role::Provider => "provider",
            Role::Lineage => "model lineage",
            Role::Data => "data",
            Role::Backers => "backers",
            Role::Commons => "datanet commons",
            Role::ProtocolCompute => "protocol (compute)",
            Role::ProtocolLicence => "protocol (licence)",
        }
    }
}

/// A payee within a role: an account, a datanet or nobody, as one 32-byte word.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Party(pub B256);

impl Party {
    /// The protocol.
    pub const NONE: Party = Party(B256::ZERO);

    /// An account.
    pub fn account(address: Address) -> Self {
        Self(address.into_word())
    }

    /// A datanet's commons or backers.
    pub fn datanet(id: DatanetId) -> Self {
        Self(B256::from(U256::from(id.0)))
    }

    /// The account, when the word is one.
    pub fn as_account(&self) -> Option<Address> {
        (self.0[..12] == [0; 12]).then(|| Address::from_word(self.0))
    }

    /// The datanet, when the word is one.
    pub fn as_datanet(&self) -> Option<DatanetId> {
        let (high, low) = self.0.split_at(24);
        let low: [u8; 8] = low.try_into().ok()?;
        high.iter().all(|byte| *byte == 0).then(|| DatanetId(u64::from_be_bytes(low)))
    }
}
