//! Who sent a transaction.

use crate::{ChainSpec, TxError};
use alloy_consensus::transaction::{Recovered, SignerRecoverable};
use alloy_consensus::{SignableTransaction, Transaction as _, TxEnvelope, TypedTransaction};
use alloy_primitives::{Address, B256, Signature, U256, keccak256};

/// A transaction with its sender.
pub type RecoveredTx = Recovered<TxEnvelope>;

impl ChainSpec {
    /// Checks type and chain id and recovers the sender.
    pub fn recover(&self, tx: TxEnvelope) -> Result<RecoveredTx, TxError> {
        check_kind(&tx)?;
        if let Some(found) = tx.chain_id()
            && found != self.chain_id
        {
            return Err(TxError::WrongChainId { found, expected: self.chain_id });
        }
        if self.cheats
            && let Some(sender) = impersonated_sender(tx.signature())
        {
            return Ok(Recovered::new_unchecked(tx, sender));
        }
        tx.try_into_recovered().map_err(|_| TxError::InvalidSignature)
    }
}

/// Rules of this chain on top of Ethereum's: no blobs, no delegation to native modules.
pub(crate) fn check_kind(tx: &TxEnvelope) -> Result<(), TxError> {
    if tx.is_eip4844() {
        return Err(TxError::BlobsRefused);
    }
    let reserved = tx
        .authorization_list()
        .unwrap_or_default()
        .iter()
        .map(|authorization| *authorization.address())
        .find(tributary_contracts::is_reserved);
    reserved.map_or(Ok(()), |address| Err(TxError::ReservedDelegation { address }))
}

/// A transaction that dev tools send as someone else: its signature holds the sender and a
/// marker. Legal only on chains whose fork table allows cheats; everywhere else it recovers to
/// nobody, because the marker is above half the curve's order.
pub fn impersonated(tx: TypedTransaction, sender: Address) -> TxEnvelope {
    let r = U256::from_be_slice(sender.as_slice());
    let signature = Signature::new(r, marker(), false);
    match tx {
        TypedTransaction::Legacy(tx) => tx.into_signed(signature).into(),
        TypedTransaction::Eip2930(tx) => tx.into_signed(signature).into(),
        TypedTransaction::Eip1559(tx) => tx.into_signed(signature).into(),
        TypedTransaction::Eip4844(tx) => tx.into_signed(signature).into(),
        TypedTransaction::Eip7702(tx) => tx.into_signed(signature).into(),
    }
}

fn impersonated_sender(signature: &Signature) -> Option<Address> {
    let word = B256::from(signature.r());
    let sender = (signature.s() == marker()).then(|| Address::from_word(word))?;
    word.as_slice().starts_with(&[0; 12]).then_some(sender)
}

fn marker() -> U256 {
    U256::from_be_bytes(keccak256("tributary impersonated sender").0) | (U256::from(1) << 255)
}
