//! The node beside anvil over JSON-RPC: the same signed transactions to both, from the first byte
//! sent to the last nonce counted, in turns. Prints Markdown rows.
//!
//! The node acknowledges a transaction after it is on disk and makes each block durable; anvil
//! keeps everything in memory. `TRIBUTARY_BIN`, `TRIBUTARY_ANVIL` and `TRIBUTARY_CLIENTS` say
//! where the programs and the compiler are; `cargo xtask bench blocks` sets them.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_eips::Encodable2718;
use alloy_primitives::{Address, Bytes, TxKind, U256, hex, keccak256};
use alloy_signer::SignerSync;
use alloy_signer_local::coins_bip39::English;
use alloy_signer_local::{MnemonicBuilder, PrivateKeySigner};
use alloy_sol_types::{SolCall, SolValue};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tributary_contracts::{CHAIN_ID_DEV, IOpen, OPEN};
use tributary_e2e::Node;

const MNEMONIC: &str = "test test test test test test test test test test test junk";
/// The first accounts of the mnemonic; the one behind them deploys, the node's own actors follow.
const SENDERS: u32 = 9;
/// Transactions of one sender in one round.
const EACH: u64 = 100;
/// Calls in one JSON-RPC batch.
const BATCH: usize = 100;
const ROUNDS: usize = 3;
const LIMIT: Duration = Duration::from_secs(120);

/// One side: where it answers, and which nonce comes next.
struct Side {
    name: &'static str,
    url: String,
    nonce: u64,
    coin: Address,
}

impl Side {
    fn call(&self, body: &Value) -> Result<Value> {
        let mut answer = ureq::post(&self.url).send_json(body).context(self.url.clone())?;
        Ok(answer.body_mut().with_config().limit(64 << 20).read_json()?)
    }

    fn request(&self, method: &str, params: Value) -> Result<Value> {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let answer = self.call(&body)?;
        ensure!(answer.get("error").is_none(), "{} {method}: {answer}", self.name);
        Ok(answer["result"].clone())
    }

    /// Sends all, then waits until every sender's nonce says that its last one is in a block.
    fn run(&self, raws: &[String], senders: &[PrivateKeySigner], until: u64) -> Result<f64> {
        let batches: Vec<Value> = raws.chunks(BATCH).map(batch).collect();
        let start = Instant::now();
        for batch in &batches {
            for answer in self.call(batch)?.as_array().context("a batch")? {
                ensure!(answer.get("error").is_none(), "{}: {answer}", self.name);
            }
        }
        let counts: Vec<Value> = senders
            .iter()
            .map(|s| line("eth_getTransactionCount", json!([s.address(), "latest"])))
            .collect();
        let wanted = format!("{until:#x}");
        loop {
            let answer = self.call(&Value::Array(counts.clone()))?;
            let all = answer.as_array().context("a batch")?;
            if all.iter().all(|count| count["result"] == wanted.as_str()) {
                return Ok(start.elapsed().as_secs_f64());
            }
            ensure!(start.elapsed() < LIMIT, "{} is stuck: {answer}", self.name);
            std::thread::park_timeout(Duration::from_millis(2));
        }
    }
}

fn line(method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params })
}

fn batch(raws: &[String]) -> Value {
    raws.iter().map(|raw| line("eth_sendRawTransaction", json!([raw]))).collect()
}

/// What a round sends.
#[derive(Clone, Copy)]
enum Work {
    Transfer,
    /// `transfer` of an ERC-20 contract.
    Contract,
    /// `transfer` of the coin's native module.
    Module,
}

fn signed(signer: &PrivateKeySigner, tx: TxEip1559) -> Result<String> {
    let signature = signer.sign_hash_sync(&tx.signature_hash())?;
    let tx: TxEnvelope = tx.into_signed(signature).into();
    Ok(hex::encode_prefixed(tx.encoded_2718()))
}

fn transactions(side: &Side, work: Work, senders: &[PrivateKeySigner]) -> Result<Vec<String>> {
    let mut raws = Vec::new();
    for nonce in side.nonce..side.nonce + EACH {
        for signer in senders {
            let fresh = keccak256((signer.address(), U256::from(nonce)).abi_encode());
            let (someone, one) = (Address::from_word(fresh), U256::from(1));
            let input: Bytes = IOpen::transferCall { to: someone, amount: one }.abi_encode().into();
            let (to, value, input) = match work {
                Work::Transfer => (someone, one, Bytes::new()),
                Work::Contract => (side.coin, U256::ZERO, input),
                Work::Module => (OPEN, U256::ZERO, input),
            };
            let tx = TxEip1559 {
                chain_id: CHAIN_ID_DEV,
                nonce,
                gas_limit: if input.is_empty() { 21_000 } else { 90_000 },
                max_fee_per_gas: 100_000_000_000,
                max_priority_fee_per_gas: 1_000_000_000,
                to: TxKind::Call(to),
                value,
                input,
                ..TxEip1559::default()
            };
            raws.push(signed(signer, tx)?);
        }
    }
    Ok(raws)
}

