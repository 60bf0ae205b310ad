//! Paid answers under an API key, each with an idempotency key. What the key has spent must be
//! the sum of the fees of exactly the answers that were asked for.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use super::{Client, Turn, guest, text, until, wei};
use crate::{Answer, Http, Node};

/// Answers that the command line verifies at the end.
const VERIFIED: usize = 3;

struct Call {
    idempotency: String,
    body: Value,
    /// The whole answer, once it has arrived.
    answer: Option<Vec<u8>>,
    receipt: String,
}

/// One guest with one key.
pub struct Chats {
    session: Http,
    account: String,
    secret: String,
    model: String,
    calls: Vec<Call>,
    /// Fees in wei by receipt, as the node listed them.
    fees: BTreeMap<String, u128>,
}

impl Chats {
    /// Makes the guest and its key.
    pub fn new(node: &Node) -> Result<Self> {
        let (session, account) = guest(node)?;
        let made = session.post("/api/v1/keys", &json!({ "name": "load", "cap": "50.0" }))?.ok()?;
        let secret = text(&made, "/key").to_owned();
        let model = text(node.config(), "/models/0").to_owned();
        Ok(Self { session, account, secret, model, calls: vec![], fees: BTreeMap::new() })
    }

    fn ask(&mut self, node: &Http, position: usize) -> Result<Turn> {
        let http = Http::new(node.base()).with_key(&self.secret);
        let Some(call) = self.calls.get_mut(position) else { return Ok(Turn::Done) };
        let http = http.with("idempotency-key", &call.idempotency);
        let Ok(answer) = http.post("/v1/chat/completions", &call.body) else {
            return Ok(Turn::Gone);
        };
        if answer.status == 429 {
            return Ok(Turn::Done);
        }
        ensure!(answer.status == 200, "{} {}", answer.status, answer.text());
        let Some(receipt) = receipt_of(&answer)? else { return Ok(Turn::Gone) };
        call.receipt = receipt;
        call.answer = Some(answer.body);
        Ok(Turn::Done)
    }

    /// The newest acknowledged call again: the same bytes, and nothing is paid.
    fn replay(&self, node: &Http) -> Result<()> {
        let Some(call) = self.calls.iter().rev().find(|call| call.answer.is_some()) else {
            return Ok(());
        };
        let http = Http::new(node.base()).with_key(&self.secret);
        let http = http.with("idempotency-key", &call.idempotency);
        let again = http.post("/v1/chat/completions", &call.body)?;
        ensure!(again.header("idempotency-replayed") == Some("true"), "{}", again.text());
        ensure!(Some(&again.body) == call.answer.as_ref(), "another answer: {}", again.text());
        Ok(())
    }

    /// Receipts of this account, all of them, with fees.
    fn listed(&mut self, node: &Http) -> Result<()> {
        let mut after = String::new();
        self.fees.clear();
        loop {
            let path = format!("/api/v1/receipts?limit=100&account={}{after}", self.account);
            let page = node.get(&path)?.ok()?;
            let items = page.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
            for item in &items {
                self.fees.insert(text(item, "/id").to_owned(), wei(item, "/fee")?);
            }
            if page.get("has_more") != Some(&Value::Bool(true)) {
                return Ok(());
            }
            let last = items.last().and_then(|item| item.get("seq")).context("a sequence")?;
            after = format!("&after={last}");
        }
    }

    fn books_balance(&mut self, node: &Http) -> Result<Value> {
        self.listed(node)?;
        let calls: Vec<&Call> = self.calls.iter().filter(|call| call.answer.is_some()).collect();
        for call in &calls {
            let known = self.fees.contains_key(&call.receipt);
            ensure!(known, "acknowledged and lost: receipt {}", call.receipt);
        }
        let asked = calls.len();
        ensure!(asked == self.fees.len(), "{asked} answers, {} receipts", self.fees.len());
        let keys = self.session.at(node.base()).get("/api/v1/keys")?.ok()?;
        let key = keys.pointer("/items/0").cloned().context("the key is gone")?;
        let (spent, fees) = (wei(&key, "/spent")?, self.fees.values().sum::<u128>());
        ensure!(spent == fees, "the key has spent {spent}, its answers cost {fees}");
        ensure!(wei(&key, "/held")? == 0, "money is held for nobody: {key}");
        Ok(key)
    }

