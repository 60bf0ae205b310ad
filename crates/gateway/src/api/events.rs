//! One stream of events for every page: heads, receipts, accounts, jobs, datanets.

use std::{
    collections::VecDeque,
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    Extension,
    extract::{Query, State},
    http::HeaderMap,
    response::{
        IntoResponse,
        sse::{Event as SseEvent, KeepAlive, Sse},
    },
};
use parking_lot::Mutex;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::broadcast::{self, error::RecvError};
use tokio_util::sync::CancellationToken;
use tributary_indexer::{Event, Index};
use tributary_primitives::Address;

use super::describe::EventStream;
use crate::{
    Refusal,
    caller::Caller,
    shared::{Shared, now_ms},
};

/// Notices kept for those who come back.
const KEPT: usize = 2_048;

/// One numbered notice.
#[derive(Clone, Debug)]
pub struct Notice {
    /// Its number; grows over restarts.
    pub id: u64,
    /// Its topic, such as `heads` or `job.3`.
    pub topic: String,
    /// For one account alone.
    pub account: Option<Address>,
    /// What it says.
    pub body: Value,
}

/// Numbers the index's events and keeps the newest.
pub struct Hub {
    kept: Mutex<VecDeque<Notice>>,
    live: broadcast::Sender<Notice>,
    next: AtomicU64,
}

impl Default for Hub {
    fn default() -> Self {
        let (live, _) = broadcast::channel(KEPT);
        let start = u64::try_from(now_ms()).unwrap_or_default().saturating_mul(1_000);
        Self { kept: Mutex::default(), live, next: AtomicU64::new(start) }
    }
}

impl Hub {
    /// Follows the index until cancelled.
    pub async fn run(self: Arc<Self>, index: Index, cancel: CancellationToken) {
        let mut events = index.subscribe();
        loop {
            let event = tokio::select! {
                event = events.recv() => event,
                () = cancel.cancelled() => return,
            };
            match event {
                Ok(event) => self.publish(&event),
                Err(RecvError::Lagged(missed)) => {
                    tracing::warn!(missed, "events were missed: pages reload");
                    self.send("heads".into(), None, json!({"kind": "reload"}));
                }
                Err(RecvError::Closed) => return,
            }
        }
    }

    fn publish(&self, event: &Event) {
        match event {
            Event::Block { number, hash, txs } => {
                let body = json!({"kind": "block", "number": number, "hash": hash, "txs": txs});
                self.send("heads".into(), None, body);
            }
            Event::Rewound { number } => {
                self.send("heads".into(), None, json!({"kind": "rewound", "number": number}));
            }
            Event::Datanet { id } => {
                self.send(format!("datanet.{id}"), None, json!({"kind": "datanet", "datanet": id}));
            }
            Event::Contribution { id, datanet, state } => {
                let body = json!({
                    "kind": "contribution", "contribution": id, "datanet": datanet, "state": state,
                });
                self.send(format!("datanet.{datanet}"), None, body);
            }
            Event::Model { id } => {
                self.send("models".into(), None, json!({"kind": "model", "model": id}));
            }
            Event::Job { id } => {
                self.send(format!("job.{id}"), None, json!({"kind": "job", "job": id}));
            }
            Event::Receipt { id, payer, fee } => {
                let body = json!({"kind": "receipt", "receipt_id": id, "fee": fee});
                self.send("receipts".into(), None, body.clone());
                self.send("account".into(), Some(*payer), body);
            }
            Event::Earned { account, amount, answers, receipt } => {
                let body = json!({
                    "kind": "earned", "account": account, "amount": amount, "answers": answers,
                    "receipt_id": receipt,
                });
                self.send("account".into(), Some(*account), body);
            }
            Event::Paid { account, amount } => {
                let body = json!({"kind": "paid", "account": account, "amount": amount});
                self.send("account".into(), Some(*account), body);
            }
            _ => {}
        }
    }

    fn send(&self, topic: String, account: Option<Address>, mut body: Value) {
        body["topic"] = topic.clone().into();
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let notice = Notice { id, topic, account, body };
        let mut kept = self.kept.lock();
        if kept.len() >= KEPT {
            kept.pop_front();
        }
        kept.push_back(notice.clone());
        // Nobody listening is fine.
        let _ = self.live.send(notice);
    }

