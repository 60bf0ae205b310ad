//! Errors, by whose fault it is: the sender's, a peer's, ours.

use alloy_primitives::{Address, B256, Bytes, U256};
use tributary_storage::StorageError;

/// Why a transaction cannot stand in a block. Texts follow geth's where it has one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TxError {
    /// The nonce was used already.
    #[error("nonce too low: next nonce {state}, tx nonce {tx}")]
    NonceTooLow {
        /// Of the transaction.
        tx: u64,
        /// Of the account.
        state: u64,
    },
    /// Earlier transactions of the sender are missing.
    #[error("nonce too high: next nonce {state}, tx nonce {tx}")]
    NonceTooHigh {
        /// Of the transaction.
        tx: u64,
        /// Of the account.
        state: u64,
    },
    /// The account has sent all the transactions an account can.
    #[error("nonce has max value: {nonce}")]
    NonceMax {
        /// Of the transaction.
        nonce: u64,
    },
    /// The sender cannot pay.
    #[error("insufficient funds for gas * price + value: have {have} want {want}")]
    InsufficientFunds {
        /// The sender's balance.
        have: U256,
        /// Most the transaction can cost.
        want: U256,
    },
    /// Below the base fee of the block.
    #[error(
        "max fee per gas less than block base fee: maxFeePerGas: {max_fee}, baseFee: {base_fee}"
    )]
    FeeCapTooLow {
        /// Offered at most.
        max_fee: u128,
        /// Needed.
        base_fee: u64,
    },
    /// No block of this chain will ever be that cheap.
    #[error(
        "transaction underpriced: maxFeePerGas {max_fee} is under the least base fee of this \
         chain, {floor}; raise it"
    )]
    FeeCapUnderFloor {
        /// Offered at most.
        max_fee: u128,
        /// The fork table's least base fee.
        floor: u64,
    },
    /// The tip exceeds the cap.
    #[error("max priority fee per gas higher than max fee per gas")]
    TipAboveFeeCap,
    /// Too little gas for the transaction's bytes.
    #[error("intrinsic gas too low: gas {gas}, minimum needed {needed}")]
    IntrinsicGasTooLow {
        /// Of the transaction.
        gas: u64,
        /// Needed before anything runs.
        needed: u64,
    },
    /// More gas than a block holds.
    #[error("exceeds block gas limit: {gas} of {limit}")]
    ExceedsBlockGasLimit {
        /// Of the transaction.
        gas: u64,
        /// Of the block.
        limit: u64,
    },
    /// More gas than one transaction may ask for.
    #[error("transaction gas limit too high (cap: {cap}, tx: {gas})")]
    ExceedsTxGasLimit {
        /// Of the transaction.
        gas: u64,
        /// EIP-7825.
        cap: u64,
    },
    /// Does not fit into what is left of this block; fits into a later one.
    #[error("block is full: {gas} gas asked for, {left} left")]
    BlockFull {
        /// Of the transaction.
        gas: u64,
        /// Left in the block.
        left: u64,
    },
    /// Does not fit into the bytes left of this block.
    #[error("block is full: transaction of {size_bytes} bytes does not fit")]
    BlockBytesFull {
        /// Of the transaction.
        size_bytes: usize,
    },
    /// Code to deploy is too long (EIP-3860).
    #[error("max initcode size exceeded")]
    InitCodeTooLarge,
    /// The sender is a contract (EIP-3607).
    #[error("sender not an eoa: {sender}")]
    SenderIsContract {
        /// Who.
        sender: Address,
    },
    /// Signed for another chain.
    #[error("invalid chain id for signer: have {found} want {expected}")]
    WrongChainId {
        /// In the transaction.
        found: u64,
        /// Of this chain.
        expected: u64,
    },
    /// Type 3.
    #[error("blob transactions (type 3) are not accepted on this chain")]
    BlobsRefused,
    /// A type that the fork in force does not know.
    #[error("transaction type not supported: {kind}")]
    TypeNotSupported {
        /// EIP-2718 type.
        kind: u8,
    },
    /// The signature does not recover to anyone.
    #[error("invalid sender: the signature does not recover")]
    InvalidSignature,
    /// EIP-7702 with no authorization.
    #[error("set code transaction with empty auth list")]
    EmptyAuthorizationList,
    /// EIP-7702 to an address that belongs to the native modules.
    #[error("delegation to {address} is refused: the address belongs to native modules")]
    ReservedDelegation {
        /// The delegate.
        address: Address,
    },
    /// Anything else the EVM refuses before running.
    #[error("{0}")]
    Invalid(String),
}

