//! From a request to running jobs: who pays, which model, the price bound, the holds.

use std::sync::Arc;

use tokio::sync::mpsc;
use tributary_client::{
    models,
    provider::{Answer, InferRequest, Prompt, PromptRequest},
};
use tributary_contracts::ModelStatus;
use tributary_primitives::{Amount, Digest, ModelId, SamplerParams, limits};

use super::request::Asked;
use crate::{
    Refusal,
    acts::{self, Act},
    caller::Caller,
    keys,
    metering::{Choice, Payer, Piece, Served, place_hold, run_choice},
    shared::{self, Shared},
};

/// Which endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `/v1/chat/completions`.
    Chat,
    /// `/v1/completions`.
    Completion,
}

/// Tokens of an answer when nothing is asked.
const DEFAULT_TOKENS: u32 = 128;
/// Tokens that a chat template may add, at most, for each message and around them.
const TEMPLATE_TOKENS: usize = 32;

/// A request with its model and price.
pub struct Plan {
    /// What was asked.
    pub asked: Asked,
    /// The model and who runs it.
    pub served: Served,
    sampler: SamplerParams,
    bound: Amount,
}

/// Who pays: the presented key, or the guest's own.
pub async fn payer(shared: &Shared, caller: &Caller) -> Result<Payer, Refusal> {
    match caller {
        Caller::Key(key) => Ok(Payer { secret: key.secret.clone(), key: key.row.clone() }),
        Caller::Guest { account, .. } => keys::guest_payer(shared, *account).await,
        Caller::Nobody => Err(no_key()),
    }
}

/// 401 for a caller without a credential.
pub fn no_key() -> Refusal {
    Refusal::unauthorized("missing_api_key", "you did not provide an API key")
        .hint("send it as `Authorization: Bearer trib_sk_...`; make one at /keys")
}

/// A text is never more tokens than bytes.
fn prompt_bound(prompt: &Prompt) -> Result<u32, Refusal> {
    let (bytes, param) = match prompt {
        Prompt::Chat(messages) => {
            let text: usize = messages.iter().map(|message| message.content.len()).sum();
            (text + TEMPLATE_TOKENS * (messages.len() + 1), "messages")
        }
        Prompt::Text(text) => (text.len() + 1, "prompt"),
    };
    let is_empty = match prompt {
        Prompt::Chat(messages) => messages.iter().all(|message| message.content.trim().is_empty()),
        Prompt::Text(text) => text.is_empty(),
    };
    if is_empty {
        let mut refusal = Refusal::field(param, "the prompt is empty");
        refusal.code = "empty_prompt".into();
        return Err(refusal.hint("write something to continue"));
    }
    let most = limits::PROMPT_TOKENS * 16;
    if bytes > most {
        let mut refusal =
            Refusal::too_large(format!("the prompt has {bytes} bytes, at most {most}"));
        refusal.code = "context_length_exceeded".into();
        return Err(refusal.param(param).hint("shorten the prompt"));
    }
    u32::try_from(bytes).map_err(|_| Refusal::too_large("the prompt is too long"))
}

impl Plan {
    /// Finds the model and its provider and bounds the price.
    pub async fn make(shared: &Shared, asked: Asked) -> Result<Self, Refusal> {
        let prompt_tokens = prompt_bound(&asked.prompt)?;
        let model = shared.model_named(&asked.model).await?;
        if model.status != ModelStatus::Active.code() {
            return Err(Refusal::not_found("model", &asked.model)
                .param("model")
                .hint("it is deprecated; GET /v1/models lists the models in service"));
        }
        let peer = shared.directory.serving(ModelId(model.id)).await?;
        let licence = models::prices(&model);
        let served = Served { model, peer, licence };
        let max_tokens =
            asked.max_tokens.unwrap_or(DEFAULT_TOKENS).min(limits::PROMPT_TOKENS as u32);
        let bound = served.bound(prompt_tokens, max_tokens).ok_or_else(|| {
            Refusal::payment("price_too_high", "the price of this call does not fit")
        })?;
        let whole = bound.checked_mul(asked.n.into()).unwrap_or(Amount::from_wei(u128::MAX));
        if let Some(limit) = asked.max_price.filter(|limit| whole > *limit) {
            return Err(Refusal::payment(
                "max_price_exceeded",
                format!("this call may cost {whole} and `max_price` is {limit}"),
            )
            .hint("raise tributary.max_price or ask for fewer tokens"));
        }
        let sampler = SamplerParams {
            temperature_micro: asked.temperature_micro,
            top_p_ppm: asked.top_p_ppm,
            top_k: asked.top_k,
            max_tokens,
            stop: asked.stop.clone(),
        };
        Ok(Self { asked, served, sampler, bound })
    }

