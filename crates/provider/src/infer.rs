//! One answer: prompt -> tokens -> text -> sealed receipt, as a stream of events.
//!
//! **Invariants:** nothing runs that could cost more than is held for it; the receipt is on disk
//! before the last event; a caller who leaves pays for what was delivered.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tributary_client::{
    Chain,
    provider::{Answer, FinishReason, InferEvent, InferRequest, InferStream, Prompt},
};
use tributary_inference::{End, Job, Running};
use tributary_models::DecodeStream;
use tributary_primitives::{Amount, Digest, limits};
use tributary_tensor::Sampling;

use crate::{
    Answers, Library, ModelFacts, ProviderError, Seal,
    library::{Loaded, off_reactor},
    seal::{Opening, Produced},
};

/// Events that may wait for a slow reader.
const WAITING_EVENTS: usize = 64;

/// Answers requests.
#[derive(Clone)]
pub struct Desk {
    chain: Chain,
    library: Arc<Library>,
    answers: Answers,
    seal: Seal,
    running: Arc<Mutex<HashMap<Digest, CancellationToken>>>,
}

/// A job that is ready to run.
struct Prepared {
    request: InferRequest,
    facts: ModelFacts,
    loaded: Loaded,
    opening: Opening,
    /// The most that it costs.
    bound: Amount,
}

impl Desk {
    /// Over a library, with a key to sign with and a place to keep what was signed.
    pub fn new(chain: Chain, library: Arc<Library>, answers: Answers, seal: Seal) -> Self {
        Self { chain, library, answers, seal, running: Arc::default() }
    }

    /// Whoever signs.
    pub fn seal(&self) -> &Seal {
        &self.seal
    }

    /// What was signed.
    pub fn answers(&self) -> &Answers {
        &self.answers
    }

    /// Jobs in work.
    pub fn active(&self) -> usize {
        self.running.lock().len()
    }

    /// Ends a job early; its stream still delivers the receipt of what was produced.
    pub fn cancel(&self, job: &Digest) {
        if let Some(token) = self.running.lock().get(job) {
            token.cancel();
        }
    }

    /// Starts a job. Everything that can be refused is refused here.
    pub async fn infer(&self, request: InferRequest) -> Result<InferStream, ProviderError> {
        let prepared = self.prepare(request).await?;
        let running = self.start(&prepared)?;
        let (events, stream) = mpsc::channel(WAITING_EVENTS);
        let cancelled = CancellationToken::new();
        self.running.lock().insert(prepared.request.job, cancelled.clone());
        let desk = self.clone();
        tokio::spawn(async move {
            let job = prepared.request.job;
            let last = match desk.run(prepared, running, &events, &cancelled).await {
                Ok(answer) => InferEvent::Done(Box::new(answer)),
                Err(error) => failed(&error),
            };
            desk.running.lock().remove(&job);
            // A reader who has left finds the receipt by asking for it.
            let _ = events.send(Ok(last)).await;
        });
        Ok(Box::pin(ReceiverStream::new(stream)))
    }

    /// What a job would be refused for, without starting it: its opening, and the most it costs.
    pub(crate) async fn check(
        &self,
        request: InferRequest,
    ) -> Result<(Opening, Amount), ProviderError> {
        let prepared = self.prepare(request).await?;
        Ok((prepared.opening, prepared.bound))
    }

    async fn prepare(&self, request: InferRequest) -> Result<Prepared, ProviderError> {
        let facts = ModelFacts::read(&self.chain, self.seal.provider, request.model).await?;
        let loaded = self.library.load(&facts).await?;
        let (prompt, ids) = encode(&request.prompt, &loaded)?;
        let room = (loaded.context as usize).saturating_sub(ids.len());
        if room == 0 || ids.len() > limits::PROMPT_TOKENS {
            let reason = format!(
                "the prompt has {} tokens, the model reads {} with the answer: shorten it",
                ids.len(),
                loaded.context
            );
            return Err(ProviderError::refused("context_length_exceeded", reason));
        }
        let most = (request.sampler.max_tokens as usize).min(room);
        let (compute, licence) = facts.fees(ids.len() as u32, most as u32)?;
        let fee = compute.saturating_add(licence);
        if fee > request.max_fee {
            return Err(ProviderError::OverLimit { fee, limit: request.max_fee });
        }
        let seed = request.request_seed.unwrap_or_else(|| Digest(rand::random()));
        let opening = self.seal.open(prompt, ids, seed);
        Ok(Prepared { request, facts, loaded, opening, bound: fee })
    }

    fn start(&self, prepared: &Prepared) -> Result<Running, ProviderError> {
        let sampler = &prepared.request.sampler;
        let adapter = prepared.facts.adapter_digest;
        let room = prepared.loaded.context as usize - prepared.opening.prompt_ids.len();
        let job = Job {
            model: prepared.facts.base_digest,
            adapter: (!adapter.is_zero()).then_some(adapter),
            prompt: prepared.opening.prompt_ids.clone(),
            sampling: Sampling::from(sampler),
            job_seed: prepared.opening.job_seed,
            max_tokens: sampler.max_tokens.min(room as u32),
            stop_ids: prepared.loaded.tokenizer.special().eos.clone(),
        };
        self.library.engine().submit(job).map_err(|error| match error {
            tributary_inference::EngineError::Busy { retry_after_ms } => {
                ProviderError::Busy { retry_after_ms }
            }
            other => other.into(),
        })
    }

