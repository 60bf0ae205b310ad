//! Questions asked by tasks on chain: a prompt is left at the gateway, a task with escrow names
//! it. Every task that was taken is answered, once, and its answer is its asker's.

use alloy_primitives::{Address, B256};
use alloy_sol_types::SolCall as _;
use anyhow::{Context as _, Result, ensure};
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use tributary_contracts::{ITasks, TaskState};

use super::{Client, Turn, guest, text, until, wei};
use crate::{Http, Node, Transfer, Wallet};

/// Questions that may be open at one time.
const OPEN: usize = 4;
/// Gas of a submission.
const SUBMIT_GAS: u64 = 1_000_000;
/// Time that a task has, seconds.
const DURATION: u64 = 3_600;

struct Question {
    idempotency: String,
    body: Value,
    /// What the gateway keeps, once it has said so.
    kept: Option<Value>,
    /// The signed task, and whether it is known to be mined.
    task: Option<Transfer>,
    mined: bool,
    /// Its receipt, once it is answered.
    receipt: Option<String>,
}

/// One account that asks.
pub struct Questions {
    session: Http,
    wallet: Wallet,
    tasks: Address,
    model: String,
    nonce: u64,
    asked: Vec<Question>,
}

impl Questions {
    /// From an account of `--config-out`.
    pub fn new(node: &Node, role: &str) -> Result<Self> {
        let (session, _) = guest(node)?;
        let wallet = Wallet::of_role(node.config(), role)?;
        let http = Http::new(node.setting("rpc_url"));
        let count = http.rpc("eth_getTransactionCount", json!([wallet.address(), "latest"]))?;
        let nonce = hex_number(&count)?;
        let tasks = text(node.config(), "/contracts/tasks").parse()?;
        let model = text(node.config(), "/models/0").to_owned();
        Ok(Self { session, wallet, tasks, model, nonce, asked: Vec::new() })
    }

    /// Goes one step on with a question: leaves its prompt, sends its task, looks for its block.
    fn step(&mut self, node: &Http, position: usize) -> Result<Turn> {
        let Some(question) = self.asked.get_mut(position) else { return Ok(Turn::Done) };
        let Some(kept) = &question.kept else {
            let session =
                self.session.at(node.base()).with("idempotency-key", &question.idempotency);
            let Ok(answer) = session.post("/api/v1/prompts", &question.body) else {
                return Ok(Turn::Gone);
            };
            if answer.status != 429 {
                question.kept = Some(answer.ok()?);
            }
            return Ok(Turn::Done);
        };
        let task = match &question.task {
            Some(task) => task.clone(),
            None => {
                let Ok(block) = node.rpc("eth_getBlockByNumber", json!(["latest", false])) else {
                    return Ok(Turn::Gone);
                };
                let now = hex_number(block.get("timestamp").context("a timestamp")?)?;
                let task = submission(&self.wallet, self.nonce, self.tasks, kept, now)?;
                self.nonce += 1;
                question.task.insert(task).clone()
            }
        };
        if !question.mined {
            // It may have arrived before; then the node knows it, or has mined it.
            let _ = node.rpc("eth_sendRawTransaction", json!([task.raw]));
            let Ok(receipt) = node.rpc("eth_getTransactionReceipt", json!([task.hash])) else {
                return Ok(Turn::Gone);
            };
            ensure!(receipt.is_null() || text(&receipt, "/status") == "0x1", "{receipt}");
            question.mined = !receipt.is_null();
        }
        Ok(Turn::Done)
    }

    /// The task of a mined submission, from the log that it left.
    fn task(&self, node: &Http, sent: &Transfer) -> Result<ITasks::Task> {
        let receipt = node.rpc("eth_getTransactionReceipt", json!([sent.hash]))?;
        let topic: B256 = text(&receipt, "/logs/0/topics/1").parse().context("a task's id")?;
        let id: u64 = alloy_primitives::U256::from_be_bytes(topic.0).try_into()?;
        let data = ITasks::getTaskCall { taskId: id }.abi_encode();
        let data = alloy_primitives::hex::encode_prefixed(data);
        let found = node.rpc("eth_call", json!([{ "to": self.tasks, "data": data }, "latest"]))?;
        let found = alloy_primitives::hex::decode(found.as_str().unwrap_or_default())?;
        Ok(ITasks::getTaskCall::abi_decode_returns(&found)?)
    }

    /// Looks whether a question is answered; whatever else it is than open is an error.
    fn look(&mut self, node: &Http, position: usize) -> Result<()> {
        let Some(question) = self.asked.get(position) else { return Ok(()) };
        let Some(sent) = question.task.as_ref().filter(|_| question.mined) else { return Ok(()) };
        let task = self.task(node, sent)?;
        let open = [TaskState::Submitted, TaskState::Accepted].map(TaskState::code);
        if open.contains(&task.state) {
            return Ok(());
        }
        ensure!(
            task.state == TaskState::Completed.code(),
            "asked, paid, and not answered: {task:?}"
        );
        ensure!(task.fee > 0 && task.fee <= task.maxFee, "{task:?}");
        let receipt = task.resultDigest.to_string();
        if let Some(question) = self.asked.get_mut(position) {
            question.receipt = Some(receipt);
        }
        Ok(())
    }

