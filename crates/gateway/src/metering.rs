//! One answer from hold to voucher.
//!
//! `hold` -> provider -> receipt checked -> voucher signed -> receipt and voucher durable
//! together -> last event. A caller who leaves cancels the job and pays what was delivered.

use alloy_primitives::keccak256;
use futures::StreamExt;
use serde_json::json;
use tokio::sync::mpsc;
use tributary_client::{
    ApiSecret, ClientError, SignedVoucher,
    provider::{Answer, InferEvent, InferRequest},
    recover,
};
use tributary_contracts::{ChannelStatus, IChannels, IModels, receipt_digest};
use tributary_indexer::{EndedJob, Hold, KeyCharge, KeyRow, SettledCall};
use tributary_primitives::{
    Amount, B256, ChannelId, Digest, ModelId, Prices, Receipt, Share, Span,
};

use crate::{Refusal, directory::Peer, shared::Shared};

/// Who pays for a call.
#[derive(Clone, Debug)]
pub struct Payer {
    /// The key's secret: signs the vouchers of this call and is then forgotten.
    pub secret: ApiSecret,
    /// The key as it was when the call came.
    pub key: KeyRow,
}

/// The served model with what it costs.
#[derive(Clone)]
pub struct Served {
    /// From the registry.
    pub model: IModels::Model,
    /// Who runs it.
    pub peer: Peer,
    /// Licence prices.
    pub licence: Prices,
}

impl Served {
    /// The most that a call can cost, or `None` beyond all money.
    pub fn bound(&self, prompt_tokens: u32, max_tokens: u32) -> Option<Amount> {
        let compute = self.peer.prices.fee(prompt_tokens, max_tokens)?;
        compute.checked_add(self.licence.fee(prompt_tokens, max_tokens)?)
    }
}

/// One choice of a call.
pub struct Choice {
    /// Who pays.
    pub payer: Payer,
    /// What answers.
    pub served: Served,
    /// What is asked.
    pub request: InferRequest,
    /// Which of the call's choices.
    pub index: u32,
}

/// What a call reports to its handler.
#[derive(Debug)]
pub enum Piece {
    /// More text of one choice.
    Text {
        /// Which choice.
        index: u32,
        /// What was added.
        text: String,
    },
    /// A choice is complete and paid.
    Done {
        /// Which choice.
        index: u32,
        /// Receipt, transcript and reason.
        answer: Box<Answer>,
    },
    /// A choice failed; nothing is paid for it.
    Failed {
        /// Why.
        refusal: Refusal,
    },
}

/// How long a cancelled job has for its last event.
const LAST_EVENT: std::time::Duration = std::time::Duration::from_secs(10);

/// What the chain says of a key's channel now: it may be closing, or have a higher cap.
pub async fn check_channel(shared: &Shared, payer: &mut Payer) -> Result<(), Refusal> {
    let channel = shared.chain.channels().get(payer.key.channel).await?;
    if channel.status != ChannelStatus::Open.code() {
        return Err(Refusal::payment(
            "channel_closed",
            format!("the channel of key `{}` is closed or closing", payer.key.name),
        )
        .hint("make another key at /keys"));
    }
    let cap = Amount::from_wei(channel.cap);
    if cap > payer.key.cap {
        shared.index.raise_cap(payer.key.hash, cap).await?;
        payer.key.cap = cap;
    }
    Ok(())
}

/// Reserves the most a job may cost.
pub async fn place_hold(
    shared: &Shared,
    payer: &Payer,
    job: Digest,
    amount: Amount,
) -> Result<(), Refusal> {
    let key = &payer.key;
    if key.expires_at != 0 && key.expires_at <= now_seconds() {
        return Err(Refusal::payment("key_expired", format!("the key `{}` has expired", key.name))
            .hint("make another key at /keys"));
    }
    match shared.index.hold(key.hash, &job.to_string(), amount).await? {
        Hold::Placed => Ok(()),
        Hold::OverCap { available } => Err(Refusal::payment(
            "key_cap_reached",
            format!(
                "the cap of key `{}` ({}) leaves {available} and this call may cost {amount}",
                key.name, key.cap
            ),
        )
        .hint(format!(
            "raise the cap: POST /api/v1/keys/{}/top-up, or ask for fewer tokens",
            key.hash
        ))),
        Hold::Unknown => Err(Refusal::unauthorized("invalid_api_key", "this key is not active")),
    }
}

