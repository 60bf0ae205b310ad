//! Raw transfers from one account, sometimes out of order, each to an address of its own.

use alloy_primitives::Address;
use anyhow::{Result, ensure};
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use super::{Client, Turn, until};
use crate::{Http, Node, Transfer, Wallet};

/// Signs and sends.
pub struct Transfers {
    wallet: Wallet,
    /// The next nonce that was never signed.
    nonce: u64,
    acknowledged: Vec<Transfer>,
    /// Sent without an answer, in the order of sending.
    doubtful: Vec<Transfer>,
    /// Acknowledged ones that were found after a restart.
    seen: usize,
}

impl Transfers {
    /// From an account of `--config-out`.
    pub fn new(node: &Node, role: &str) -> Result<Self> {
        let wallet = Wallet::of_role(node.config(), role)?;
        let http = Http::new(node.setting("rpc_url"));
        let count = http.rpc("eth_getTransactionCount", json!([wallet.address(), "latest"]))?;
        let count = count.as_str().unwrap_or_default();
        let nonce = u64::from_str_radix(count.trim_start_matches("0x"), 16)?;
        Ok(Self { wallet, nonce, acknowledged: Vec::new(), doubtful: Vec::new(), seen: 0 })
    }

    fn sign(&mut self, rng: &mut ChaCha8Rng) -> Result<Transfer> {
        let to = Address::from(rng.random::<[u8; 20]>());
        let transfer = self.wallet.transfer(self.nonce, to, rng.random_range(1..1_000_000))?;
        self.nonce += 1;
        Ok(transfer)
    }

    fn send(&mut self, node: &Http, transfer: Transfer) -> Result<Turn> {
        let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_sendRawTransaction",
            "params": [transfer.raw] });
        let Ok(answer) = node.post("/", &call) else {
            self.doubtful.push(transfer);
            return Ok(Turn::Gone);
        };
        let answer = answer.ok()?;
        ensure!(answer.get("result") == Some(&json!(transfer.hash)), "{answer}");
        self.acknowledged.push(transfer);
        Ok(Turn::Done)
    }
}

impl Client for Transfers {
    fn act(&mut self, node: &Http, rng: &mut ChaCha8Rng) -> Result<Turn> {
        let first = self.sign(rng)?;
        if !rng.random_ratio(1, 4) {
            return self.send(node, first);
        }
        // The later nonce first: an acknowledged transaction that has to wait in the pool.
        let second = self.sign(rng)?;
        if self.send(node, second)? == Turn::Gone {
            self.doubtful.insert(0, first);
            return Ok(Turn::Gone);
        }
        self.send(node, first)
    }

    fn check(&mut self, node: &Http) -> Result<()> {
        for transfer in self.acknowledged.iter().skip(self.seen) {
            let found = node.rpc("eth_getTransactionByHash", json!([transfer.hash]))?;
            ensure!(!found.is_null(), "acknowledged and lost: {transfer:?}");
        }
        self.doubtful.sort_by_key(|transfer| transfer.nonce);
        for transfer in std::mem::take(&mut self.doubtful) {
            // It may have arrived before the kill; then the node knows it, or has mined it.
            let _ = node.rpc("eth_sendRawTransaction", json!([transfer.raw]));
            let found = node.rpc("eth_getTransactionByHash", json!([transfer.hash]))?;
            ensure!(!found.is_null(), "sent again and not taken: {transfer:?}");
            self.acknowledged.push(transfer);
        }
        for transfer in self.acknowledged.iter().skip(self.seen) {
            let mined = until("transaction receipt", || {
                let receipt = node.rpc("eth_getTransactionReceipt", json!([transfer.hash]))?;
                Ok((!receipt.is_null()).then_some(receipt))
            })?;
            ensure!(mined.get("status") == Some(&json!("0x1")), "{mined}");
        }
        self.seen = self.acknowledged.len();
        Ok(())
    }

    fn close(&mut self, node: &Node) -> Result<()> {
        let http = Http::new(node.setting("rpc_url"));
        self.check(&http)?;
        for transfer in &self.acknowledged {
            let balance = http.rpc("eth_getBalance", json!([transfer.to, "latest"]))?;
            let expected = Value::from(format!("0x{:x}", transfer.wei));
            ensure!(balance == expected, "{transfer:?} paid {balance}");
        }
        Ok(())
    }

    fn tally(&self) -> String {
        format!("{} transactions", self.acknowledged.len())
    }
}
