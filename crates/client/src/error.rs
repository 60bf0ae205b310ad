//! What can go wrong between an intention and its receipt, each with what to do next.

use alloy_primitives::{Address, B256, Bytes};
use tributary_primitives::Amount;

use crate::transport::TransportError;

/// A call that the chain refused.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{contract} refused: {error}")]
pub struct Revert {
    /// The module or address that was called.
    pub contract: String,
    /// The decoded error with its fields, or the raw selector.
    pub error: String,
    /// What to do.
    pub hint: String,
    /// The revert data.
    pub data: Bytes,
}

/// An error of the chain client.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The node could not be asked.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The chain refused the call.
    #[error(transparent)]
    Reverted(Box<Revert>),
    /// The account cannot pay.
    #[error("{account} has {have} and needs {need}")]
    InsufficientFunds {
        /// Who pays.
        account: Address,
        /// What is there.
        have: Amount,
        /// What it takes.
        need: Amount,
    },
    /// A transaction was not included in time.
    #[error("transaction {tx} was not included within {after_ms} ms")]
    TimedOut {
        /// The transaction.
        tx: B256,
        /// The limit.
        after_ms: u64,
    },
    /// An included transaction failed on state that another one had changed before it.
    #[error("{what}: the transaction failed on state that changed under it")]
    Overtaken {
        /// What it was to do.
        what: String,
    },
    /// The answer has another form than the protocol says.
    #[error("the node's answer to {what} cannot be read: {reason}")]
    Malformed {
        /// What was asked.
        what: String,
        /// Why.
        reason: String,
    },
    /// A key file cannot be used.
    #[error("key `{name}`: {reason}")]
    Keystore {
        /// The key's name.
        name: String,
        /// Why.
        reason: String,
    },
    /// A provider or gateway answered with an error.
    #[error("{message}")]
    Service {
        /// HTTP status.
        status: u16,
        /// A stable word for programs.
        code: String,
        /// For people.
        message: String,
        /// What to do.
        hint: Option<String>,
    },
    /// Something that was asked for is not there.
    #[error("there is no {what}")]
    NotFound {
        /// What.
        what: String,
    },
}

impl ClientError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Transport(TransportError::Unreachable { .. }) => {
                Some("start a node with `tributary dev`, or name one with --rpc-url".into())
            }
            Self::Transport(TransportError::TimedOut { .. }) => {
                Some("the node is busy: try again".into())
            }
            Self::Reverted(revert) if !revert.hint.is_empty() => Some(revert.hint.clone()),
            Self::InsufficientFunds { .. } => {
                Some("send OPEN to the account, or use a smaller amount".into())
            }
            Self::TimedOut { .. } => {
                Some("it may still be included: look it up before sending it again".into())
            }
            Self::Overtaken { .. } => Some("look at what there is now, and try again".into()),
            Self::Service { hint, .. } => hint.clone(),
            _ => None,
        }
    }

    /// True when nobody answered.
    pub fn is_unreachable(&self) -> bool {
        matches!(
            self,
            Self::Transport(TransportError::Unreachable { .. } | TransportError::TimedOut { .. })
        )
    }

    /// True when the chain refused.
    pub fn is_revert(&self) -> bool {
        matches!(self, Self::Reverted(_))
    }

    pub(crate) fn malformed(what: &str, reason: impl ToString) -> Self {
        Self::Malformed { what: what.to_owned(), reason: reason.to_string() }
    }
}