fn now_seconds() -> u64 {
    u64::try_from(crate::shared::now_ms() / 1_000).unwrap_or_default()
}

/// Runs one choice to its end and reports to `out`. The hold of the job stands already.
pub async fn run_choice(shared: std::sync::Arc<Shared>, choice: Choice, out: mpsc::Sender<Piece>) {
    let Choice { payer, served, request, index } = &choice;
    let index = *index;
    let piece = match deliver(&shared, &choice, &out).await {
        Ok(answer) => Piece::Done { index, answer: Box::new(answer) },
        Err(refusal) => {
            if let Err(error) =
                shared.index.release_hold(payer.key.hash, &request.job.to_string()).await
            {
                tracing::error!(%error, job = %request.job, "a hold was not released");
            }
            if refusal.status.as_u16() == 404 {
                shared.directory.forget(served.peer.address, request.model);
            }
            Piece::Failed { refusal }
        }
    };
    // The caller may have left; the money is settled all the same.
    let _ = out.send(piece).await;
}

async fn deliver(
    shared: &Shared,
    choice: &Choice,
    out: &mpsc::Sender<Piece>,
) -> Result<Answer, Refusal> {
    let Choice { payer, served, request, index } = choice;
    let index = *index;
    let lost = |error| lost(shared, served, request, error);
    let mut events = served.peer.api.infer(request.clone()).await.map_err(lost)?;
    let deadline = tokio::time::sleep(shared.config.answer_deadline);
    tokio::pin!(deadline);
    let mut cancelled = false;
    loop {
        let event = tokio::select! {
            event = events.next() => event,
            () = out.closed(), if !cancelled => {
                cancelled = true;
                deadline.as_mut().reset(tokio::time::Instant::now() + LAST_EVENT);
                cancel(served, request).await;
                continue;
            }
            () = &mut deadline => {
                if cancelled {
                    break;
                }
                cancelled = true;
                deadline.as_mut().reset(tokio::time::Instant::now() + LAST_EVENT);
                cancel(served, request).await;
                continue;
            }
        };
        match event {
            Some(Ok(InferEvent::Started { .. })) => {}
            Some(Ok(InferEvent::Text { text, .. })) => {
                if !cancelled && out.send(Piece::Text { index, text }).await.is_err() {
                    cancelled = true;
                    deadline.as_mut().reset(tokio::time::Instant::now() + LAST_EVENT);
                    cancel(served, request).await;
                }
            }
            Some(Ok(InferEvent::Done(answer))) => {
                settle(shared, payer, served, request, &answer).await?;
                return Ok(*answer);
            }
            Some(Ok(InferEvent::Failed { status, code, message })) => {
                let status = axum::http::StatusCode::from_u16(status)
                    .unwrap_or(axum::http::StatusCode::BAD_GATEWAY);
                let mut refusal = Refusal::new(status, &code, message);
                refusal.retry_after = (status.as_u16() == 503).then_some(2);
                return Err(refusal);
            }
            Some(Err(error)) => return Err(lost(error)),
            None => break,
        }
    }
    Err(Refusal::unavailable("provider_lost", "the provider ended without an answer")
        .hint("nothing was paid: try again"))
}

/// A provider that can't be reached is no fault of the chain, and is not asked again soon.
fn lost(shared: &Shared, served: &Served, request: &InferRequest, error: ClientError) -> Refusal {
    if !error.is_unreachable() {
        return error.into();
    }
    tracing::warn!(provider = %served.peer.address, %error, "a provider was lost");
    shared.directory.forget(served.peer.address, request.model);
    Refusal::unavailable("provider_lost", "the provider broke off before the answer was complete")
        .hint("nothing was paid: try again")
}

/// Tells the provider to end a job. One that has ended already answers with its last event.
async fn cancel(served: &Served, request: &InferRequest) {
    if let Err(error) = served.peer.api.cancel(request.job).await {
        tracing::debug!(%error, job = %request.job, "a cancel was not taken");
    }
}