    /// Places the holds and starts the jobs. What an earlier try of the same request has paid for
    /// is given out as it was, and not paid again.
    pub async fn start(
        self,
        shared: &Arc<Shared>,
        payer: Payer,
        act: Option<Act>,
    ) -> Result<mpsc::Receiver<Piece>, Refusal> {
        let (mut requests, mut paid) = (Vec::new(), Vec::new());
        for index in 0..self.asked.n {
            let request = self.job(shared, &payer, (act, index));
            if let Some(answer) = acts::settled(shared, request.job)? {
                paid.push((index, answer));
                continue;
            }
            if let Err(refusal) = place_hold(shared, &payer, request.job, self.bound).await {
                release(shared, &payer, &requests).await;
                return Err(refusal);
            }
            requests.push((index, request));
        }
        let (out, pieces) = mpsc::channel(2);
        for (index, answer) in paid {
            shared.calls.spawn(give_out(answer, index, out.clone()));
        }
        for (index, request) in requests {
            let served = self.served.clone();
            let choice = Choice { payer: payer.clone(), served, request, index };
            shared.calls.spawn(run_choice(shared.clone(), choice, out.clone()));
        }
        Ok(pieces)
    }

    /// The same as a prompt that its provider is to keep for a task on chain.
    pub fn into_prompt(self, shared: &Shared) -> PromptRequest {
        PromptRequest {
            gateway: shared.address(),
            model: ModelId(self.served.model.id),
            request_seed: request_seed(self.asked.seed, 0).unwrap_or_else(shared::fresh),
            prompt: self.asked.prompt,
            sampler: self.sampler,
        }
    }

    fn job(
        &self,
        shared: &Shared,
        payer: &Payer,
        (act, index): (Option<Act>, u32),
    ) -> InferRequest {
        InferRequest {
            job: acts::job_of(act, index),
            gateway: shared.address(),
            payer: payer.key.owner,
            channel: payer.key.channel,
            model: ModelId(self.served.model.id),
            prompt: self.asked.prompt.clone(),
            sampler: self.sampler.clone(),
            request_seed: request_seed(self.asked.seed, index),
            max_fee: self.bound,
        }
    }
}

/// The seed of one choice of a request that named one.
fn request_seed(seed: Option<i64>, index: u32) -> Option<Digest> {
    seed.map(|seed| {
        let mut bytes = seed.to_le_bytes().to_vec();
        bytes.extend_from_slice(&index.to_le_bytes());
        Digest::derive("tributary request seed v1", &bytes)
    })
}

/// An answer that was paid for before, as pieces.
async fn give_out(answer: Answer, index: u32, out: mpsc::Sender<Piece>) {
    let text = answer.transcript.completion.clone();
    if out.send(Piece::Text { index, text }).await.is_ok() {
        // A caller who left again may ask again.
        let _ = out.send(Piece::Done { index, answer: Box::new(answer) }).await;
    }
}

async fn release(shared: &Shared, payer: &Payer, requests: &[(u32, InferRequest)]) {
    for (_, request) in requests {
        if let Err(error) =
            shared.index.release_hold(payer.key.hash, &request.job.to_string()).await
        {
            tracing::error!(%error, "a hold was not released");
        }
    }
}
