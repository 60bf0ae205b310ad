//! Answers in OpenAI's form, whole.

use serde_json::{Value, json};
use tokio::sync::mpsc;
use tributary_client::provider::{Answer, FinishReason};
use tributary_primitives::{Amount, Role, Span, bits_to_string};

use super::plan::{Kind, Plan};
use crate::{
    Refusal,
    metering::Piece,
    shared::{Shared, fresh, now_ms},
};

/// One complete choice.
pub struct Choice {
    /// Its number.
    pub index: u32,
    /// Its answer.
    pub answer: Box<Answer>,
}

/// What all parts of one response share.
pub struct Head {
    /// Chat or completion.
    pub kind: Kind,
    /// Choices.
    pub count: u32,
    /// With a last chunk of usage.
    pub include_usage: bool,
    id: String,
    created: i64,
    model: String,
    fingerprint: String,
    annotate: bool,
    warnings: Vec<String>,
}

/// Waits for all choices.
pub async fn collect(
    mut pieces: mpsc::Receiver<Piece>,
    count: u32,
) -> Result<Vec<Choice>, Refusal> {
    let mut choices = Vec::new();
    while let Some(piece) = pieces.recv().await {
        match piece {
            Piece::Text { .. } => {}
            Piece::Done { index, answer } => choices.push(Choice { index, answer }),
            Piece::Failed { refusal } => return Err(refusal),
        }
    }
    choices.sort_by_key(|choice| choice.index);
    if choices.len() as u64 != u64::from(count) {
        return Err(Refusal::unavailable("provider_lost", "an answer is missing"));
    }
    Ok(choices)
}

/// The fees of all choices.
pub fn total(choices: &[Choice]) -> Amount {
    let fees = choices.iter().map(|choice| choice.answer.receipt.signed.body.fee());
    fees.fold(Amount::ZERO, Amount::saturating_add)
}

impl Head {
    /// For a plan.
    pub fn of(plan: &Plan) -> Self {
        let prefix = match plan.asked.kind {
            Kind::Chat => "chatcmpl",
            Kind::Completion => "cmpl",
        };
        let digest = tributary_primitives::Digest::from(plan.served.model.digest);
        Self {
            kind: plan.asked.kind,
            count: plan.asked.n,
            include_usage: plan.asked.include_usage,
            id: format!("{prefix}-{}", &fresh().to_string()[..24]),
            created: now_ms() / 1_000,
            model: plan.served.model.name.clone(),
            fingerprint: format!("fp_{}", digest.short()),
            annotate: plan.asked.annotate,
            warnings: plan.asked.warnings.clone(),
        }
    }

    fn object(&self, chunk: bool) -> &'static str {
        match (self.kind, chunk) {
            (Kind::Chat, false) => "chat.completion",
            (Kind::Chat, true) => "chat.completion.chunk",
            (Kind::Completion, _) => "text_completion",
        }
    }

    /// The common fields with the given choices.
    pub fn frame(&self, chunk: bool, choices: Value) -> Value {
        json!({
            "id": self.id, "object": self.object(chunk), "created": self.created,
            "model": self.model, "system_fingerprint": self.fingerprint, "choices": choices,
        })
    }

    /// The response that is not a stream.
    pub fn whole(&self, shared: &Shared, choices: &[Choice]) -> Value {
        let listed: Vec<Value> = choices.iter().map(|choice| self.choice(shared, choice)).collect();
        let mut body = self.frame(false, listed.into());
        body["usage"] = usage(choices);
        body["tributary"] = self.tributary(shared, choices);
        body
    }

    fn choice(&self, shared: &Shared, choice: &Choice) -> Value {
        let text = &choice.answer.transcript.completion;
        let finish = finish_reason(choice.answer.finish);
        let annotations = self.annotations(shared, &choice.answer);
        match self.kind {
            Kind::Chat => json!({
                "index": choice.index, "logprobs": null, "finish_reason": finish,
                "message": {
                    "role": "assistant", "content": text, "refusal": null,
                    "annotations": annotations,
                },
            }),
            Kind::Completion => json!({
                "index": choice.index, "text": text, "logprobs": null, "finish_reason": finish,
                "annotations": annotations,
            }),
        }
    }

    /// Verbatim spans as citations; positions count characters of the content.
    pub fn annotations(&self, shared: &Shared, answer: &Answer) -> Vec<Value> {
        if !self.annotate {
            return Vec::new();
        }
        let text = &answer.transcript.completion;
        let spans = answer.receipt.spans.iter().filter_map(|span| {
            let (start, end) = characters(text, span)?;
            let record = span.records.first()?;
            let base = &shared.config.public_url;
            let title = format!("record {} by {}", record.short(), short_address(span));
            Some(json!({"type": "url_citation", "url_citation": {
                "start_index": start, "end_index": end, "title": title,
                "url": format!("{base}/records/{record}"),
            }}))
        });
        spans.collect()
    }

    /// Our own object: receipts, cost, spans with what each earned.
    pub fn tributary(&self, shared: &Shared, choices: &[Choice]) -> Value {
        let ids: Vec<_> = choices.iter().map(|choice| choice.answer.receipt.signed.id).collect();
        let first = choices.first().map(|choice| &choice.answer.receipt.signed.body);
        let spans: Vec<Value> = choices.iter().flat_map(|choice| spans_of(choice)).collect();
        json!({
            "receipt_id": ids.first(), "receipts": ids, "status": "pending",
            "url": ids.first().map(|id| format!("{}/receipts/{id}", shared.config.public_url)),
            "model_digest": first.map(|body| body.model_digest),
            "adapter_digest": first.map(|body| body.adapter_digest),
            "provider": first.map(|body| body.provider),
            "block_number": first.map(|body| body.block_number),
            "cost": total(choices).to_open(), "spans": spans, "warnings": self.warnings,
        })
    }
}