/// Checks the receipt, signs the next voucher and makes both durable in one commit.
async fn settle(
    shared: &Shared,
    payer: &Payer,
    served: &Served,
    request: &InferRequest,
    answer: &Answer,
) -> Result<(), Refusal> {
    let receipt = &answer.receipt;
    check_receipt(shared, served, request, receipt).await.map_err(|reason| {
        tracing::error!(provider = %served.peer.address, reason, "a receipt was refused");
        Refusal::new(
            axum::http::StatusCode::BAD_GATEWAY,
            "bad_receipt",
            format!("the provider's receipt does not hold: {reason}"),
        )
        .hint("nothing was paid: try again")
    })?;
    let turn = shared.turn_of(payer.key.hash);
    let _turn = turn.lock().await;
    let key = shared.index.key(payer.key.hash)?;
    let key = key.ok_or_else(|| Refusal::not_found("key", payer.key.hash))?;
    let fee = receipt.signed.body.fee();
    let voucher = next_voucher(&key, receipt.signed.id, fee)?;
    let signer = payer.secret.voucher_signer()?;
    let signed = SignedVoucher::sign(voucher, &signer, shared.chain.chain_id())?;
    let charge = KeyCharge {
        key_hash: key.hash,
        hold: Some(request.job.to_string()),
        voucher: encode_voucher(&signed),
    };
    let finish = serde_json::to_value(answer.finish).map_err(Refusal::internal)?;
    let finish = finish.as_str().unwrap_or_default().to_owned();
    let call = SettledCall {
        receipt: receipt.clone(),
        transcript: Some(answer.transcript.clone()),
        charge: Some(charge),
        job: Some(EndedJob { job: request.job, finish }),
    };
    if !shared.index.settle_call(call).await? {
        tracing::error!(receipt = %receipt.signed.id, "a receipt came a second time");
        return Err(Refusal::new(
            axum::http::StatusCode::BAD_GATEWAY,
            "receipt_reused",
            "the provider signed the same receipt for two calls",
        )
        .hint("nothing was paid for this call: try again"));
    }
    let body = &receipt.signed.body;
    metrics::counter!("tributary_gateway_answers_total").increment(1);
    metrics::counter!("tributary_gateway_completion_tokens_total")
        .increment(body.completion_tokens.into());
    Ok(())
}

/// The voucher that adds `fee` to what the key owes.
fn next_voucher(key: &KeyRow, receipt: B256, fee: Amount) -> Result<IChannels::Voucher, Refusal> {
    let last = key.voucher.as_ref().and_then(decode_voucher);
    let (seq, usage) =
        last.map_or((0, B256::ZERO), |last| (last.voucher.seq, last.voucher.usageRoot));
    let cumulative = key.spent.checked_add(fee).filter(|sum| *sum <= key.cap);
    let cumulative = cumulative.ok_or_else(|| {
        Refusal::payment("key_cap_reached", format!("the cap of {} is used up", key.cap))
    })?;
    Ok(IChannels::Voucher {
        channelId: key.channel.0,
        seq: seq.saturating_add(1),
        cumulative: cumulative.wei(),
        usageRoot: keccak256([usage.as_slice(), receipt.as_slice()].concat()),
        deadline: if key.expires_at == 0 { u64::MAX } else { key.expires_at },
    })
}

/// A voucher as the index stores it.
fn encode_voucher(signed: &SignedVoucher) -> serde_json::Value {
    let IChannels::Voucher { channelId, seq, cumulative, usageRoot, deadline } = &signed.voucher;
    json!({
        "channel": channelId, "seq": seq, "cumulative": cumulative.to_string(),
        "usage_root": usageRoot, "deadline": deadline.to_string(), "signature": signed.signature,
    })
}

/// A voucher out of the index.
pub fn decode_voucher(value: &serde_json::Value) -> Option<SignedVoucher> {
    let text = |name: &str| value.get(name)?.as_str();
    Some(SignedVoucher {
        voucher: IChannels::Voucher {
            channelId: text("channel")?.parse().ok()?,
            seq: value.get("seq")?.as_u64()?,
            cumulative: text("cumulative")?.parse().ok()?,
            usageRoot: text("usage_root")?.parse().ok()?,
            deadline: text("deadline")?.parse().ok()?,
        },
        signature: text("signature")?.parse().ok()?,
    })
}

