//! The typed view of a chain: blocks, balances, logs and contract calls.

use std::sync::Arc;

use alloy_eips::BlockNumberOrTag;
use alloy_primitives::{Address, B256, Bytes};
use alloy_rpc_types_eth::{Block, Filter, Log, TransactionReceipt};
use alloy_sol_types::SolCall;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tributary_primitives::{Amount, U256};

use crate::{
    ClientError,
    revert::revert_of,
    transport::{Transport, TransportError},
};

/// A block by its three names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockRef {
    /// Height.
    pub number: u64,
    /// Hash.
    pub hash: B256,
    /// Seconds since 1970.
    pub timestamp: u64,
}

/// A chain behind a transport. Cheap to clone.
#[derive(Clone)]
pub struct Chain {
    transport: Arc<dyn Transport>,
    chain_id: u64,
}

impl std::fmt::Debug for Chain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Chain({})", self.chain_id)
    }
}

impl Chain {
    /// Asks the node for its chain id.
    pub async fn connect(transport: Arc<dyn Transport>) -> Result<Self, ClientError> {
        let chain = Self { transport, chain_id: 0 };
        let id: U256 = chain.request("eth_chainId", json!([])).await?;
        let chain_id =
            u64::try_from(id).map_err(|error| ClientError::malformed("eth_chainId", error))?;
        Ok(Self { chain_id, ..chain })
    }

    /// The chain's id.
    pub fn chain_id(&self) -> u64 {
        self.chain_id
    }

    /// The way to the node.
    pub fn transport(&self) -> &Arc<dyn Transport> {
        &self.transport
    }

    /// A request with a typed answer.
    pub async fn request<T: DeserializeOwned>(
        &self,
        method: &str,
        params: Value,
    ) -> Result<T, ClientError> {
        let value = self.transport.request(method, params).await?;
        serde_json::from_value(value).map_err(|error| ClientError::malformed(method, error))
    }

    /// The newest block.
    pub async fn head(&self) -> Result<BlockRef, ClientError> {
        let block = self.block_named("latest").await?;
        block.ok_or_else(|| ClientError::malformed("eth_getBlockByNumber", "there is no head"))
    }

    /// A block by height.
    pub async fn block_ref(&self, number: u64) -> Result<Option<BlockRef>, ClientError> {
        self.block_named(&format!("0x{number:x}")).await
    }

    async fn block_named(&self, name: &str) -> Result<Option<BlockRef>, ClientError> {
        #[derive(Deserialize)]
        struct Header {
            number: U256,
            hash: B256,
            timestamp: U256,
        }
        let header: Option<Header> =
            self.request("eth_getBlockByNumber", json!([name, false])).await?;
        Ok(header.map(|header| BlockRef {
            number: header.number.saturating_to(),
            hash: header.hash,
            timestamp: header.timestamp.saturating_to(),
        }))
    }

    /// A whole block, with or without its transactions' bodies.
    pub async fn block(&self, number: u64, full: bool) -> Result<Option<Block>, ClientError> {
        self.request("eth_getBlockByNumber", json!([format!("0x{number:x}"), full])).await
    }

    /// An account's OPEN.
    pub async fn balance(&self, account: Address) -> Result<Amount, ClientError> {
        let wei: U256 = self.request("eth_getBalance", json!([account, "latest"])).await?;
        Amount::try_from_u256(wei).map_err(|error| ClientError::malformed("eth_getBalance", error))
    }

    /// The next nonce of an account, waiting transactions counted.
    pub async fn nonce(&self, account: Address) -> Result<u64, ClientError> {
        let nonce: U256 =
            self.request("eth_getTransactionCount", json!([account, "pending"])).await?;
        Ok(nonce.saturating_to())
    }

    /// Code at an address.
    pub async fn code(&self, account: Address) -> Result<Bytes, ClientError> {
        self.request("eth_getCode", json!([account, "latest"])).await
    }

    /// Logs that match.
    pub async fn logs(&self, filter: &Filter) -> Result<Vec<Log>, ClientError> {
        self.request("eth_getLogs", json!([filter])).await
    }

    /// What became of a transaction, once it is included.
    pub async fn receipt(&self, tx: B256) -> Result<Option<TransactionReceipt>, ClientError> {
        self.request("eth_getTransactionReceipt", json!([tx])).await
    }

    /// Hands a signed transaction to the node.
    pub async fn send_raw(&self, raw: &[u8]) -> Result<B256, ClientError> {
        let raw = Bytes::copy_from_slice(raw);
        self.request("eth_sendRawTransaction", json!([raw])).await
    }

    /// A typed view call on the newest state.
    pub async fn call<C: SolCall>(&self, to: Address, call: &C) -> Result<C::Return, ClientError> {
        self.call_at(to, call, BlockNumberOrTag::Latest).await
    }

    /// A typed view call on the state after a block.
    pub async fn call_at<C: SolCall>(
        &self,
        to: Address,
        call: &C,
        block: BlockNumberOrTag,
    ) -> Result<C::Return, ClientError> {
        let data = Bytes::from(call.abi_encode());
        let params = json!([{"to": to, "data": data}, block]);
        let output: Bytes = match self.transport.request("eth_call", params).await {
            Ok(value) => serde_json::from_value(value)
                .map_err(|error| ClientError::malformed(C::SIGNATURE, error))?,
            Err(TransportError::Fault(fault)) => return Err(revert_of(to, fault)),
            Err(error) => return Err(error.into()),
        };
        C::abi_decode_returns(&output).map_err(|error| ClientError::malformed(C::SIGNATURE, error))
    }
}
