//! Places for connections: how many may be open, and which one leaves when a newcomer finds none.
//!
//! A connection *waits for its client* until a whole request has arrived and again once the answer
//! is sent; so does one that only listens to events, for it can connect again at any time. While
//! it is being answered it keeps its place.
//!
//! **Invariants:** never more connections than places; the one that has waited longest leaves
//! first; one that is being answered never does.

use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
};

use axum::{
    body::{Body, Bytes, HttpBody},
    http::{HeaderMap, header},
};
use http_body::{Frame, SizeHint};
use tokio_util::sync::CancellationToken;

/// All places of a listener.
#[derive(Clone)]
pub struct Places {
    most: usize,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Default)]
struct Taken {
    by: BTreeMap<u64, Sitting>,
    /// Counts what happens, so that the longest wait is the smallest number.
    moment: u64,
}

struct Sitting {
    /// Requests that are being answered.
    answered: usize,
    /// Since when it waits for its client.
    since: u64,
    leave: CancellationToken,
}

impl Taken {
    fn now(&mut self) -> u64 {
        self.moment += 1;
        self.moment
    }

    /// Sends the connection away that has waited longest; false when none waits.
    fn make_room(&mut self) -> bool {
        let waiting = self.by.iter().filter(|(_, sitting)| sitting.answered == 0);
        let Some(id) = waiting.min_by_key(|(_, sitting)| sitting.since).map(|(id, _)| *id) else {
            return false;
        };
        if let Some(sitting) = self.by.remove(&id) {
            sitting.leave.cancel();
        }
        true
    }
}

impl Places {
    /// So many.
    pub fn new(most: usize) -> Self {
        Self { most, taken: Arc::default() }
    }

    /// A place for a newcomer, if need be that of who waited longest; `None` when all others are
    /// being answered.
    pub fn take(&self) -> Option<Arc<Place>> {
        let mut taken = self.lock();
        if taken.by.len() >= self.most && !taken.make_room() {
            return None;
        }
        let (id, leave) = (taken.now(), CancellationToken::new());
        let sitting = Sitting { answered: 0, since: id, leave: leave.clone() };
        taken.by.insert(id, sitting);
        Some(Arc::new(Place { id, places: self.clone(), leave }))
    }

    /// Sends one away that waits, where the system has no more handles.
    pub fn make_room(&self) {
        self.lock().make_room();
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One connection's place; given back when dropped.
pub struct Place {
    id: u64,
    places: Places,
    /// Cancelled when the connection has to leave.
    pub leave: CancellationToken,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.lock().by.remove(&self.id);
    }
}

/// One request and its answer.
pub struct Exchange {
    place: Arc<Place>,
    answered: AtomicBool,
}

impl Exchange {
    /// A request whose headers have arrived.
    pub fn new(place: Arc<Place>) -> Arc<Self> {
        Arc::new(Self { place, answered: AtomicBool::new(false) })
    }

    /// The request is whole, or its answer has begun: the client is not waited for.
    pub fn answered(&self) {
        self.count(true, |sitting, _| sitting.answered += 1);
    }

    /// The client is waited for: the answer is sent, or it is a stream of events.
    fn waits(&self) {
        self.count(false, |sitting, now| {
            sitting.answered = sitting.answered.saturating_sub(1);
            sitting.since = now;
        });
    }

    fn count(&self, answered: bool, change: impl FnOnce(&mut Sitting, u64)) {
        if self.answered.swap(answered, Ordering::AcqRel) == answered {
            return;
        }
        let mut taken = self.place.places.lock();
        let now = taken.now();
        if let Some(sitting) = taken.by.get_mut(&self.place.id) {
            change(sitting, now);
        }
    }

    /// What an answer's headers tell: who only listens waits for nothing but the next event.
    pub fn begun(&self, is_read: bool, headers: &HeaderMap) {
        let kind = headers.get(header::CONTENT_TYPE).map(|kind| kind.as_bytes());
        if is_read && kind.is_some_and(|kind| kind.starts_with(b"text/event-stream")) {
            self.waits();
        } else {
            self.answered();
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.waits();
    }
}

/// A body that belongs to an exchange and ends with it.
pub struct Part {
    body: Body,
    exchange: Arc<Exchange>,
    is_request: bool,
}

impl Part {
    /// Of a request: once it has arrived the client is not waited for any more.
    pub fn of_request(body: Body, exchange: Arc<Exchange>) -> Body {
        if body.is_end_stream() {
            exchange.answered();
        }
        Body::new(Self { body, exchange, is_request: true })
    }

    /// Of an answer: the exchange lasts until it is sent.
    pub fn of_answer(body: Body, exchange: Arc<Exchange>) -> Body {
        Body::new(Self { body, exchange, is_request: false })
    }
}

impl HttpBody for Part {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if self.is_request && (frame.is_none() || self.body.is_end_stream()) {
            self.exchange.answered();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events() -> HeaderMap {
        HeaderMap::from_iter([(header::CONTENT_TYPE, "text/event-stream".parse().unwrap())])
    }

    #[test]
    fn the_one_that_waited_longest_gives_its_place_to_a_newcomer() {
        let places = Places::new(2);
        let (first, second) = (places.take().unwrap(), places.take().unwrap());
        // Whoever was answered waits from then on.
        let exchange = Exchange::new(Arc::clone(&first));
        exchange.answered();
        drop(exchange);
        let third = places.take().unwrap();
        assert!(second.leave.is_cancelled() && !first.leave.is_cancelled());
        let fourth = places.take().unwrap();
        assert!(first.leave.is_cancelled() && !third.leave.is_cancelled());
        // One that left takes nobody's place with it.
        drop((first, second));
        assert_eq!(places.lock().by.len(), 2);
        drop((third, fourth));
        assert_eq!(places.lock().by.len(), 0);
    }

    #[test]
    fn who_is_being_answered_keeps_its_place_and_who_listens_to_events_does_not() {
        let places = Places::new(1);
        let first = places.take().unwrap();
        let exchange = Exchange::new(Arc::clone(&first));
        exchange.answered();
        assert!(places.take().is_none() && !first.leave.is_cancelled());
        // Written events are an answer, such as a chat's; events that are read are none.
        exchange.begun(false, &events());
        assert!(places.take().is_none());
        exchange.begun(true, &events());
        let second = places.take().unwrap();
        assert!(first.leave.is_cancelled() && !second.leave.is_cancelled());
    }
}
