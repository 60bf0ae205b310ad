//! Load from many clients at once, each with its own log of what the node acknowledged. After a
//! crash the logs are the oracle: whatever they hold must be there, once.
//!
//! **Invariants:** an entry is written after the whole answer has arrived, never before; a request
//! that got no answer is in doubt and sent again with the same idempotency key; everything drawn
//! follows from the seed.

mod chats;
mod jobs;
mod keys;
pub mod questions;
mod transfers;
mod uploads;

use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

use crate::{Http, Node};

/// Hang limit of one wait at the end of a run.
pub const LIMIT: Duration = Duration::from_secs(300);

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It was answered, and the answer is in the log.
    Done,
    /// The node gave no answer: it is gone.
    Gone,
}

/// One client. It lives longer than the nodes it talks to.
pub trait Client: Send {
    /// Makes one request and logs its acknowledgement. Refusals are errors.
    fn act(&mut self, node: &Http, rng: &mut ChaCha8Rng) -> Result<Turn>;
    /// On a node that was started again: settles what is in doubt, then looks for everything that
    /// was acknowledged since the last look.
    fn check(&mut self, node: &Http) -> Result<()>;
    /// At the end: waits until everything is finished, then looks for all of it.
    fn close(&mut self, node: &Node) -> Result<()>;
    /// What it was promised, in words.
    fn tally(&self) -> String;
}

/// All clients.
pub struct Load {
    clients: Vec<Box<dyn Client>>,
    rng: ChaCha8Rng,
}

impl Load {
    /// Makes accounts, keys and a small datanet on a fresh node.
    pub fn prepare(node: &Node, seed: u64) -> Result<Self> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut clients: Vec<Box<dyn Client>> = Vec::new();
        for role in ["dev-contributor", "dev-builder"] {
            clients.push(Box::new(transfers::Transfers::new(node, role)?));
        }
        clients.push(Box::new(uploads::Uploads::new(node, rng.random())?));
        for _ in 0..2 {
            clients.push(Box::new(chats::Chats::new(node)?));
        }
        clients.push(Box::new(keys::Keys::new(node)?));
        clients.push(Box::new(questions::Questions::new(node, "dev-app")?));
        // Last: at its end no task holds escrow any more.
        clients.push(Box::new(jobs::Jobs::new(node, rng.random())?));
        Ok(Self { clients, rng })
    }

    /// Lets all clients work until `end` has been called after `pause`. Whatever they see then is
    /// a dead node; whatever goes wrong before is an error.
    pub fn run(
        &mut self,
        url: &str,
        pause: Duration,
        end: impl FnOnce() -> Result<()>,
    ) -> Result<()> {
        let over = AtomicBool::new(false);
        let failed: Mutex<Option<anyhow::Error>> = Mutex::new(None);
        let http = Http::new(url);
        thread::scope(|scope| {
            for client in &mut self.clients {
                let mut rng = ChaCha8Rng::seed_from_u64(self.rng.random());
                let (over, failed, http) = (&over, &failed, &http);
                scope.spawn(move || {
                    while !over.load(Ordering::SeqCst) {
                        match client.act(http, &mut rng) {
                            Ok(Turn::Done) => {}
                            Ok(Turn::Gone) => break,
                            Err(error) => {
                                let mut slot = failed.lock().unwrap_or_else(|p| p.into_inner());
                                slot.get_or_insert(error);
                                break;
                            }
                        }
                    }
                });
            }
            wait(pause);
            let ended = end();
            over.store(true, Ordering::SeqCst);
            ended
        })?;
        match failed.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner()) {
            Some(error) => Err(error.context("under load")),
            None => Ok(()),
        }
    }

    /// Every client looks for what it was promised.
    pub fn check(&mut self, url: &str) -> Result<()> {
        let http = Http::new(url);
        for client in &mut self.clients {
            let tally = client.tally();
            client.check(&http).with_context(|| format!("after a restart: {tally}"))?;
        }
        Ok(())
    }

    /// Every client waits for its last results and looks for all that it was ever promised.
    pub fn close(&mut self, node: &Node) -> Result<()> {
        for client in &mut self.clients {
            let tally = client.tally();
            client.close(node).with_context(|| format!("at the end: {tally}"))?;
        }
        Ok(())
    }

    /// What all of them were promised.
    pub fn tally(&self) -> String {
        self.clients.iter().map(|client| client.tally()).collect::<Vec<_>>().join(", ")
    }
}

/// Lets time pass: the kill comes at a moment, not at a condition.
pub fn wait(pause: Duration) {
    let end = Instant::now() + pause;
    while let Some(left) = end.checked_duration_since(Instant::now()).filter(|d| !d.is_zero()) {
        thread::park_timeout(left);
    }
}

/// Looks again and again until something is there.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let end = Instant::now() + LIMIT;
    loop {
        if let Some(found) = look()? {
            return Ok(found);
        }
        if Instant::now() > end {
            bail!("no {what} within {LIMIT:?}");
        }
        thread::park_timeout(Duration::from_millis(50));
    }
}

/// A text of a JSON value.
pub fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

/// Wei under a pointer.
pub fn wei(value: &Value, path: &str) -> Result<u128> {
    let found = value.pointer(path).with_context(|| format!("{path} is missing: {value}"))?;
    let text = found.as_str().map_or_else(|| found.to_string(), str::to_owned);
    text.parse().with_context(|| format!("{path} is no amount: {value}"))
}

/// A new guest: its client and its address.
pub fn guest(node: &Node) -> Result<(Http, String)> {
    let http = Http::new(node.setting("console_url"));
    let made = http.post("/api/v1/guests", &serde_json::json!({}))?.ok()?;
    Ok((http.with_session(text(&made, "/session")), text(&made, "/account").to_owned()))
}
