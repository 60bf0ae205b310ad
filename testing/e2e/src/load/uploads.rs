//! Uploads of rows; every third one is contributed with a stake.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use super::{Client, Turn, guest, text, until};
use crate::{Http, Node};

/// Rows of one upload.
const ROWS: usize = 2;

struct Upload {
    id: String,
    blob: String,
    prompts: Vec<String>,
    /// The idempotency key of its contribution, when it was sent.
    key: Option<String>,
    contribution: Option<u64>,
}

/// Uploads and contributes as one guest to a datanet of its own.
pub struct Uploads {
    http: Http,
    datanet: u64,
    uploads: Vec<Upload>,
    sent: u64,
    seen: usize,
}

impl Uploads {
    /// Makes the guest and its datanet.
    pub fn new(node: &Node, tag: u32) -> Result<Self> {
        let (http, _) = guest(node)?;
        let body = json!({ "name": format!("Rows of run {tag}") });
        let made = http.post("/api/v1/datanets", &body)?.ok()?;
        let datanet = made.get("id").and_then(Value::as_u64).unwrap_or_default();
        ensure!(datanet > 0, "{made}");
        Ok(Self { http, datanet, uploads: Vec::new(), sent: 0, seen: 0 })
    }

    fn upload(&mut self, node: &Http, rng: &mut ChaCha8Rng) -> Result<Turn> {
        self.sent += 1;
        let tag: u64 = rng.random();
        let prompts: Vec<String> = (0..ROWS)
            .map(|row| format!("Who wrote entry {} of ledger {tag:x}, page {row}?", self.sent))
            .collect();
        let rows = prompts.iter().map(|prompt| {
            let completion = format!("The clerk of house {:x} wrote it.", rng.random::<u64>());
            json!({ "prompt": prompt, "completion": completion }).to_string()
        });
        let body = rows.collect::<Vec<_>>().join("\n");
        let path = format!("/api/v1/uploads?filename=rows.jsonl&datanet={}", self.datanet);
        let Ok(answer) = node.send(&path, "application/octet-stream", body.as_bytes()) else {
            return Ok(Turn::Gone);
        };
        if answer.status == 429 {
            return Ok(Turn::Done);
        }
        let made = answer.ok()?;
        ensure!(made.get("accepted") == Some(&json!(ROWS)), "{made}");
        let (id, blob) = (text(&made, "/id").to_owned(), text(&made, "/data_commit").to_owned());
        self.uploads.push(Upload { id, blob, prompts, key: None, contribution: None });
        Ok(Turn::Done)
    }

    /// Contributes the newest upload, or again one whose contribution is in doubt.
    fn contribute(&mut self, node: &Http, position: usize) -> Result<Turn> {
        let Some(upload) = self.uploads.get_mut(position) else { return Ok(Turn::Done) };
        let key = upload.key.get_or_insert_with(|| format!("contribute-{}", upload.id)).clone();
        let path = format!("/api/v1/datanets/{}/contributions", self.datanet);
        let http = node.clone().with("idempotency-key", &key);
        let Ok(answer) = http.post(&path, &json!({ "upload": upload.id })) else {
            return Ok(Turn::Gone);
        };
        if answer.status == 429 {
            upload.key = None;
            return Ok(Turn::Done);
        }
        upload.contribution = answer.ok()?.get("contribution").and_then(Value::as_u64);
        ensure!(upload.contribution.is_some(), "a contribution without an id");
        Ok(Turn::Done)
    }

    fn is_there(&self, node: &Http, upload: &Upload) -> Result<()> {
        let blob = node.get(&format!("/api/v1/blobs/{}", upload.blob))?;
        ensure!(blob.status == 200, "the rows of upload {} are lost: {}", upload.id, blob.text());
        let rows = blob.text();
        let whole = upload.prompts.iter().all(|prompt| rows.contains(prompt));
        ensure!(whole, "upload {} lost rows: {rows}", upload.id);
        let path = format!("/api/v1/datanets/{}/contributions/prepare", self.datanet);
        // Many looks in a row are a flood to the node, which says when to go on.
        let answer = until("allowance", || {
            let answer = node.post(&path, &json!({ "upload": upload.id }))?;
            Ok((answer.status != 429).then_some(answer))
        })?;
        let expected = if upload.contribution.is_some() { 409 } else { 200 };
        let known = answer.status == expected;
        ensure!(known, "upload {}: {} {}", upload.id, answer.status, answer.text());
        Ok(())
    }

    /// All published rows of the datanet: how often each prompt stands there.
    fn published(&self, node: &Http) -> Result<BTreeMap<String, usize>> {
        let mut prompts = BTreeMap::new();
        let mut offset = 0;
        loop {
            let path = format!("/api/v1/datanets/{}/rows?limit=100&offset={offset}", self.datanet);
            let page = node.get(&path)?.ok()?;
            let rows = page.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
            for row in &rows {
                *prompts.entry(text(row, "/prompt").to_owned()).or_insert(0) += 1;
            }
            if rows.len() < 100 {
                return Ok(prompts);
            }
            offset += 100;
        }
    }
}

impl Client for Uploads {
    fn act(&mut self, node: &Http, rng: &mut ChaCha8Rng) -> Result<Turn> {
        let node = self.http.at(node.base());
        match self.uploads.last() {
            Some(last) if last.key.is_none() && self.uploads.len() % 3 == 0 => {
                self.contribute(&node, self.uploads.len() - 1)
            }
            _ => self.upload(&node, rng),
        }
    }

    fn check(&mut self, node: &Http) -> Result<()> {
        let node = self.http.at(node.base());
        for position in 0..self.uploads.len() {
            let Some(upload) = self.uploads.get(position) else { continue };
            if upload.key.is_some() && upload.contribution.is_none() {
                ensure!(self.contribute(&node, position)? == Turn::Done, "no answer");
            }
        }
        for upload in self.uploads.iter().skip(self.seen) {
            self.is_there(&node, upload)?;
        }
        self.seen = self.uploads.len();
        Ok(())
    }

    fn close(&mut self, node: &Node) -> Result<()> {
        let http = self.http.at(node.setting("console_url"));
        self.seen = 0;
        self.check(&http)?;
        for upload in &self.uploads {
            let Some(id) = upload.contribution else { continue };
            until("published contribution", || {
                let now = http.get(&format!("/api/v1/contributions/{id}"))?.ok()?;
                let state = text(&now, "/state");
                ensure!(!matches!(state, "rejected" | "withdrawn"), "{now}");
                Ok((state == "published").then_some(()))
            })?;
        }
        let published = self.published(&http)?;
        for upload in &self.uploads {
            let expected = usize::from(upload.contribution.is_some());
            for prompt in &upload.prompts {
                let found = published.get(prompt).copied().unwrap_or(0);
                ensure!(found == expected, "`{prompt}` stands {found} times, not {expected}");
            }
        }
        Ok(())
    }

    fn tally(&self) -> String {
        let contributed = self.uploads.iter().filter(|upload| upload.contribution.is_some());
        format!("{} uploads ({} contributed)", self.uploads.len(), contributed.count())
    }
}