fn spans_of(choice: &Choice) -> Vec<Value> {
    let receipt = &choice.answer.receipt;
    let text = &choice.answer.transcript.completion;
    let spans = receipt.spans.iter().filter_map(|span| {
        let (start, end) = characters(text, span)?;
        let record = span.records.first()?;
        let share = receipt
            .shares
            .iter()
            .find(|share| share.role == Role::Data && share.record.as_ref() == Some(record));
        Some(json!({
            "choice": choice.index, "start": start, "end": end, "tokens": span.end - span.start,
            "count": span.count, "bits": bits_to_string(span.bits_q16), "record_id": record,
            "records": span.records, "contributor": span.contributor,
            "share": share.map(|share| share.amount.to_open()),
        }))
    });
    spans.collect()
}

/// A span's byte range as a range of characters.
fn characters(text: &str, span: &Span) -> Option<(usize, usize)> {
    let before = text.get(..span.byte_start as usize)?.chars().count();
    let inside = text.get(span.byte_start as usize..span.byte_end as usize)?.chars().count();
    Some((before, before + inside))
}

fn short_address(span: &Span) -> String {
    let text = span.contributor.to_string();
    format!("{}...{}", &text[..6], &text[38..])
}

/// OpenAI's word for why an answer ended.
pub fn finish_reason(finish: FinishReason) -> &'static str {
    match finish {
        FinishReason::Stop | FinishReason::Cancelled => "stop",
        FinishReason::Length => "length",
    }
}

/// Tokens and cost of all choices; the prompt counts once.
pub fn usage(choices: &[Choice]) -> Value {
    let bodies = || choices.iter().map(|choice| &choice.answer.receipt.signed.body);
    let prompt = bodies().map(|body| body.prompt_tokens).max().unwrap_or_default();
    let completion: u32 = bodies().map(|body| body.completion_tokens).sum();
    let part = |roles: &[Role]| {
        let shares = choices.iter().flat_map(|choice| &choice.answer.receipt.shares);
        let amounts = shares.filter(|share| roles.contains(&share.role)).map(|share| share.amount);
        amounts.fold(Amount::ZERO, Amount::saturating_add).to_open()
    };
    json!({
        "prompt_tokens": prompt, "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0,
            "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0},
        "cost": total(choices).to_open(),
        "cost_details": {
            "compute": part(&[Role::Provider]), "model": part(&[Role::Lineage]),
            "data": part(&[Role::Data, Role::Backers, Role::Commons]),
            "protocol": part(&[Role::ProtocolCompute, Role::ProtocolLicence]),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn citations_count_characters_not_bytes() {
        let mut span = Span {
            start: 0,
            end: 1,
            byte_start: 6,
            byte_end: 12,
            count: 1,
            bits_q16: 0,
            records: Vec::new(),
            contributor: Default::default(),
        };
        let text = "grün é\u{1F375} tea";
        span.byte_start = 6;
        span.byte_end = 12;
        assert_eq!(&text[6..12], "é\u{1F375}");
        assert_eq!(characters(text, &span), Some((5, 7)));
        span.byte_end = 9;
        assert_eq!(characters(text, &span), None, "a cut inside a character cites nothing");
        span.byte_end = 99;
        assert_eq!(characters(text, &span), None);
    }
}