    /// What was kept after a notice, and all that follows.
    fn listen(&self, after: Option<u64>) -> (VecDeque<Notice>, broadcast::Receiver<Notice>) {
        let kept = self.kept.lock();
        let live = self.live.subscribe();
        let missed = match after {
            Some(after) => kept.iter().filter(|notice| notice.id > after).cloned().collect(),
            None => VecDeque::new(),
        };
        (missed, live)
    }
}

/// What one listener wants.
struct Wanted {
    topics: Vec<String>,
    account: Option<Address>,
}

impl Wanted {
    fn takes(&self, notice: &Notice) -> bool {
        let named = |topic: &String| *topic == notice.topic;
        match notice.account {
            Some(account) => {
                let public = format!("account.{account}");
                let own = self.account == Some(account) && self.topics.iter().any(named);
                own || self.topics.iter().any(|topic| topic.eq_ignore_ascii_case(&public))
            }
            None => self.topics.iter().any(|topic| {
                *topic == notice.topic || notice.topic.split('.').next() == Some(topic.as_str())
            }),
        }
    }
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct Asked {
    /// Words with commas between: `heads`, `receipts`, `account`, `models`, `datanet.N`, `job.N`.
    topics: Option<String>,
}

pub(super) async fn events(
    State(shared): State<Arc<Shared>>,
    Extension(hub): Extension<Arc<Hub>>,
    Extension(caller): Extension<Caller>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Result<EventStream, Refusal> {
    let topics = asked.topics.unwrap_or_else(|| "heads,receipts,account".into());
    let topics: Vec<String> = topics.split(',').map(|topic| topic.trim().to_owned()).collect();
    if topics.len() > 32 {
        return Err(Refusal::field("topics", "at most 32 topics"));
    }
    let wanted = Wanted { topics, account: caller.account() };
    let after = headers.get("last-event-id").and_then(|value| value.to_str().ok()?.parse().ok());
    let (missed, live) = hub.listen(after);
    let cancel = shared.cancel.clone();
    let state = (missed, live, wanted, cancel);
    let stream =
        futures::stream::unfold(state, |(mut missed, mut live, wanted, cancel)| async move {
            loop {
                let notice = match missed.pop_front() {
                    Some(notice) => notice,
                    None => tokio::select! {
                        next = live.recv() => match next {
                            Ok(notice) => notice,
                            Err(RecvError::Lagged(_)) => continue,
                            Err(RecvError::Closed) => return None,
                        },
                        () = cancel.cancelled() => return None,
                    },
                };
                if wanted.takes(&notice) {
                    let event =
                        SseEvent::default().id(notice.id.to_string()).data(notice.body.to_string());
                    return Some((Ok::<_, Infallible>(event), (missed, live, wanted, cancel)));
                }
            }
        });
    let keep = KeepAlive::new().interval(Duration::from_secs(15)).text("heartbeat");
    Ok(EventStream(Sse::new(stream).keep_alive(keep).into_response()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(topic: &str, account: Option<Address>) -> Notice {
        Notice { id: 1, topic: topic.into(), account, body: Value::Null }
    }

    #[test]
    fn a_listener_hears_its_topics_and_its_own_account_alone() {
        let me = Address::repeat_byte(1);
        let wanted = Wanted {
            topics: vec!["heads".into(), "account".into(), "job.3".into(), "datanet".into()],
            account: Some(me),
        };
        assert!(wanted.takes(&notice("heads", None)));
        assert!(wanted.takes(&notice("job.3", None)));
        assert!(wanted.takes(&notice("datanet.9", None)));
        assert!(wanted.takes(&notice("account", Some(me))));
        assert!(!wanted.takes(&notice("job.4", None)));
        assert!(!wanted.takes(&notice("receipts", None)));
        assert!(!wanted.takes(&notice("account", Some(Address::ZERO))));
    }

    #[test]
    fn who_comes_back_gets_what_was_missed_in_order() {
        let hub = Hub::default();
        for number in 0..5 {
            hub.send("heads".into(), None, json!({"number": number}));
        }
        let first = hub.kept.lock().front().map(|notice| notice.id);
        let (missed, _) = hub.listen(first);
        let numbers: Vec<_> = missed.iter().map(|notice| notice.body["number"].clone()).collect();
        assert_eq!(numbers, [1, 2, 3, 4]);
        assert!(hub.listen(None).0.is_empty());
    }
}
