//! API keys made, topped up and revoked, each request with an idempotency key. Every key has one
//! channel, and every top-up is paid for once, however often a request was sent.

use alloy_primitives::{Address, B256, keccak256};
use anyhow::{Context as _, Result, ensure};
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use super::{Client, Turn, guest, text, wei};
use crate::{Http, Node};

/// Keys of a run at the most: a guest's gift pays for them.
const MOST: usize = 100;
/// What a key may spend, and what a top-up adds: 0.01 OPEN.
const CAP: &str = "0.01";
const CAP_WEI: u128 = 10_000_000_000_000_000;
const OPENED: &str = "ChannelOpened(bytes32,address,address,address,uint128,uint64)";
const TOPPED_UP: &str = "ChannelToppedUp(bytes32,address,uint128,uint128)";
const CLOSING: &str = "CloseRequested(bytes32,address,uint64)";

/// One request and what became of it.
struct Ask {
    path: String,
    body: Value,
    idempotency: String,
    answer: Option<Value>,
}

/// One key: how it was made, raised and stopped.
struct Key {
    make: Ask,
    raises: Vec<Ask>,
    stop: Option<Ask>,
}

impl Ask {
    fn new(path: String, body: Value, rng: &mut ChaCha8Rng) -> Self {
        let idempotency = format!("key-{:016x}", rng.random::<u64>());
        Self { path, body, idempotency, answer: None }
    }

    fn send(&mut self, session: &Http) -> Result<Turn> {
        let http = session.clone().with("idempotency-key", &self.idempotency);
        let Ok(answer) = http.post(&self.path, &self.body) else { return Ok(Turn::Gone) };
        if answer.status != 429 {
            self.answer = Some(answer.ok()?);
        }
        Ok(Turn::Done)
    }
}

impl Key {
    fn id(&self) -> Option<&str> {
        self.make.answer.as_ref().map(|made| text(made, "/id"))
    }

    fn asks(&mut self) -> impl Iterator<Item = &mut Ask> {
        std::iter::once(&mut self.make).chain(&mut self.raises).chain(&mut self.stop)
    }
}

/// One guest with many keys.
pub struct Keys {
    session: Http,
    account: String,
    channels: String,
    keys: Vec<Key>,
}

impl Keys {
    /// Makes the guest.
    pub fn new(node: &Node) -> Result<Self> {
        let (session, account) = guest(node)?;
        let channels = text(node.config(), "/contracts/channels").to_owned();
        Ok(Self { session, account, channels, keys: Vec::new() })
    }

    /// How often the module told of an event about this account.
    fn events(&self, node: &Http, signature: &str) -> Result<usize> {
        let payer: Address = self.account.parse()?;
        let topics = json!([keccak256(signature), null, B256::left_padding_from(payer.as_slice())]);
        let filter = json!({ "address": self.channels, "topics": topics, "fromBlock": "0x0" });
        let logs = node.rpc("eth_getLogs", json!([filter]))?;
        Ok(logs.as_array().context("logs")?.len())
    }

    fn books_balance(&self, session: &Http) -> Result<()> {
        let listed = session.get("/api/v1/keys")?.ok()?;
        let items = listed.get("items").and_then(Value::as_array).context("items")?;
        ensure!(items.len() == self.keys.len(), "{} keys, listed {listed}", self.keys.len());
        for key in &self.keys {
            let id = key.id().context("a key without an answer")?;
            let row = items.iter().find(|item| text(item, "/id") == id);
            let row = row.with_context(|| format!("acknowledged and lost: key {id}"))?;
            let cap = CAP_WEI * (1 + key.raises.len() as u128);
            ensure!(wei(row, "/cap")? == cap, "paid for a cap of {cap}: {row}");
            let active = row.get("active") == Some(&Value::Bool(true));
            ensure!(active == key.stop.is_none(), "revoked: {}, {row}", !active);
        }
        let raises: usize = self.keys.iter().map(|key| key.raises.len()).sum();
        let stops = self.keys.iter().filter(|key| key.stop.is_some()).count();
        for (signature, count) in [(OPENED, self.keys.len()), (TOPPED_UP, raises), (CLOSING, stops)]
        {
            let found = self.events(session, signature)?;
            ensure!(found == count, "asked for {count}, on chain {found} of {signature}");
        }
        Ok(())
    }
}

impl Client for Keys {
    fn act(&mut self, node: &Http, rng: &mut ChaCha8Rng) -> Result<Turn> {
        let session = self.session.at(node.base());
        std::thread::park_timeout(std::time::Duration::from_millis(20));
        let usable: Vec<usize> = (0..self.keys.len())
            .filter(|at| self.keys.get(*at).is_some_and(|k| k.stop.is_none() && k.id().is_some()))
            .collect();
        let chosen = usable.get(rng.random_range(0..usable.len().max(1))).copied();
        if let Some(key) = chosen.and_then(|at| self.keys.get_mut(at))
            && (rng.random_ratio(1, 2) || usable.len() >= MOST)
        {
            let path = format!("/api/v1/keys/{}", key.id().unwrap_or_default());
            if rng.random_ratio(1, 4) {
                let ask = Ask::new(format!("{path}/revoke"), json!({}), rng);
                return key.stop.insert(ask).send(&session);
            }
            let ask = Ask::new(format!("{path}/top-up"), json!({ "amount": CAP }), rng);
            key.raises.push(ask);
            return key.raises.last_mut().map_or(Ok(Turn::Done), |ask| ask.send(&session));
        }
        if self.keys.len() >= MOST {
            return Ok(Turn::Done);
        }
        let body = json!({ "name": format!("key {}", self.keys.len()), "cap": CAP });
        let make = Ask::new("/api/v1/keys".into(), body, rng);
        self.keys.push(Key { make, raises: Vec::new(), stop: None });
        self.keys.last_mut().map_or(Ok(Turn::Done), |key| key.make.send(&session))
    }

    fn check(&mut self, node: &Http) -> Result<()> {
        let session = self.session.at(node.base());
        for key in &mut self.keys {
            for ask in key.asks().filter(|ask| ask.answer.is_none()) {
                super::until("answer", || {
                    ensure!(ask.send(&session)? == Turn::Done, "no answer");
                    Ok(ask.answer.as_ref().map(|_| ()))
                })?;
            }
        }
        self.books_balance(&session)
    }

    fn close(&mut self, node: &Node) -> Result<()> {
        self.check(&Http::new(node.setting("console_url")))
    }

    fn tally(&self) -> String {
        let raises: usize = self.keys.iter().map(|key| key.raises.len()).sum();
        let stops = self.keys.iter().filter(|key| key.stop.is_some()).count();
        format!("{} keys ({raises} top-ups, {stops} revoked)", self.keys.len())
    }
}