impl TxError {
    /// Earlier transactions of the sender must come first.
    pub fn is_nonce_gap(&self) -> bool {
        matches!(self, Self::NonceTooHigh { .. })
    }

    /// The nonce was used.
    pub fn is_nonce_too_low(&self) -> bool {
        matches!(self, Self::NonceTooLow { .. })
    }

    /// May be fine in a later block; keep it.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::NonceTooHigh { .. }
                | Self::BlockFull { .. }
                | Self::BlockBytesFull { .. }
                | Self::FeeCapTooLow { .. }
        )
    }
}

/// Why a block was not built or not accepted.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ExecutionError {
    /// The block breaks a rule: its maker's fault.
    #[error("block {number} is invalid: {reason}")]
    InvalidBlock {
        /// Its height.
        number: u64,
        /// Which rule.
        reason: String,
    },
    /// A transaction in the block cannot stand there.
    #[error("block {number} is invalid: transaction {index} ({hash}): {error}")]
    InvalidTransaction {
        /// Its height.
        number: u64,
        /// Position.
        index: usize,
        /// Hash.
        hash: B256,
        /// Why.
        error: TxError,
    },
    /// A dev cheat code asked for what cannot be.
    #[error("state edit refused: {0}")]
    Edit(String),
    /// The attributes do not fit the parent.
    #[error("block attributes refused: {0}")]
    Attributes(String),
    /// Reading state failed: ours.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Money appeared or vanished: ours; stop the node.
    #[error("conservation of money broken in block {number}: {what}; stop and report this")]
    Conservation {
        /// Height.
        number: u64,
        /// What does not add up.
        what: String,
    },
    /// The EVM or a module failed in a way no transaction may cause: ours; stop the node.
    #[error("execution failed: {0}; stop and report this")]
    Fatal(String),
}

impl ExecutionError {
    /// Whether the node must stop.
    pub fn is_fatal(&self) -> bool {
        matches!(self, Self::Storage(_) | Self::Conservation { .. } | Self::Fatal(_))
    }
}

/// Why simulated blocks cannot follow each other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// A block is numbered like one before it.
    #[error("block numbers must be in order: {number} <= {before}")]
    BlockNumberOrder {
        /// Asked for.
        number: u64,
        /// The block before.
        before: u64,
    },
    /// A block is not later than the one before it.
    #[error("block timestamps must be in order: {timestamp} <= {before}")]
    TimestampOrder {
        /// Asked for.
        timestamp: u64,
        /// The block before.
        before: u64,
    },
    /// Too many blocks, those between the numbers included.
    #[error("too many blocks: at most {limit} above the block that the simulation starts from")]
    TooManyBlocks {
        /// Allowed.
        limit: u64,
    },
    /// The calls want more gas than the block has.
    #[error("block gas limit reached: {used} >= {limit}")]
    BlockGasExhausted {
        /// Used so far.
        used: u64,
        /// Of the block.
        limit: u64,
    },
    /// A call is no valid transaction.
    #[error("{error} (sender {sender}, supplied gas {gas})")]
    Refused {
        /// Who calls.
        sender: Address,
        /// Gas of the call.
        gas: u64,
        /// Why.
        error: TxError,
    },
    /// Only Ethereum's precompiles can be moved.
    #[error("account {address} is not a precompile")]
    NotPrecompile {
        /// What was to be moved.
        address: Address,
    },
}

/// Why a simulation has no result.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum SimulationError {
    /// The call reverts, with this data.
    #[error("execution reverted")]
    Reverted(Bytes),
    /// The call halts: out of gas, invalid opcode, ...
    #[error("{0}")]
    Halted(String),
    /// The request is no valid transaction.
    #[error("{0}")]
    Invalid(String),
    /// The request cannot stand in this state.
    #[error(transparent)]
    Tx(#[from] TxError),
    /// The blocks of the request cannot follow each other.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// Reading state failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The EVM or a module failed.
    #[error("execution failed: {0}")]
    Fatal(String),
}

impl From<ExecutionError> for SimulationError {
    fn from(error: ExecutionError) -> Self {
        match error {
            ExecutionError::Storage(error) => Self::Storage(error),
            ExecutionError::InvalidTransaction { error, .. } => Self::Tx(error),
            ExecutionError::Fatal(what) => Self::Fatal(what),
            other => Self::Invalid(other.to_string()),
        }
    }
}

/// Why a genesis cannot be.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum GenesisError {
    /// The file does not parse.
    #[error("genesis file: {0}")]
    Parse(String),
    /// A rule is broken.
    #[error("genesis: {0}")]
    Invalid(String),
    /// Sealing the state failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}