/// Why a receipt does not hold, as far as a gateway can see without running the model.
pub(crate) async fn check_receipt(
    shared: &Shared,
    served: &Served,
    request: &InferRequest,
    receipt: &Receipt,
) -> Result<(), &'static str> {
    let body = &receipt.signed.body;
    let id = receipt_digest(body, shared.chain.chain_id());
    check_all(&[
        (id == receipt.signed.id, "its id is not the digest of its fields"),
        (body.gateway == request.gateway, "it names another gateway"),
        (body.payer == request.payer, "it names another payer"),
        (ChannelId(body.channel.0) == request.channel, "it names another channel"),
        (body.provider == served.peer.address, "it names another provider"),
        (body.model == request.model, "it names another model"),
        (body.max_tokens == request.sampler.max_tokens, "it has other limits"),
        (body.sampler_digest == request.sampler.digest(), "it has another sampler"),
        (body.completion_tokens <= request.sampler.max_tokens, "it has too many tokens"),
        (body.fee() <= request.max_fee, "its fee is above what was agreed"),
        (body.spans_digest == Span::digest_all(&receipt.spans), "its spans were changed"),
        (body.shares_digest == Share::digest_all(&receipt.shares), "its shares were changed"),
        (
            recover(&id, &receipt.signed.signature) == Some(served.peer.receipt_key),
            "its signature is not the provider's",
        ),
    ])?;
    let mut sum = Amount::ZERO;
    for share in &receipt.shares {
        sum = sum.checked_add(share.amount).ok_or("its shares do not fit")?;
    }
    let compute = served.peer.prices.fee(body.prompt_tokens, body.completion_tokens);
    let licence = served.licence.fee(body.prompt_tokens, body.completion_tokens);
    let (compute, licence) = (compute.ok_or("no fee")?, licence.ok_or("no fee")?);
    let priced = (body.fee_compute, body.fee_licence) == (compute, licence);
    let priced = priced || prices_moved(shared, served, body.block_number).await;
    check_all(&[
        (sum == body.fee(), "its shares do not sum to its fee"),
        (priced, "its fee does not follow from the prices"),
    ])
}

fn check_all(checks: &[(bool, &'static str)]) -> Result<(), &'static str> {
    match checks.iter().find(|(holds, _)| !holds) {
        Some((_, reason)) => Err(reason),
        None => Ok(()),
    }
}

/// True when prices changed between the call's beginning and the receipt's block: then the fee
/// bound alone protects the payer.
async fn prices_moved(shared: &Shared, served: &Served, block: u64) -> bool {
    let model = shared.chain.models().get(ModelId(served.model.id)).await;
    let moved = model.is_ok_and(|model| tributary_client::models::prices(&model) != served.licence);
    let peer = shared.directory.by_address(served.peer.address).await;
    let moved =
        moved || peer.is_ok_and(|peer| peer.is_some_and(|p| p.prices != served.peer.prices));
    tracing::warn!(block, moved, "a receipt has other prices than the call began with");
    moved
}

#[cfg(test)]
mod tests {
    use tributary_client::Signer;

    use super::*;

    fn key(spent: u128, cap: u128) -> KeyRow {
        KeyRow {
            hash: Digest::ZERO,
            owner: Default::default(),
            name: "test".into(),
            channel: ChannelId(B256::repeat_byte(3)),
            signer: Default::default(),
            cap: Amount::from_wei(cap),
            spent: Amount::from_wei(spent),
            held: Amount::ZERO,
            redeemed: Amount::ZERO,
            voucher: None,
            sealed_secret: None,
            active: true,
            expires_at: 0,
            created_ms: 0,
        }
    }

    #[test]
    fn vouchers_are_cumulative_in_order_and_never_pass_the_cap() {
        let mut key = key(5, 10);
        let first = next_voucher(&key, B256::repeat_byte(1), Amount::from_wei(2)).expect("fits");
        assert_eq!((first.seq, first.cumulative), (1, 7));
        let signed = SignedVoucher::sign(first, &Signer::random(), 7310).expect("signs");
        key.voucher = Some(encode_voucher(&signed));
        assert_eq!(decode_voucher(&encode_voucher(&signed)), Some(signed));
        key.spent = Amount::from_wei(7);
        let second = next_voucher(&key, B256::repeat_byte(1), Amount::from_wei(3)).expect("fits");
        assert_eq!((second.seq, second.cumulative), (2, 10));
        let over = next_voucher(&key, B256::repeat_byte(1), Amount::from_wei(4));
        assert_eq!(over.map_err(|refusal| refusal.status.as_u16()), Err(402));
    }
}
