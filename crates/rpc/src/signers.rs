//! The dev accounts' keys, for tools that let the node sign.

use crate::RpcError;
use crate::params::Answer;
use alloy_consensus::{SignableTransaction, TxEnvelope, TypedTransaction};
use alloy_dyn_abi::TypedData;
use alloy_primitives::{Address, Bytes, Signature};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use std::collections::BTreeMap;
use tributary_execution::dev_accounts;

/// Keys that the node signs with; none outside the dev role.
#[derive(Debug, Default)]
pub(crate) struct Signers {
    order: Vec<Address>,
    keys: BTreeMap<Address, PrivateKeySigner>,
}

impl Signers {
    /// The accounts of the well-known mnemonic.
    pub(crate) fn dev() -> Answer<Self> {
        let mut signers = Self::default();
        for account in dev_accounts() {
            let key = PrivateKeySigner::from_bytes(&account.private_key)
                .map_err(|error| RpcError::Internal(error.to_string()))?;
            signers.order.push(key.address());
            signers.keys.insert(key.address(), key);
        }
        Ok(signers)
    }

    pub(crate) fn accounts(&self) -> Vec<Address> {
        self.order.clone()
    }

    pub(crate) fn has(&self, account: Address) -> bool {
        self.keys.contains_key(&account)
    }

    /// Signs a message as `personal_sign` does, with its prefix.
    pub(crate) fn sign_message(&self, account: Address, message: &[u8]) -> Answer<Bytes> {
        let signature = self.key(account)?.sign_message_sync(message).map_err(failed)?;
        Ok(signature.as_bytes().into())
    }

    /// Signs EIP-712 typed data.
    pub(crate) fn sign_typed_data(&self, account: Address, data: &TypedData) -> Answer<Bytes> {
        let key = self.key(account)?;
        let hash = data
            .eip712_signing_hash()
            .map_err(|error| RpcError::InvalidParams(format!("typed data: {error}")))?;
        Ok(key.sign_hash_sync(&hash).map_err(failed)?.as_bytes().into())
    }

    pub(crate) fn sign_transaction(
        &self,
        account: Address,
        tx: TypedTransaction,
    ) -> Answer<TxEnvelope> {
        let hash = match &tx {
            TypedTransaction::Legacy(tx) => tx.signature_hash(),
            TypedTransaction::Eip2930(tx) => tx.signature_hash(),
            TypedTransaction::Eip1559(tx) => tx.signature_hash(),
            TypedTransaction::Eip4844(tx) => tx.signature_hash(),
            TypedTransaction::Eip7702(tx) => tx.signature_hash(),
        };
        let signature: Signature = self.key(account)?.sign_hash_sync(&hash).map_err(failed)?;
        Ok(match tx {
            TypedTransaction::Legacy(tx) => tx.into_signed(signature).into(),
            TypedTransaction::Eip2930(tx) => tx.into_signed(signature).into(),
            TypedTransaction::Eip1559(tx) => tx.into_signed(signature).into(),
            TypedTransaction::Eip4844(tx) => tx.into_signed(signature).into(),
            TypedTransaction::Eip7702(tx) => tx.into_signed(signature).into(),
        })
    }

    fn key(&self, account: Address) -> Answer<&PrivateKeySigner> {
        self.keys.get(&account).ok_or(RpcError::UnknownAccount)
    }
}

fn failed(error: alloy_signer::Error) -> RpcError {
    RpcError::Internal(format!("signing failed: {error}"))
}