    async fn run(
        &self,
        prepared: Prepared,
        mut running: Running,
        events: &mpsc::Sender<Result<InferEvent, tributary_client::ClientError>>,
        cancelled: &CancellationToken,
    ) -> Result<Answer, ProviderError> {
        let prompt_tokens = prepared.opening.prompt_ids.len() as u32;
        let _ = events.send(Ok(InferEvent::Started { prompt_tokens })).await;
        let stops = prepared.request.sampler.stop.clone();
        let stream = prepared.loaded.tokenizer.stream(&prepared.opening.prompt_ids);
        let mut text = Delivery::new(stream, stops);
        let mut finish = FinishReason::Length;
        loop {
            let token = tokio::select! {
                token = running.next() => token,
                () = cancelled.cancelled() => None,
                () = events.closed() => None,
            };
            let Some(token) = token else {
                finish = FinishReason::Cancelled;
                break;
            };
            text.logits = token.logits;
            let new = text.push(token.id, token.end == Some(End::Stop))?;
            let tokens = text.ids.len() as u32;
            if events.send(Ok(InferEvent::Text { text: new, tokens })).await.is_err() {
                finish = FinishReason::Cancelled;
                break;
            }
            if text.stopped {
                finish = FinishReason::Stop;
                break;
            }
            if token.end.is_some() {
                break;
            }
        }
        drop(running);
        if text.ids.is_empty() {
            return Err(ProviderError::Cancelled);
        }
        let rest = text.flush(finish)?;
        if !rest.is_empty() {
            let tokens = text.ids.len() as u32;
            let _ = events.send(Ok(InferEvent::Text { text: rest, tokens })).await;
        }
        let produced = text.into_produced(finish);
        let (seal, answers) = (self.seal.clone(), self.answers.clone());
        off_reactor(move || {
            let Prepared { request, facts, loaded, opening, .. } = prepared;
            let answer = seal.close(&request, &facts, &loaded, opening, produced)?;
            answers.put(&answer)?;
            Ok(answer)
        })
        .await?
    }
}

fn failed(error: &ProviderError) -> InferEvent {
    let (status, code) = error.kind();
    InferEvent::Failed { status, code: code.to_owned(), message: error.to_string() }
}

fn encode(prompt: &Prompt, loaded: &Loaded) -> Result<(String, Vec<u32>), ProviderError> {
    let tokenizer = &loaded.tokenizer;
    let (text, ids) = match prompt {
        Prompt::Chat(messages) if messages.is_empty() => {
            return Err(ProviderError::refused("empty_prompt", "`messages` is empty: add one"));
        }
        Prompt::Chat(messages) => (tokenizer.chat(messages)?, tokenizer.encode_chat(messages)?),
        Prompt::Text(text) => (text.clone(), tokenizer.encode(text, true)?),
    };
    if ids.is_empty() || text.is_empty() {
        return Err(ProviderError::refused("empty_prompt", "the prompt is empty: write something"));
    }
    Ok((text, ids))
}

/// Tokens on their way to text: holds back what may be the beginning of a stop text.
struct Delivery {
    ids: Vec<u32>,
    logits: Digest,
    stopped: bool,
    text: String,
    /// Bytes of `text` that were handed out.
    sent: usize,
    stops: Vec<String>,
    stream: DecodeStream,
}

impl Delivery {
    fn new(stream: DecodeStream, stops: Vec<String>) -> Self {
        Self {
            ids: Vec::new(),
            logits: Digest::ZERO,
            stopped: false,
            text: String::new(),
            sent: 0,
            stops,
            stream,
        }
    }

    /// Takes a token; the text that may be handed out now.
    fn push(&mut self, id: u32, is_end: bool) -> Result<String, ProviderError> {
        self.ids.push(id);
        if is_end {
            self.stopped = true;
            return Ok(String::new());
        }
        self.text.push_str(&self.stream.push(id)?);
        let stop = self.stops.iter().filter_map(|stop| self.text.find(stop.as_str())).min();
        if let Some(at) = stop {
            self.text.truncate(at);
            self.stopped = true;
        }
        let keep = if self.stopped { 0 } else { self.held_back() };
        Ok(self.hand_out(self.text.len() - keep))
    }

    /// Longest end of the text that begins a stop text.
    fn held_back(&self) -> usize {
        let begins = |size: &usize| {
            let start = self.text.len() - size;
            self.text.get(start..).is_some_and(|end| {
                self.stops.iter().any(|stop| stop.len() > *size && stop.starts_with(end))
            })
        };
        let longest = self.stops.iter().map(String::len).max().unwrap_or(0).min(self.text.len());
        (1..=longest).rev().find(begins).unwrap_or(0)
    }

    fn hand_out(&mut self, end: usize) -> String {
        let new = self.text.get(self.sent..end).unwrap_or_default().to_owned();
        self.sent = self.sent.max(end);
        new
    }

    /// The end of the text: an unfinished character, and what was held back.
    fn flush(&mut self, finish: FinishReason) -> Result<String, ProviderError> {
        if finish == FinishReason::Length {
            self.text.push_str(&self.stream.clone().finish()?);
        }
        Ok(self.hand_out(self.text.len()))
    }

    fn into_produced(self, finish: FinishReason) -> Produced {
        Produced { ids: self.ids, text: self.text, logits: self.logits, finish }
    }
}
