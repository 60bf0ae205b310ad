//! A chain that tests write by hand: blocks with events, and the modules' views.
//!
//! It answers the requests that [`crate::Follower`] and pages make; nothing is executed.

use std::{collections::BTreeMap, sync::Arc};

use alloy_primitives::{Address, B256, Bytes, U256, hex, keccak256};
use alloy_sol_types::{SolCall, SolEvent, SolValue};
use async_trait::async_trait;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tributary_client::{RpcFault, Transport, TransportError};
use tributary_contracts::{CHAIN_ID_DEV, IDatanets, IModels, ITasks};

/// A transaction to put into a block.
#[derive(Clone, Debug, Default)]
pub struct FakeTx {
    from: Address,
    to: Address,
    value: U256,
    input: Bytes,
    failed: bool,
    logs: Vec<(Address, Vec<B256>, Bytes)>,
}

impl FakeTx {
    /// A call.
    pub fn call<C: SolCall>(from: Address, to: Address, call: &C) -> Self {
        Self { from, to, input: call.abi_encode().into(), ..Self::default() }
    }

    /// A transfer.
    pub fn transfer(from: Address, to: Address, wei: u128) -> Self {
        Self { from, to, value: U256::from(wei), ..Self::default() }
    }

    /// With coins.
    pub fn with_value(mut self, wei: u128) -> Self {
        self.value = U256::from(wei);
        self
    }

    /// Emits an event of its recipient.
    pub fn emits<E: SolEvent>(mut self, event: &E) -> Self {
        let log = event.encode_log_data();
        self.logs.push((self.to, log.topics().to_vec(), log.data));
        self
    }

    /// Reverts.
    pub fn reverts(mut self) -> Self {
        self.failed = true;
        self
    }
}

struct FakeBlock {
    hash: B256,
    parent: B256,
    time: u64,
    txs: Vec<(B256, FakeTx)>,
}

#[derive(Default)]
struct State {
    blocks: Vec<FakeBlock>,
    datanets: BTreeMap<u64, IDatanets::Datanet>,
    contributions: BTreeMap<u64, IDatanets::Contribution>,
    models: BTreeMap<u64, IModels::Model>,
    tasks: BTreeMap<u64, ITasks::Task>,
    balances: BTreeMap<Address, U256>,
    fork: u64,
}

/// The chain. Cheap to clone; clones share it.
#[derive(Clone, Default)]
pub struct FakeChain {
    state: Arc<Mutex<State>>,
}

impl FakeChain {
    /// A chain with an empty genesis block at this time.
    pub fn new(genesis_time: u64) -> Self {
        let chain = Self::default();
        chain.add_block(genesis_time, Vec::new());
        chain
    }

    /// Appends a block; its transactions' hashes.
    pub fn add_block(&self, time: u64, txs: Vec<FakeTx>) -> Vec<B256> {
        let mut state = self.state.lock();
        let parent = state.blocks.last().map_or(B256::ZERO, |block| block.hash);
        let seed = (parent, U256::from(state.blocks.len()), U256::from(state.fork));
        let hash = keccak256(seed.abi_encode());
        let txs: Vec<_> = txs
            .into_iter()
            .enumerate()
            .map(|(at, tx)| (keccak256((hash, U256::from(at)).abi_encode()), tx))
            .collect();
        let hashes = txs.iter().map(|(hash, _)| *hash).collect();
        state.blocks.push(FakeBlock { hash, parent, time, txs });
        hashes
    }

    /// Forgets every block above `number`; the next ones have other hashes.
    pub fn rewind(&self, number: u64) {
        let mut state = self.state.lock();
        let keep = usize::try_from(number).map_or(usize::MAX, |number| number.saturating_add(1));
        state.blocks.truncate(keep);
        state.fork += 1;
    }

    /// What `getDatanet` answers.
    pub fn set_datanet(&self, datanet: IDatanets::Datanet) {
        self.state.lock().datanets.insert(datanet.id, datanet);
    }

    /// What `getContribution` answers.
    pub fn set_contribution(&self, contribution: IDatanets::Contribution) {
        self.state.lock().contributions.insert(contribution.id, contribution);
    }

    /// What `getModel` answers.
    pub fn set_model(&self, model: IModels::Model) {
        self.state.lock().models.insert(model.id, model);
    }

    /// What `getTask` answers.
    pub fn set_task(&self, task: ITasks::Task) {
        self.state.lock().tasks.insert(task.id, task);
    }

    /// What `eth_getBalance` answers.
    pub fn set_balance(&self, account: Address, wei: u128) {
        self.state.lock().balances.insert(account, U256::from(wei));
    }

    /// Hash of a block.
    pub fn block_hash(&self, number: u64) -> Option<B256> {
        let state = self.state.lock();
        usize::try_from(number).ok().and_then(|at| state.blocks.get(at)).map(|block| block.hash)
    }
}

