//! Prompts for tasks on chain: what a contract, or anyone without an API key's channel, asks.
//!
//! A prompt is left here and kept by a provider. The task then names its commitment, and nobody
//! else reads it from the chain.

use std::sync::Arc;

use axum::{Extension, Json, extract::State};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tributary_client::api;

use super::input::Input;
use crate::{
    Refusal, answers,
    caller::Caller,
    shared::Shared,
    v1::{
        plan::{Kind, Plan},
        request,
    },
};

/// A message of a chat.
#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "PromptMessage")]
struct Message {
    /// `system`, `user` or `assistant`.
    role: String,
    /// Its text.
    content: String,
}

/// What to ask, in the words of `/v1`: either `messages` or `prompt`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "PromptAsked")]
pub(super) struct Asked {
    /// The model's name.
    model: String,
    /// A chat.
    #[serde(skip_serializing_if = "Option::is_none")]
    messages: Option<Vec<Message>>,
    /// Plain text.
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt: Option<String>,
    /// Most tokens of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    /// 0 for the likeliest token always.
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    /// Nucleus mass.
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    /// Likeliest tokens kept; 0 for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<u32>,
    /// Texts that end the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    stop: Option<Vec<String>>,
    /// For the same answer again.
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
}

pub(super) async fn create(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    Input(asked): Input<Asked>,
) -> Result<Json<api::PromptKept>, Refusal> {
    let account = caller.require()?;
    let kind = if asked.messages.is_some() { Kind::Chat } else { Kind::Completion };
    let body = serde_json::to_vec(&asked).map_err(Refusal::internal)?;
    let plan = Plan::make(&shared, request::parse(&body, kind)?).await?;
    let model = plan.served.model.id;
    let provider = plan.served.peer.api.clone();
    let ticket = provider.keep_prompt(plan.into_prompt(&shared)).await?;
    answers::note_asker(&shared, &ticket.commitment, account).await?;
    Ok(Json(api::PromptKept {
        kind: tributary_contracts::TaskKind::Inference.code(),
        model,
        provider: ticket.provider,
        gateway: shared.address(),
        input_digest: ticket.commitment,
        salt: ticket.salt,
        prompt_tokens: ticket.ids.len() as u64,
        prompt_ids: ticket.ids,
        max_fee: ticket.max_fee,
    }))
}