    fn open(&self) -> Vec<usize> {
        let open = self.asked.iter().enumerate().filter(|(_, question)| question.receipt.is_none());
        open.map(|(position, _)| position).collect()
    }

    /// The answer is there for its asker, and holds.
    fn holds(&self, node: &Http, question: &Question) -> Result<()> {
        let receipt = question.receipt.as_deref().context("an answer")?;
        let session = self.session.at(node.base());
        let path = format!("/api/v1/receipts/{receipt}");
        until("receipt of a task", || {
            let shown = session.get(&path)?;
            Ok((shown.status == 200).then_some(()))
        })?;
        let told = session.get(&format!("{path}/transcript"))?.ok()?;
        ensure!(told.get("prompt") == question.body.get("prompt"), "another answer: {told}");
        let report = session.get(&format!("{path}/verify"))?.ok()?;
        let checks = report.get("checks").and_then(Value::as_array).context("checks")?;
        ensure!(checks.iter().all(|check| text(check, "/status") != "failed"), "{report}");
        Ok(())
    }
}

/// A number that JSON-RPC gives in hex.
pub fn hex_number(value: &Value) -> Result<u64> {
    let text = value.as_str().context("a number in hex")?;
    Ok(u64::from_str_radix(text.trim_start_matches("0x"), 16)?)
}

/// The signed task that asks a kept prompt, with the most that it costs in escrow; `now` is the
/// chain's time.
pub fn submission(
    wallet: &Wallet,
    nonce: u64,
    tasks: Address,
    kept: &Value,
    now: u64,
) -> Result<Transfer> {
    let digest = text(kept, "/input_digest").trim_start_matches("0x");
    let number = |path: &str| kept.pointer(path).and_then(Value::as_u64).context("a number");
    let spec = ITasks::TaskSpec {
        kind: number("/kind")?.try_into()?,
        modelId: number("/model")?,
        datanetId: 0,
        version: 0,
        inputDigest: digest.parse()?,
        params: String::new(),
        adapterName: String::new(),
        licence: String::new(),
        priceIn: 0,
        priceOut: 0,
        deadline: now + DURATION,
        provider: text(kept, "/provider").parse()?,
        gateway: text(kept, "/gateway").parse()?,
    };
    let data = ITasks::submitTaskCall { spec }.abi_encode();
    wallet.call(nonce, tasks, wei(kept, "/max_fee")?, data, SUBMIT_GAS)
}

impl Client for Questions {
    fn act(&mut self, node: &Http, rng: &mut ChaCha8Rng) -> Result<Turn> {
        let open = self.open();
        if open.len() < OPEN {
            let prompt = format!("Name ship {}.", rng.random::<u16>());
            let body = json!({ "model": self.model, "prompt": prompt,
                "max_tokens": rng.random_range(4..24) });
            let idempotency = format!("question-{:016x}", rng.random::<u64>());
            let (kept, task, mined, receipt) = (None, None, false, None);
            self.asked.push(Question { idempotency, body, kept, task, mined, receipt });
            return self.step(node, self.asked.len() - 1);
        }
        std::thread::park_timeout(std::time::Duration::from_millis(20));
        let position = open.get(rng.random_range(0..open.len())).copied().unwrap_or_default();
        if self.step(node, position)? == Turn::Gone {
            return Ok(Turn::Gone);
        }
        match self.look(node, position) {
            Ok(()) => Ok(Turn::Done),
            // What a dying node left unsaid is no answer.
            Err(_) if node.rpc("eth_chainId", json!([])).is_err() => Ok(Turn::Gone),
            Err(error) => Err(error),
        }
    }

    fn check(&mut self, node: &Http) -> Result<()> {
        // All of them at every turn: an earlier nonce may belong to a later question.
        until("submitted tasks", || {
            for position in self.open() {
                ensure!(self.step(node, position)? == Turn::Done, "no answer");
            }
            Ok(self.asked.iter().all(|question| question.mined).then_some(()))
        })?;
        self.open().into_iter().try_for_each(|position| self.look(node, position))
    }

    fn close(&mut self, node: &Node) -> Result<()> {
        let http = Http::new(node.setting("console_url"));
        self.check(&http)?;
        until("answers to all tasks", || {
            for position in self.open() {
                self.look(&http, position)?;
            }
            Ok(self.open().is_empty().then_some(()))
        })?;
        for question in &self.asked {
            self.holds(&http, question)?;
        }
        Ok(())
    }

    fn tally(&self) -> String {
        let answered = self.asked.iter().filter(|question| question.receipt.is_some()).count();
        format!("{answered} questions on chain answered")
    }
}
