//! What a caller asks for, and what it costs per token.

use serde::{Deserialize, Serialize};

use crate::{Amount, Canonical, Digest};

/// Who speaks in a chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChatRole {
    /// Instructions.
    System,
    /// The person.
    User,
    /// The model.
    Assistant,
}

/// One turn of a chat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatMessage {
    /// Who speaks.
    pub role: ChatRole,
    /// What is said.
    pub content: String,
}

/// How the next token is chosen. All integers: floats end at the API's edge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SamplerParams {
    /// Temperature in millionths; 0 is greedy.
    pub temperature_micro: u32,
    /// Nucleus mass in millionths; 1,000,000 keeps all.
    pub top_p_ppm: u32,
    /// Keep the k likeliest; 0 keeps all.
    pub top_k: u32,
    /// Most tokens to produce.
    pub max_tokens: u32,
    /// Texts that end the answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stop: Vec<String>,
}

impl Default for SamplerParams {
    fn default() -> Self {
        Self {
            temperature_micro: 0,
            top_p_ppm: 1_000_000,
            top_k: 0,
            max_tokens: 128,
            stop: Vec::new(),
        }
    }
}

impl SamplerParams {
    /// Commits to every field.
    pub fn digest(&self) -> Digest {
        let mut encoding = Canonical::new("tributary sampler v1")
            .u64(self.temperature_micro.into())
            .u64(self.top_p_ppm.into())
            .u64(self.top_k.into())
            .u64(self.max_tokens.into())
            .u64(self.stop.len() as u64);
        for stop in &self.stop {
            encoding = encoding.bytes(stop.as_bytes());
        }
        encoding.finish()
    }
}

/// Wei per token, in and out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prices {
    /// Wei for each prompt token.
    pub input: Amount,
    /// Wei for each completion token.
    pub output: Amount,
}

impl Prices {
    /// What a call costs, or `None` beyond `u128`.
    pub fn fee(&self, prompt_tokens: u32, completion_tokens: u32) -> Option<Amount> {
        let input = self.input.checked_mul(prompt_tokens.into())?;
        input.checked_add(self.output.checked_mul(completion_tokens.into())?)
    }
}