/// Deploys the contract from a sender of its own.
fn deploy(side: &mut Side, code: &Bytes) -> Result<()> {
    let signer = signer(SENDERS)?;
    let nonce = side.request("eth_getTransactionCount", json!([signer.address(), "latest"]))?;
    let nonce = u64::from_str_radix(nonce.as_str().unwrap_or("0x").trim_start_matches("0x"), 16)?;
    let tx = TxEip1559 {
        chain_id: CHAIN_ID_DEV,
        nonce,
        gas_limit: 2_000_000,
        max_fee_per_gas: 100_000_000_000,
        max_priority_fee_per_gas: 1_000_000_000,
        input: code.clone(),
        ..TxEip1559::default()
    };
    let hash = side.request("eth_sendRawTransaction", json!([signed(&signer, tx)?]))?;
    let start = Instant::now();
    loop {
        let receipt = side.request("eth_getTransactionReceipt", json!([hash]))?;
        if let Some(address) = receipt["contractAddress"].as_str() {
            ensure!(receipt["status"] == "0x1", "{receipt}");
            side.coin = address.parse()?;
            return Ok(());
        }
        ensure!(start.elapsed() < LIMIT, "no receipt");
    }
}

fn signer(index: u32) -> Result<PrivateKeySigner> {
    Ok(MnemonicBuilder::<English>::default().phrase(MNEMONIC).index(index)?.build()?)
}

fn compile(clients: &Path, senders: &[PrivateKeySigner]) -> Result<Bytes> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../clients/rpc/_compile.mjs");
    let output = Command::new("node").arg(script).arg("Coin").current_dir(clients).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let compiled: Value = serde_json::from_slice(&output.stdout)?;
    let mut code = hex::decode(compiled["bytecode"].as_str().context("bytecode")?)?;
    let holders: Vec<Address> = senders.iter().map(PrivateKeySigner::address).collect();
    code.extend((holders, U256::from(u64::MAX)).abi_encode_params());
    Ok(code.into())
}

/// Anvil, ended when dropped. What npm starts is a wrapper around it, so both are one group of
/// processes and end together.
struct Anvil(Child);

impl Drop for Anvil {
    fn drop(&mut self) {
        let group = format!("-{}", self.0.id());
        drop(Command::new("kill").args(["-KILL", "--", &group]).status());
        drop(self.0.wait());
    }
}

fn anvil(program: &Path) -> Result<(Anvil, String)> {
    // A free port, told by binding and letting go.
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let child = Command::new(program)
        .args(["--silent", "--accounts", "15", "--chain-id", &CHAIN_ID_DEV.to_string()])
        .args(["--port", &port.to_string()])
        .stdin(Stdio::null())
        .process_group(0)
        .spawn()
        .with_context(|| format!("cannot start {}", program.display()))?;
    let (anvil, url) = (Anvil(child), format!("http://127.0.0.1:{port}"));
    let start = Instant::now();
    while ureq::post(&url).send_json(line("eth_chainId", json!([]))).is_err() {
        ensure!(start.elapsed() < LIMIT, "anvil does not answer");
        std::thread::park_timeout(Duration::from_millis(20));
    }
    Ok((anvil, url))
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}

fn main() -> Result<()> {
    let clients =
        PathBuf::from(std::env::var_os("TRIBUTARY_CLIENTS").context("TRIBUTARY_CLIENTS")?);
    let program = PathBuf::from(std::env::var_os("TRIBUTARY_ANVIL").context("TRIBUTARY_ANVIL")?);
    let node = Node::start("bench")?.context("TRIBUTARY_BIN")?;
    let (_anvil, url) = anvil(&program)?;
    let senders: Vec<_> = (0..SENDERS).map(signer).collect::<Result<_>>()?;
    let code = compile(&clients, &senders)?;
    let side = |name, url: &str| Side { name, url: url.into(), nonce: 0, coin: Address::ZERO };
    let mut sides = [side("node", node.setting("rpc_url")), side("anvil 1.7.1", &url)];
    for side in &mut sides {
        deploy(side, &code)?;
    }
    let count = u64::from(SENDERS) * EACH;
    println!("| {count} transactions over JSON-RPC | node per second | anvil per second | ratio |");
    println!("|---|---|---|---|");
    for (what, ours, theirs) in [
        ("transfers", Work::Transfer, Work::Transfer),
        ("ERC-20 transfers by a contract", Work::Contract, Work::Contract),
        ("coin transfers by the module, by a contract", Work::Module, Work::Contract),
    ] {
        let mut times = [Vec::new(), Vec::new()];
        for _ in 0..ROUNDS {
            for (at, work) in [(0, ours), (1, theirs)] {
                let side = &mut sides[at];
                let raws = transactions(side, work, &senders)?;
                side.nonce += EACH;
                times[at].push(side.run(&raws, &senders, side.nonce)?);
            }
        }
        let [ours, theirs] = times.map(|times| count as f64 / median(times));
        println!("| {what} | {ours:.0} | {theirs:.0} | {:.2} |", ours / theirs);
    }
    Ok(())
}
