//! A wallet that signs plain transfers with alloy, as any Ethereum client would: nothing of the
//! code under test takes part.

use alloy_consensus::{SignableTransaction as _, TxEip1559, TxEnvelope};
use alloy_eips::eip2718::Encodable2718 as _;
use alloy_primitives::{Address, TxKind, U256, hex};
use alloy_signer::SignerSync as _;
use alloy_signer_local::PrivateKeySigner;
use anyhow::{Context as _, Result};
use serde_json::Value;

/// Pays any base fee that a test reaches.
const MAX_FEE_WEI: u128 = 100_000_000_000;
/// Gas of a transfer to an account without code.
const TRANSFER_GAS: u64 = 21_000;

/// One private key.
#[derive(Clone)]
pub struct Wallet {
    key: PrivateKeySigner,
    chain_id: u64,
}

/// A signed transfer.
#[derive(Clone, Debug)]
pub struct Transfer {
    /// Its hash, as the client computes it.
    pub hash: String,
    /// The bytes for `eth_sendRawTransaction`.
    pub raw: String,
    /// The sender's nonce.
    pub nonce: u64,
    /// Who is paid.
    pub to: Address,
    /// How much.
    pub wei: u128,
}

impl Wallet {
    /// From a private key in hex.
    pub fn new(secret: &str, chain_id: u64) -> Result<Self> {
        Ok(Self { key: secret.parse()?, chain_id })
    }

    /// The account that `--config-out` lists under a role.
    pub fn of_role(config: &Value, role: &str) -> Result<Self> {
        let accounts = config.get("accounts").and_then(Value::as_array).context("accounts")?;
        let named = |entry: &&Value| entry.get("role").and_then(Value::as_str) == Some(role);
        let account = accounts.iter().find(named).with_context(|| format!("no account {role}"))?;
        let secret = account.get("private_key").and_then(Value::as_str).context("a private key")?;
        let chain_id = config.get("chain_id").and_then(Value::as_u64).context("a chain id")?;
        Self::new(secret, chain_id)
    }

    /// Its address.
    pub fn address(&self) -> Address {
        self.key.address()
    }

    /// Signs any digest; `0x` and 65 bytes.
    pub fn sign(&self, digest: [u8; 32]) -> Result<String> {
        let signature = self.key.sign_hash_sync(&digest.into())?;
        Ok(hex::encode_prefixed(signature.as_bytes()))
    }

    /// Signs a transfer.
    pub fn transfer(&self, nonce: u64, to: Address, wei: u128) -> Result<Transfer> {
        self.call(nonce, to, wei, Vec::new(), TRANSFER_GAS)
    }

    /// Signs a call with data.
    pub fn call(
        &self,
        nonce: u64,
        to: Address,
        wei: u128,
        data: Vec<u8>,
        gas_limit: u64,
    ) -> Result<Transfer> {
        let transaction = TxEip1559 {
            chain_id: self.chain_id,
            nonce,
            gas_limit,
            max_fee_per_gas: MAX_FEE_WEI,
            max_priority_fee_per_gas: 1,
            to: TxKind::Call(to),
            value: U256::from(wei),
            access_list: Default::default(),
            input: data.into(),
        };
        let signature = self.key.sign_hash_sync(&transaction.signature_hash())?;
        let signed = TxEnvelope::from(transaction.into_signed(signature));
        Ok(Transfer {
            hash: signed.tx_hash().to_string(),
            raw: hex::encode_prefixed(signed.encoded_2718()),
            nonce,
            to,
            wei,
        })
    }
}