impl State {
    fn block(&self, name: &str, full: bool) -> Value {
        let last = self.blocks.len().saturating_sub(1);
        let number = match name {
            "latest" | "pending" | "safe" | "finalized" => last,
            hex => usize::from_str_radix(hex.trim_start_matches("0x"), 16).unwrap_or(usize::MAX),
        };
        let Some(block) = self.blocks.get(number) else { return Value::Null };
        let txs: Vec<Value> = block
            .txs
            .iter()
            .enumerate()
            .map(
                |(at, (hash, tx))| {
                    if full { transaction(block, number, at, *hash, tx) } else { json!(hash) }
                },
            )
            .collect();
        json!({
            "number": quantity(number), "hash": block.hash, "parentHash": block.parent,
            "timestamp": format!("0x{:x}", block.time), "gasUsed": quantity(21_000 * block.txs.len()),
            "gasLimit": "0x1c9c380", "baseFeePerGas": "0x7", "size": "0x220", "miner": Address::ZERO,
            "difficulty": "0x0", "extraData": "0x", "logsBloom": format!("0x{}", "00".repeat(256)),
            "mixHash": B256::ZERO, "nonce": "0x0000000000000000", "receiptsRoot": B256::ZERO,
            "sha3Uncles": B256::ZERO, "stateRoot": B256::ZERO, "transactionsRoot": B256::ZERO,
            "uncles": [], "transactions": txs,
        })
    }

    fn receipt(&self, wanted: &str) -> Value {
        for (number, block) in self.blocks.iter().enumerate() {
            let mut log_index = 0;
            for (at, (hash, tx)) in block.txs.iter().enumerate() {
                let mut logs = Vec::new();
                for (emitter, topics, data) in &tx.logs {
                    logs.push(json!({
                        "address": emitter, "topics": topics, "data": data,
                        "blockNumber": quantity(number), "blockHash": block.hash,
                        "transactionHash": hash, "transactionIndex": quantity(at),
                        "logIndex": quantity(log_index), "removed": false,
                    }));
                    log_index += 1;
                }
                if format!("{hash:#x}") == wanted {
                    return json!({
                        "transactionHash": hash, "transactionIndex": quantity(at),
                        "blockHash": block.hash, "blockNumber": quantity(number),
                        "from": tx.from, "to": tx.to, "contractAddress": null,
                        "gasUsed": "0x5208", "cumulativeGasUsed": "0x5208",
                        "effectiveGasPrice": "0x3b9aca00", "type": "0x2", "logs": logs,
                        "logsBloom": format!("0x{}", "00".repeat(256)),
                        "status": if tx.failed { "0x0" } else { "0x1" },
                    });
                }
            }
        }
        Value::Null
    }

    fn view(&self, data: &[u8]) -> Option<Vec<u8>> {
        let (selector, args) = data.split_at_checked(4)?;
        let selector: [u8; 4] = selector.try_into().ok()?;
        let id: u64 = U256::abi_decode(args.get(..32)?).ok()?.try_into().ok()?;
        match selector {
            IDatanets::getDatanetCall::SELECTOR => self.datanets.get(&id).map(SolValue::abi_encode),
            IDatanets::getContributionCall::SELECTOR => {
                self.contributions.get(&id).map(SolValue::abi_encode)
            }
            IModels::getModelCall::SELECTOR => self.models.get(&id).map(SolValue::abi_encode),
            ITasks::getTaskCall::SELECTOR => self.tasks.get(&id).map(SolValue::abi_encode),
            _ => None,
        }
    }
}

fn quantity(number: usize) -> String {
    format!("0x{number:x}")
}

fn transaction(block: &FakeBlock, number: usize, at: usize, hash: B256, tx: &FakeTx) -> Value {
    json!({
        "hash": hash, "nonce": quantity(at), "blockHash": block.hash,
        "blockNumber": quantity(number), "transactionIndex": quantity(at),
        "from": tx.from, "to": tx.to, "value": tx.value, "input": tx.input, "gas": "0x7a120",
        "gasPrice": "0x3b9aca00", "maxFeePerGas": "0x77359400", "maxPriorityFeePerGas": "0x1",
        "type": "0x2", "chainId": format!("0x{CHAIN_ID_DEV:x}"), "accessList": [],
        "v": "0x0", "yParity": "0x0", "r": "0x1", "s": "0x1",
    })
}

#[async_trait]
impl Transport for FakeChain {
    async fn request(&self, method: &str, params: Value) -> Result<Value, TransportError> {
        let text = |at: usize| params.get(at).and_then(Value::as_str).unwrap_or_default();
        let state = self.state.lock();
        Ok(match method {
            "eth_chainId" => json!(format!("0x{CHAIN_ID_DEV:x}")),
            "eth_blockNumber" => json!(quantity(state.blocks.len().saturating_sub(1))),
            "eth_getBlockByNumber" => {
                state.block(text(0), params.get(1).and_then(Value::as_bool).unwrap_or(false))
            }
            "eth_getTransactionReceipt" => state.receipt(text(0)),
            "eth_getBalance" => {
                let account: Address = text(0).parse().unwrap_or_default();
                json!(state.balances.get(&account).copied().unwrap_or_default())
            }
            "eth_call" => {
                let call = params.get(0).unwrap_or(&Value::Null);
                let data = call.get("data").and_then(Value::as_str).unwrap_or_default();
                let data = hex::decode(data).unwrap_or_default();
                match state.view(&data) {
                    Some(output) => json!(Bytes::from(output)),
                    None => return Err(reverted()),
                }
            }
            other => return Err(unknown(other)),
        })
    }
}

fn reverted() -> TransportError {
    TransportError::Fault(RpcFault {
        code: 3,
        message: "execution reverted".into(),
        data: Some(json!("0x")),
    })
}

fn unknown(method: &str) -> TransportError {
    TransportError::Fault(RpcFault {
        code: -32601,
        message: format!("{method} is not faked"),
        data: None,
    })
}
