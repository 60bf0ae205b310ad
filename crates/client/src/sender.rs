//! From a prepared call to its receipt: nonce, fees, signature, inclusion.

use std::{sync::Arc, time::Duration};

use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, TxKind};
use alloy_rpc_types_eth::TransactionReceipt;
use alloy_sol_types::SolCall;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::{
    sync::{Mutex, OwnedMutexGuard},
    time::Instant,
};
use tributary_primitives::{Amount, U256};

use crate::{Chain, ClientError, Signer, revert::revert_of, transport::TransportError};

/// A call ready to be signed: a wallet, a guest's key and the CLI sign the same bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// The module or account.
    pub to: Address,
    /// OPEN that goes with it.
    pub value: Amount,
    /// ABI-encoded arguments.
    pub data: Bytes,
    /// What it does, in one sentence.
    pub summary: String,
}

impl Call {
    /// A call without value.
    pub fn new<C: SolCall>(to: Address, call: &C, summary: impl Into<String>) -> Self {
        Self::paying(to, Amount::ZERO, call, summary)
    }

    /// A call with value.
    pub fn paying<C: SolCall>(
        to: Address,
        value: Amount,
        call: &C,
        summary: impl Into<String>,
    ) -> Self {
        Self { to, value, data: call.abi_encode().into(), summary: summary.into() }
    }
}

/// Sends one account's transactions, one nonce after the other. Share one per key.
#[derive(Clone, Debug)]
pub struct Sender {
    chain: Chain,
    signer: Signer,
    turn: Arc<Mutex<()>>,
    deadline: Duration,
}

/// A signed transaction that has not left yet. It holds its sender's turn, so no other one takes
/// its nonce while the caller notes it.
#[must_use = "a signed transaction does nothing until it is handed over"]
#[derive(Debug)]
pub struct Signed {
    /// Its hash.
    pub hash: B256,
    /// What goes to the node.
    pub raw: Bytes,
    _turn: OwnedMutexGuard<()>,
}

/// Smallest tip: the pool orders by it and refuses none.
const TIP_WEI: u128 = 1_000_000;

impl Sender {
    /// For one key on one chain.
    pub fn new(chain: Chain, signer: Signer) -> Self {
        Self { chain, signer, turn: Arc::default(), deadline: Duration::from_secs(30) }
    }

    /// How long to wait for inclusion.
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Who sends.
    pub fn address(&self) -> Address {
        self.signer.address()
    }

    /// Where to.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// The key.
    pub fn signer(&self) -> &Signer {
        &self.signer
    }

    /// Sends and waits until included. A revert comes back decoded.
    pub async fn send(&self, call: &Call) -> Result<TransactionReceipt, ClientError> {
        let hash = self.submit(call).await?;
        self.outcome(call, hash).await
    }

    /// Waits for a submitted call. A revert comes back decoded.
    pub async fn outcome(&self, call: &Call, tx: B256) -> Result<TransactionReceipt, ClientError> {
        let receipt = self.wait(tx).await?;
        if !receipt.status() {
            return Err(self.explain(call, &receipt).await);
        }
        Ok(receipt)
    }

    /// Sends several calls in order, each after the one before is included.
    pub async fn send_all(&self, calls: &[Call]) -> Result<Vec<TransactionReceipt>, ClientError> {
        let mut receipts = Vec::with_capacity(calls.len());
        for call in calls {
            receipts.push(self.send(call).await?);
        }
        Ok(receipts)
    }

    /// Plain transfer.
    pub async fn transfer(
        &self,
        to: Address,
        value: Amount,
    ) -> Result<TransactionReceipt, ClientError> {
        let summary = format!("send {value} to {to}");
        self.send(&Call { to, value, data: Bytes::new(), summary }).await
    }

    /// Signs and hands over without waiting.
    pub async fn submit(&self, call: &Call) -> Result<B256, ClientError> {
        let signed = self.sign(call).await?;
        self.hand_over(signed).await
    }