    /// A receipt with its private side says what was answered, and holds.
    fn holds(&self, node: &Http, call: &Call) -> Result<()> {
        let http = Http::new(node.base()).with_key(&self.secret);
        let path = format!("/api/v1/receipts/{}", call.receipt);
        let transcript = http.get(&format!("{path}/transcript"))?.ok()?;
        let completion = text(&transcript, "/completion");
        let answered = answered_text(call.answer.as_deref().unwrap_or_default());
        ensure!(answered == completion, "answered `{answered}`, kept `{completion}`");
        let report = http.get(&format!("{path}/verify"))?.ok()?;
        let failed = report.get("checks").and_then(Value::as_array).into_iter().flatten();
        let failed = failed.filter(|check| text(check, "/status") == "failed");
        ensure!(failed.count() == 0, "receipt {} does not hold: {report}", call.receipt);
        Ok(())
    }
}

/// The receipt's id, or `None` when a stream broke off before it came.
fn receipt_of(answer: &Answer) -> Result<Option<String>> {
    let value = answer.json();
    if !value.is_null() {
        let id = text(&value, "/tributary/receipt_id").to_owned();
        ensure!(!id.is_empty(), "an answer without a receipt: {value}");
        return Ok(Some(id));
    }
    let stream = answer.text();
    if !stream.ends_with("data: [DONE]\n\n") {
        return Ok(None);
    }
    let id = chunks(&stream).find_map(|chunk| {
        let id = chunk.pointer("/tributary/receipt_id")?.as_str()?;
        Some(id.to_owned())
    });
    id.map(Some).with_context(|| format!("a stream without a receipt: {stream}"))
}

fn chunks(stream: &str) -> impl Iterator<Item = Value> + '_ {
    let lines = stream.lines().filter_map(|line| line.strip_prefix("data: "));
    lines.filter_map(|line| serde_json::from_str(line).ok())
}

/// The content of an answer, whole or streamed.
fn answered_text(body: &[u8]) -> String {
    if let Ok(value) = serde_json::from_slice::<Value>(body) {
        return text(&value, "/choices/0/message/content").to_owned();
    }
    let stream = String::from_utf8_lossy(body);
    let parts: Vec<String> =
        chunks(&stream).map(|chunk| text(&chunk, "/choices/0/delta/content").to_owned()).collect();
    parts.concat()
}

impl Client for Chats {
    fn act(&mut self, node: &Http, rng: &mut ChaCha8Rng) -> Result<Turn> {
        let content = format!("Name ship {}.", rng.random::<u16>());
        let mut body = json!({
            "model": self.model,
            "messages": [{ "role": "user", "content": content }],
            "max_tokens": rng.random_range(4..24),
            "temperature": if rng.random_ratio(1, 2) { 0.0 } else { 0.8 },
        });
        if rng.random_ratio(1, 3) {
            body["stream"] = json!(true);
        }
        let idempotency = format!("call-{:016x}", rng.random::<u64>());
        self.calls.push(Call { idempotency, body, answer: None, receipt: String::new() });
        self.ask(node, self.calls.len() - 1)
    }

    fn check(&mut self, node: &Http) -> Result<()> {
        for position in 0..self.calls.len() {
            if self.calls.get(position).is_some_and(|call| call.answer.is_none()) {
                until("answer", || {
                    ensure!(self.ask(node, position)? == Turn::Done, "no answer");
                    Ok(self.calls.get(position).filter(|call| call.answer.is_some()).map(|_| ()))
                })?;
            }
        }
        self.books_balance(node)?;
        self.replay(node)?;
        self.calls.last().map_or(Ok(()), |call| self.holds(node, call))
    }

    fn close(&mut self, node: &Node) -> Result<()> {
        let http = Http::new(node.setting("console_url"));
        self.check(&http)?;
        for call in &self.calls {
            self.holds(&http, call)?;
        }
        for call in self.calls.iter().rev().take(VERIFIED) {
            until("receipt in a posted root", || {
                let shown = http.get(&format!("/api/v1/receipts/{}", call.receipt))?.ok()?;
                Ok((text(&shown, "/state") != "pending").then_some(()))
            })?;
            let arguments = ["receipt", "verify", &call.receipt, "--api-key", &self.secret];
            let verified = node.cli(&arguments)?;
            ensure!(verified.code == 0, "{verified:?}");
        }
        let key = self.books_balance(&http)?;
        let (spent, redeemed) = (wei(&key, "/spent")?, wei(&key, "/redeemed")?);
        ensure!(spent == redeemed, "spent {spent}, redeemed {redeemed}");
        Ok(())
    }

    fn tally(&self) -> String {
        format!("{} receipts", self.calls.iter().filter(|call| call.answer.is_some()).count())
    }
}
