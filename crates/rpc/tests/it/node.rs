//! A dev chain with its interface.

use jsonrpsee::RpcModule;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tributary_consensus::{
    Chain, ChainConfig, Sequencer, SequencerConfig, SequencerHandle, SystemClock,
};
use tributary_execution::{Genesis, SequentialExecutor};
use tributary_rpc::{RpcConfig, RpcContext, module};
use tributary_storage::Store;
use tributary_txpool::{Pool, PoolConfig};

pub const ALICE: &str = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266";
pub const BOB: &str = "0x70997970c51812dc3a010c7d01b50e0d17dc79c8";

/// How long a test waits for something before it fails.
const HANG: Duration = Duration::from_secs(60);

pub struct Node {
    pub module: RpcModule<()>,
    pub chain: Chain,
    engine: SequencerHandle,
}

impl Node {
    pub fn start() -> Self {
        Self::with(RpcConfig::default(), true)
    }

    /// With bounds of its own, in the dev role or not.
    pub fn with(config: RpcConfig, dev: bool) -> Self {
        let genesis = Genesis::dev();
        let mut spec = genesis.spec().unwrap();
        spec.cheats = dev;
        let spec = Arc::new(spec);
        let store = Store::in_memory(&genesis.build().unwrap()).unwrap();
        let pool = Pool::open(Arc::clone(&spec), store.clone(), PoolConfig::default(), None);
        let executor = Arc::new(SequentialExecutor::new(Arc::clone(&spec)));
        let chain_config = ChainConfig { clock: Arc::new(SystemClock), ..ChainConfig::default() };
        let chain = Chain::new(spec, store, pool.unwrap(), executor, chain_config);
        let engine = Sequencer::start(chain.clone(), SequencerConfig::default()).unwrap();
        let context = RpcContext { chain: chain.clone(), dev: engine.dev() };
        Self { module: module(context, config).unwrap(), chain, engine }
    }

    /// The whole answer to a request as it would come over the wire.
    pub async fn raw(&self, request: &str) -> Value {
        answer_of(&self.module, request).await
    }

    /// The result of a call that must succeed.
    pub async fn call(&self, method: &str, params: Value) -> Value {
        let answer = self.answer(method, params.clone()).await;
        assert!(answer.get("error").is_none(), "{method} {params}: {answer}");
        answer["result"].clone()
    }

    /// The error of a call that must fail.
    pub async fn error(&self, method: &str, params: Value) -> Value {
        let answer = self.answer(method, params.clone()).await;
        assert!(answer.get("result").is_none(), "{method} {params}: {answer}");
        answer["error"].clone()
    }

    async fn answer(&self, method: &str, params: Value) -> Value {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        self.raw(&request.to_string()).await
    }

    /// Sends from a dev account and waits for the receipt.
    pub async fn transact(&self, mut request: Value) -> Value {
        request.as_object_mut().unwrap().entry("from").or_insert(ALICE.into());
        let hash = self.call("eth_sendTransaction", json!([request])).await;
        self.receipt(&hash).await
    }

    pub async fn receipt(&self, hash: &Value) -> Value {
        let deadline = Instant::now() + HANG;
        loop {
            let receipt = self.call("eth_getTransactionReceipt", json!([hash])).await;
            if !receipt.is_null() {
                return receipt;
            }
            assert!(Instant::now() < deadline, "no receipt of {hash}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    pub async fn number(&self, method: &str, params: Value) -> u128 {
        number(&self.call(method, params).await)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.engine.stop();
    }
}

/// The whole answer of an interface as it would come over the wire.
pub async fn answer_of(module: &RpcModule<()>, request: &str) -> Value {
    let (answer, _) = module.raw_json_request(request, 16).await.unwrap();
    serde_json::from_str(answer.get()).unwrap()
}

pub fn number(value: &Value) -> u128 {
    let text = value.as_str().unwrap_or_else(|| panic!("no quantity: {value}"));
    u128::from_str_radix(text.strip_prefix("0x").unwrap(), 16).unwrap()
}

/// Runtime code that logs its input's first word under topic 0x07 and stores it in slot 0; with
/// no input it reverts with `Error("empty")`.
pub fn recorder_code() -> String {
    // CALLDATASIZE PUSH1 0x47 JUMPI; else revert Error("empty")
    let revert = concat!(
        "36",
        "6047",
        "57", // calldatasize, jump to 0x47 when there is input
        "7f",
        "08c379a000000000000000000000000000000000000000000000000000000000",
        "6000",
        "52",
        "6020",
        "6004",
        "52", // offset
        "6005",
        "6024",
        "52", // length
        "64",
        "656d707479",
        "60d8",
        "1b",
        "6044",
        "52", // "empty" left aligned
        "6064",
        "6000",
        "fd",
    );
    let mut code = revert.to_owned();
    while code.len() / 2 < 0x47 {
        code.push_str("00");
    }
    // JUMPDEST; sstore(0, input); mstore(0, input); log1(0, 32, 7)
    code.push_str(concat!(
        "5b", "6000", "35", "80", "6000", "55", "6000", "52", "6007", "6020", "6000", "a1", "00"
    ));
    format!("0x{code}")
}

/// Init code that deploys a runtime code.
pub fn init_code(runtime: &str) -> String {
    let runtime = runtime.strip_prefix("0x").unwrap();
    let size = runtime.len() / 2;
    format!("0x60{size:02x}80600b6000396000f3{runtime}")
}