    /// Gives a signed transaction to the node, and the turn to the next one.
    pub async fn hand_over(&self, signed: Signed) -> Result<B256, ClientError> {
        self.chain.send_raw(&signed.raw).await
    }

    /// Signs with the next nonce.
    pub async fn sign(&self, call: &Call) -> Result<Signed, ClientError> {
        let turn = Arc::clone(&self.turn).lock_owned().await;
        let gas_limit = self.estimate(call).await?;
        let nonce = self.chain.nonce(self.address()).await?;
        let max_fee_per_gas = self.max_fee().await?;
        let transaction = TxEip1559 {
            chain_id: self.chain.chain_id(),
            nonce,
            gas_limit,
            max_fee_per_gas,
            max_priority_fee_per_gas: TIP_WEI.min(max_fee_per_gas),
            to: TxKind::Call(call.to),
            value: call.value.to_u256(),
            access_list: Default::default(),
            input: call.data.clone(),
        };
        let signature = self.signer.sign_raw(&transaction.signature_hash())?;
        let envelope = TxEnvelope::from(transaction.into_signed(signature));
        let raw = envelope.encoded_2718().into();
        Ok(Signed { hash: *envelope.tx_hash(), raw, _turn: turn })
    }

    /// Waits for a transaction's inclusion.
    pub async fn wait(&self, tx: B256) -> Result<TransactionReceipt, ClientError> {
        let end = Instant::now() + self.deadline;
        let mut pause = Duration::from_millis(5);
        loop {
            if let Some(receipt) = self.chain.receipt(tx).await? {
                return Ok(receipt);
            }
            if Instant::now() >= end {
                let after_ms = self.deadline.as_millis() as u64;
                return Err(ClientError::TimedOut { tx, after_ms });
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(100));
        }
    }

    /// Gas with a fifth to spare: state may move between estimate and inclusion.
    async fn estimate(&self, call: &Call) -> Result<u64, ClientError> {
        let params = json!([{
            "from": self.address(), "to": call.to, "value": call.value.to_u256(), "data": call.data,
        }]);
        match self.chain.transport().request("eth_estimateGas", params).await {
            Ok(value) => {
                let gas: U256 = serde_json::from_value(value)
                    .map_err(|error| ClientError::malformed("eth_estimateGas", error))?;
                let gas: u64 = gas.saturating_to();
                Ok(gas.saturating_add(gas / 5))
            }
            Err(TransportError::Fault(fault)) => {
                if fault.message.contains("insufficient funds") {
                    let have = self.chain.balance(self.address()).await?;
                    let need = call.value;
                    return Err(ClientError::InsufficientFunds {
                        account: self.address(),
                        have,
                        need,
                    });
                }
                Err(revert_of(call.to, fault))
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn max_fee(&self) -> Result<u128, ClientError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Head {
            base_fee_per_gas: Option<U256>,
        }
        let head: Head =
            self.chain.request("eth_getBlockByNumber", json!(["latest", false])).await?;
        let base: u128 = head.base_fee_per_gas.unwrap_or_default().saturating_to();
        Ok(base.saturating_mul(2).saturating_add(TIP_WEI))
    }

    /// Runs a failed call again on the state before its block to learn its error.
    async fn explain(&self, call: &Call, receipt: &TransactionReceipt) -> ClientError {
        let block = receipt.block_number.unwrap_or_default().saturating_sub(1);
        let params = json!([{
            "from": self.address(), "to": call.to, "value": call.value.to_u256(), "data": call.data,
        }, format!("0x{block:x}")]);
        match self.chain.transport().request("eth_call", params).await {
            Err(TransportError::Fault(fault)) => revert_of(call.to, fault),
            Err(error) => error.into(),
            Ok(_) => ClientError::Overtaken { what: call.summary.clone() },
        }
    }
}
