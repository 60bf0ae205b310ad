//! Events out of transaction receipts.

use alloy_primitives::Address;
use alloy_rpc_types_eth::TransactionReceipt;
use alloy_sol_types::SolEvent;

/// The first event of its type that `module` emitted in the transaction.
pub fn first_event<E: SolEvent>(receipt: &TransactionReceipt, module: Address) -> Option<E> {
    receipt
        .logs()
        .iter()
        .filter(|log| log.address() == module)
        .find_map(|log| E::decode_log(&log.inner).ok())
        .map(|log| log.data)
}
