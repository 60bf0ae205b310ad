//! How a module call ends when it does not succeed.

use alloy_primitives::Bytes;
use alloy_sol_types::SolError;

/// Three kinds, never mixed: the caller's fault, the caller's gas, our fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// A typed ABI error; the frame's changes are undone, unspent gas goes back.
    #[error("reverted with {0}")]
    Revert(Bytes),
    /// The frame halts.
    #[error("out of gas")]
    OutOfGas,
    /// State could not be read: the node must stop.
    #[error("fatal: {0}")]
    Fatal(String),
}

/// What module code returns.
pub type Result<T> = std::result::Result<T, Fault>;

/// A typed revert.
pub(crate) fn revert(error: impl SolError) -> Fault {
    Fault::Revert(error.abi_encode().into())
}

/// `Err` with a typed revert unless the condition holds.
pub(crate) fn ensure(holds: bool, error: impl SolError) -> Result<()> {
    if holds { Ok(()) } else { Err(revert(error)) }
}

/// Leaves the function with a typed revert unless the condition holds. Unlike `ensure`, builds
/// the error only when it is needed.
macro_rules! require {
    ($holds:expr, $error:expr) => {
        if !$holds {
            return Err($crate::fault::revert($error));
        }
    };
}
pub(crate) use require;
