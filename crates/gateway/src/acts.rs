//! What a repeated request must not do a second time. A request under an idempotency key has a
//! name; jobs that are paid and transactions that are signed for it are noted under that name
//! before anything leaves, so the same request after a crash finds them and goes on from there.

use alloy_primitives::keccak256;
use alloy_rpc_types_eth::TransactionReceipt;
use axum::Extension;
use serde_json::{Value, json};
use tributary_client::{
    Call, Sender,
    provider::{Answer, FinishReason},
};
use tributary_primitives::{Canonical, Digest};

use crate::{
    Refusal,
    shared::{Shared, fresh},
};

/// The name of a request under an idempotency key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Act(Digest);

/// How handlers learn it: absent without an idempotency key.
pub type Named = Option<Extension<Act>>;

impl Act {
    /// Whose key it is, the key, the route, and the digest of the body.
    pub fn new(scope: &str, key: &str, route: &str, body: &Digest) -> Self {
        let name = Canonical::new("tributary gateway act v1")
            .bytes(scope.as_bytes())
            .bytes(key.as_bytes())
            .bytes(route.as_bytes())
            .digest(body);
        Self(name.finish())
    }

    /// Its name, for what is derived from it.
    pub fn name(&self) -> &Digest {
        &self.0
    }

    /// The name of one of its jobs.
    pub fn job(&self, index: u32) -> Digest {
        Canonical::new("tributary gateway job v1").digest(&self.0).u64(index.into()).finish()
    }
}

/// The name of a request's job: fresh when the request has none.
pub fn job_of(act: Option<Act>, index: u32) -> Digest {
    act.map_or_else(fresh, |act| act.job(index))
}

/// The answer that was paid under a job's name. One that its caller cut short is not the answer
/// to the same request again.
pub fn settled(shared: &Shared, job: Digest) -> Result<Option<Answer>, Refusal> {
    let Some((receipt, finish)) = shared.index.settled(job)? else { return Ok(None) };
    let finish: FinishReason =
        serde_json::from_value(Value::String(finish)).map_err(Refusal::internal)?;
    if finish == FinishReason::Cancelled {
        return Ok(None);
    }
    let row = shared.index.receipt(receipt)?;
    let transcript = shared.index.transcript(receipt)?;
    let found = row.zip(transcript);
    Ok(found.map(|(row, transcript)| Answer { receipt: row.receipt, transcript, finish }))
}

/// Sends a call once for each act, however often the act is tried.
pub async fn once(
    shared: &Shared,
    act: Option<Act>,
    sender: &Sender,
    call: &Call,
) -> Result<TransactionReceipt, Refusal> {
    match sent_before(shared, act, sender).await? {
        Some(receipt) => Ok(receipt),
        None => send(shared, act, sender, call).await,
    }
}

/// Sends a call and notes it under the act, for a caller who has asked `sent_before`.
pub async fn send(
    shared: &Shared,
    act: Option<Act>,
    sender: &Sender,
    call: &Call,
) -> Result<TransactionReceipt, Refusal> {
    let Some(act) = act else { return Ok(sender.send(call).await?) };
    let signed = sender.sign(call).await?;
    shared.index.put_sent(act.0, signed.raw.to_vec()).await?;
    let hash = sender.hand_over(signed).await?;
    Ok(sender.outcome(call, hash).await?)
}

/// The receipt of the transaction that an earlier try of the act signed. It may be mined, wait in
/// the pool, or have never left; one that can't be mined any more counts as never signed.
pub async fn sent_before(
    shared: &Shared,
    act: Option<Act>,
    sender: &Sender,
) -> Result<Option<TransactionReceipt>, Refusal> {
    let Some(act) = act else { return Ok(None) };
    let Some(raw) = shared.index.sent(act.0)? else { return Ok(None) };
    let hash = keccak256(&raw);
    if shared.chain.receipt(hash).await?.is_none() && shared.chain.send_raw(&raw).await.is_err() {
        let waiting: Option<Value> =
            shared.chain.request("eth_getTransactionByHash", json!([hash])).await?;
        if waiting.is_none() {
            return Ok(None);
        }
    }
    let receipt = sender.wait(hash).await?;
    Ok(receipt.status().then_some(receipt))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_act_is_named_by_everything_that_makes_it_the_same_request() {
        let body = Digest::of(b"{}");
        let act = Act::new("key a", "k", "POST /v1/completions", &body);
        assert_eq!(act, Act::new("key a", "k", "POST /v1/completions", &body));
        for other in [
            Act::new("key b", "k", "POST /v1/completions", &body),
            Act::new("key a", "l", "POST /v1/completions", &body),
            Act::new("key a", "k", "POST /api/v1/jobs", &body),
            Act::new("key a", "k", "POST /v1/completions", &Digest::of(b"")),
        ] {
            assert_ne!(act, other);
        }
        assert_ne!(act.job(0), act.job(1));
        assert_eq!(job_of(Some(act), 1), act.job(1));
        assert_ne!(job_of(None, 0), job_of(None, 0));
    }
}
