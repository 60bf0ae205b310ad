//! Training jobs on a small datanet; some are called off. Every acknowledged job ends done or with
//! its escrow back, and no job is bought twice.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use tributary_corpus::facts;

use super::{Client, Turn, guest, text, until, wei};
use crate::{Http, Node};

/// Jobs that may be unfinished at one time.
const OPEN: usize = 2;
/// Facts of the datanet: some seconds of training.
const FACTS: usize = 3;
/// Rows of each fact.
const ROWS: usize = 3;

struct Job {
    idempotency: String,
    name: String,
    id: Option<u64>,
    /// Called off, and the node said yes.
    cancelled: bool,
    /// Called off without an answer.
    doubtful: bool,
    over: bool,
}

/// Buys trainings as one guest.
pub struct Jobs {
    http: Http,
    account: String,
    datanet: u64,
    tag: u32,
    jobs: Vec<Job>,
}

impl Jobs {
    /// Makes the guest and its datanet and waits for its first version.
    pub fn new(node: &Node, tag: u32) -> Result<Self> {
        let (http, account) = guest(node)?;
        let rows: Vec<String> = facts::draw(u64::from(tag), FACTS)
            .iter()
            .flat_map(|fact| fact.rows(ROWS))
            .map(|row| json!({ "prompt": row.prompt, "completion": row.completion }).to_string())
            .collect();
        let body = json!({ "name": format!("Facts of run {tag}") });
        let made = http.post("/api/v1/datanets", &body)?.ok()?;
        let datanet = made.get("id").and_then(Value::as_u64).context("an id")?;
        let path = format!("/api/v1/uploads?filename=rows.jsonl&datanet={datanet}");
        let upload =
            http.send(&path, "application/octet-stream", rows.join("\n").as_bytes())?.ok()?;
        let path = format!("/api/v1/datanets/{datanet}/contributions");
        http.post(&path, &json!({ "upload": text(&upload, "/id") }))?.ok()?;
        until("published version", || {
            let shown = http.get(&format!("/api/v1/datanets/{datanet}"))?.ok()?;
            Ok(shown.to_string().contains("\"published\"").then_some(()))
        })?;
        Ok(Self { http, account, datanet, tag, jobs: Vec::new() })
    }

    fn buy(&mut self, node: &Http, position: usize) -> Result<Turn> {
        let Some(job) = self.jobs.get_mut(position) else { return Ok(Turn::Done) };
        let http = node.clone().with("idempotency-key", &job.idempotency);
        let body = json!({ "datanet": self.datanet, "preset": "quick", "name": job.name });
        let Ok(answer) = http.post("/api/v1/jobs", &body) else { return Ok(Turn::Gone) };
        if answer.status == 429 {
            return Ok(Turn::Done);
        }
        job.id = answer.ok()?.get("id").and_then(Value::as_u64);
        ensure!(job.id.is_some(), "a job without an id");
        Ok(Turn::Done)
    }

    fn look(&mut self, node: &Http, position: usize) -> Result<Turn> {
        let Some(job) = self.jobs.get_mut(position) else { return Ok(Turn::Done) };
        let Some(id) = job.id else { return Ok(Turn::Done) };
        let Ok(answer) = node.get(&format!("/api/v1/jobs/{id}")) else { return Ok(Turn::Gone) };
        let now = answer.ok()?;
        let state = text(&now, "/state");
        let expected = if job.cancelled { "cancelled" } else { "done" };
        let over = state == expected || (job.doubtful && state == "cancelled");
        let open = ["submitted", "accepted", "running", "quantising", "registering"];
        ensure!(over || open.contains(&state), "job {id} was acknowledged and is {now}");
        ensure!(!job.cancelled || state == "cancelled", "called off and still there: {now}");
        if over && !job.over {
            let (fee, most) = (wei(&now, "/fee")?, wei(&now, "/max_fee")?);
            // One that was called off owes its provider a part at the most.
            ensure!(fee < most || state == "done", "{now}");
            ensure!(fee <= most && (fee > 0 || state == "cancelled"), "{now}");
        }
        job.over |= over;
        Ok(Turn::Done)
    }

    fn cancel(&mut self, node: &Http, position: usize) -> Result<Turn> {
        let Some(job) = self.jobs.get_mut(position) else { return Ok(Turn::Done) };
        let Some(id) = job.id else { return Ok(Turn::Done) };
        let path = format!("/api/v1/jobs/{id}/cancel");
        let Ok(answer) = node.post(&path, &json!({})) else {
            job.doubtful = true;
            return Ok(Turn::Gone);
        };
        // One that was done a moment before can't be called off.
        ensure!([202, 409].contains(&answer.status), "{} {}", answer.status, answer.text());
        job.cancelled |= answer.status == 202;
        Ok(Turn::Done)
    }

    fn open(&self) -> Vec<usize> {
        let open = self.jobs.iter().enumerate().filter(|(_, job)| !job.over);
        open.map(|(position, _)| position).collect()
    }
}

impl Client for Jobs {
    fn act(&mut self, node: &Http, rng: &mut ChaCha8Rng) -> Result<Turn> {
        let node = self.http.at(node.base());
        let open = self.open();
        if open.len() < OPEN {
            let name = format!("load/run-{}-{}", self.tag, self.jobs.len());
            let idempotency = format!("job-{name}");
            let (id, cancelled, doubtful, over) = (None, false, false, false);
            self.jobs.push(Job { idempotency, name, id, cancelled, doubtful, over });
            return self.buy(&node, self.jobs.len() - 1);
        }
        let position = open.get(rng.random_range(0..open.len())).copied().unwrap_or_default();
        let untouched = self.jobs.get(position).is_some_and(|job| !job.cancelled && !job.doubtful);
        if untouched && rng.random_ratio(1, 64) {
            return self.cancel(&node, position);
        }
        std::thread::park_timeout(std::time::Duration::from_millis(20));
        self.look(&node, position)
    }

    fn check(&mut self, node: &Http) -> Result<()> {
        let node = self.http.at(node.base());
        for position in 0..self.jobs.len() {
            if self.jobs.get(position).is_some_and(|job| job.id.is_none()) {
                ensure!(self.buy(&node, position)? == Turn::Done, "no answer");
            }
        }
        for position in self.open() {
            ensure!(self.look(&node, position)? == Turn::Done, "no answer");
        }
        Ok(())
    }

    fn close(&mut self, node: &Node) -> Result<()> {
        let http = self.http.at(node.setting("console_url"));
        self.check(&http)?;
        until("end of all jobs", || {
            for position in self.open() {
                ensure!(self.look(&http, position)? == Turn::Done, "no answer");
            }
            Ok(self.open().is_empty().then_some(()))
        })?;
        let page = http.get(&format!("/api/v1/jobs?limit=100&owner={}", self.account))?.ok()?;
        let items = page.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
        let listed: BTreeSet<u64> =
            items.iter().filter_map(|item| item.get("id")?.as_u64()).collect();
        let bought: BTreeSet<u64> = self.jobs.iter().filter_map(|job| job.id).collect();
        ensure!(listed == bought, "bought {bought:?}, on chain {listed:?}");
        let escrow = text(node.config(), "/contracts/tasks");
        let left =
            Http::new(node.setting("rpc_url")).rpc("eth_getBalance", json!([escrow, "latest"]))?;
        ensure!(left == json!("0x0"), "{left} of escrow belongs to nobody");
        Ok(())
    }

    fn tally(&self) -> String {
        let cancelled = self.jobs.iter().filter(|job| job.cancelled).count();
        format!("{} jobs ({cancelled} called off)", self.jobs.len())
    }
}
