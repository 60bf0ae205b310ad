//! Who sent a transaction.

use crate::{ChainSpec, TxError};
use alloy_consensus::crypto::SECP256K1N_HALF;
use alloy_consensus::transaction::Recovered;
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
        let sender = recover_signer(&tx)?;
        Ok(Recovered::new_unchecked(tx, sender))
    }
}

/// Recovers through the library that the interpreter's `ecrecover` uses; several times faster
/// than the portable one behind alloy.
fn recover_signer(tx: &TxEnvelope) -> Result<Address, TxError> {
    let signature = tx.signature();
    // EIP-2: one signature per transaction.
    if signature.s() > SECP256K1N_HALF {
        return Err(TxError::InvalidSignature);
    }
    let mut bytes = [0; 64];
    bytes[..32].copy_from_slice(&signature.r().to_be_bytes::<32>());
    bytes[32..].copy_from_slice(&signature.s().to_be_bytes::<32>());
    let hash = tx.signature_hash();
    revm::precompile::crypto()
        .secp256k1_ecrecover(&bytes, signature.v().into(), &hash.0)
        .map(|word| Address::from_word(word.into()))
        .map_err(|_| TxError::InvalidSignature)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Genesis;
    use alloy_consensus::TxEip1559;
    use alloy_consensus::transaction::SignerRecoverable;
    use rand::Rng;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    #[test]
    fn both_libraries_recover_the_same_senders_and_refuse_the_same_signatures() {
        let seed: u64 = rand::random();
        eprintln!("seed {seed}");
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let spec = Genesis::dev().spec().unwrap();
        let mut found = 0;
        for round in 0..400 {
            let tx = TxEip1559 { chain_id: 7310, nonce: round, ..TxEip1559::default() };
            // Random points: about half recover; edges: zero, the order, above half the order.
            let mut word = || match rng.random_range(0..8) {
                0 => U256::ZERO,
                1 => SECP256K1N_HALF,
                2 => SECP256K1N_HALF + U256::from(1),
                3 => U256::MAX,
                _ => U256::from_be_bytes(rng.random::<[u8; 32]>()) >> 1,
            };
            let (r, s) = (word(), word());
            let tx: TxEnvelope = tx.into_signed(Signature::new(r, s, rng.random())).into();
            let ours = spec.recover(tx.clone()).map(|tx| tx.signer());
            let theirs = tx.recover_signer().map_err(|_| TxError::InvalidSignature);
            assert_eq!(ours, theirs, "seed {seed} r {r} s {s}");
            found += usize::from(ours.is_ok());
        }
        assert!(found > 20, "seed {seed}: only {found} signatures recovered");
    }
}
