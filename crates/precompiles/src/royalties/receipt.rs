//! The signed receipt on chain: its id and whether its signature counts.

use alloy_primitives::{Address, B256};
use tributary_contracts::{IRoyalties, receipts_domain};

use crate::fault::Result;
use crate::session::Session;
use crate::staking;

/// EIP-712 digest.
pub(super) fn digest(s: &mut Session<'_>, receipt: &IRoyalties::Receipt) -> Result<B256> {
    let domain = receipts_domain(s.host.chain_id());
    s.typed_digest(receipt, &domain)
}

/// Who signed, and whether that is the receipt key of the provider's active provision.
pub(super) fn verify(
    s: &mut Session<'_>,
    receipt: &IRoyalties::Receipt,
    signature: &[u8],
) -> Result<(Address, bool)> {
    let digest = digest(s, receipt)?;
    let signer = s.recover(&digest, signature)?;
    let key = staking::receipt_key(s, receipt.provider)?;
    Ok((signer, !signer.is_zero() && signer == key))
}
