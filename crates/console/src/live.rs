//! One stream per page: when something the page shows becomes durable, its region is sent again,
//! with the account's balance, and a toast when money was earned.

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::{Query, State},
    response::sse::{Event as SseEvent, KeepAlive, Sse},
};
use futures::{Stream, stream};
use maud::{Markup, html};
use serde::Deserialize;
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tributary_indexer::{Event, IndexError};
use tributary_primitives::{Address, Amount, B256, ContributionId, DatanetId, ModelId, TaskId};

use crate::{
    error::PageError,
    layout,
    news::{self, News},
    pages, parts,
    router::Console,
    visitor::{Account, Visitor},
};

/// Events this close together are one update.
const SETTLE: Duration = Duration::from_millis(150);
/// Pages that only watch blocks are not sent more often than this.
const BLOCK_PACE: Duration = Duration::from_millis(900);

/// Which page listens.
#[derive(Debug, Deserialize)]
pub(crate) struct LiveQuery {
    #[serde(default)]
    path: String,
}

/// A page with a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum View {
    Home,
    Datanets,
    Versions(DatanetId),
    DatanetEarnings(DatanetId),
    Contribution(ContributionId),
    Models,
    Model(ModelId),
    /// Its script asks for the cards again when money moved.
    Play,
    Job(TaskId),
    Receipt(B256),
    Earn,
    Account,
    Explore,
    /// Only the account and toasts.
    Frame,
}

impl View {
    fn of(path: &str) -> Self {
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let number = |text: &str| text.parse::<u64>().ok();
        let found = match parts.as_slice() {
            [""] => Some(Self::Home),
            ["data"] => Some(Self::Datanets),
            ["data", id, "versions"] => number(id).map(|id| Self::Versions(DatanetId(id))),
            ["data", id, "earnings"] => number(id).map(|id| Self::DatanetEarnings(DatanetId(id))),
            ["contributions", id] => number(id).map(|id| Self::Contribution(ContributionId(id))),
            ["models"] => Some(Self::Models),
            ["models", id] => number(id).map(|id| Self::Model(ModelId(id))),
            ["jobs", id] => number(id).map(|id| Self::Job(TaskId(id))),
            ["receipts", id] => id.parse().ok().map(Self::Receipt),
            ["play"] => Some(Self::Play),
            ["earn"] => Some(Self::Earn),
            ["account"] => Some(Self::Account),
            ["explore"] => Some(Self::Explore),
            _ => None,
        };
        found.unwrap_or(Self::Frame)
    }

    /// Whether this page shows what the event changed.
    fn shows(self, event: &Event) -> bool {
        match event {
            Event::Block { .. } => matches!(self, Self::Home | Self::Explore | Self::Account),
            Event::Rewound { .. } => self != Self::Frame,
            Event::Datanet { .. } => {
                matches!(self, Self::Home | Self::Datanets | Self::Versions(_))
            }
            Event::Contribution { id, datanet, .. } => {
                self == Self::Contribution(*id)
                    || self == Self::Versions(*datanet)
                    || self == Self::Home
            }
            Event::Model { .. } => matches!(self, Self::Models | Self::Model(_)),
            Event::Job { id } => self == Self::Job(*id),
            Event::Receipt { .. } => matches!(
                self,
                Self::Home
                    | Self::Earn
                    | Self::Account
                    | Self::Model(_)
                    | Self::Models
                    | Self::DatanetEarnings(_)
            ),
            Event::Earned { .. } | Event::Paid { .. } => {
                matches!(
                    self,
                    Self::Home
                        | Self::Earn
                        | Self::Account
                        | Self::Receipt(_)
                        | Self::Play
                        | Self::DatanetEarnings(_)
                )
            }
            _ => false,
        }
    }

    fn region(self, console: &Console, visitor: &Visitor) -> Result<Option<Markup>, PageError> {
        let index = console.index();
        Ok(match self {
            Self::Home => Some(pages::home::region(console, visitor)?),
            Self::Datanets => Some(pages::datanets::region(console)?),
            Self::Versions(id) => Some(pages::datanets::versions_region(console, id)?),
            Self::DatanetEarnings(id) => {
                Some(pages::datanets::earnings_region(console, visitor, id)?)
            }
            Self::Contribution(id) => Some(pages::contribution::region(console, visitor, id)?),
            Self::Models => Some(pages::models::region(console)?),
            Self::Model(id) => match index.model(id)? {
                Some(model) => Some(pages::models::model_region(console, &model)?),
                None => None,
            },
            Self::Job(id) => Some(pages::jobs::region(console, visitor, id)?),
            Self::Receipt(id) => match index.receipt(id)? {
                Some(row) => Some(pages::receipt::region(console, &row)?),
                None => None,
            },
            Self::Earn => Some(pages::earn::region(console, visitor)?),
            Self::Account => Some(pages::account::region(console, visitor)?),
            Self::Explore => Some(pages::explore::region(console, None)?),
            Self::Play | Self::Frame => None,
        })
    }
}

/// What came in since the last update.
#[derive(Default)]
struct Changes {
    region: bool,
    slow: bool,
    account: bool,
    earned: bool,
    paid: Vec<Amount>,
}

impl Changes {
    fn note(&mut self, view: View, visitor: Option<Address>, event: &Event) {
        let shown = view.shows(event);
        self.region |= shown;
        self.slow |= matches!(event, Event::Block { .. });
        match event {
            Event::Block { txs, .. } => self.account |= *txs > 0,
            Event::Earned { account, .. } if visitor == Some(*account) => self.earned = true,
            Event::Paid { account, amount } if visitor == Some(*account) => {
                self.paid.push(*amount);
            }
            _ => {}
        }
    }

    fn is_empty(&self) -> bool {
        !self.region && !self.account && !self.earned && self.paid.is_empty()
    }
}

struct Listener {
    console: Console,
    visitor: Visitor,
    view: View,
    events: Receiver<Event>,
    sent: u64,
}

/// `/live?path=...`
pub(crate) async fn stream(
    State(console): State<Console>,
    visitor: Visitor,
    Query(query): Query<LiveQuery>,
) -> Sse<impl Stream<Item = Result<SseEvent, Infallible>>> {
    let path = query.path.split('?').next().unwrap_or_default();
    let events = console.index().subscribe();
    let listener = Listener { console, visitor, view: View::of(path), events, sent: 0 };
    // The first update goes out at once: something may have changed since the page was made.
    let updates = stream::unfold((listener, true), |(mut listener, first)| async move {
        let changes = if first {
            Changes { region: true, account: true, ..Changes::default() }
        } else {
            listener.wait().await?
        };
        let event = listener.update(changes).await;
        Some((Ok(event), (listener, false)))
    });
    Sse::new(updates).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)))
}

impl Listener {
    /// What the account earned beyond what it was told, and tells it.
    fn news(&mut self) -> Result<Option<News>, IndexError> {
        let Some(account) = &mut self.visitor.account else { return Ok(None) };
        let index = self.console.index();
        account.posted = news::posted(index, account.address)?;
        let told = self.visitor.told.replace(account.posted).unwrap_or(account.posted);
        news::since(index, account.address, told, account.posted)
    }

    /// Waits until something happened that this page shows; `None` when the index closed.
    async fn wait(&mut self) -> Option<Changes> {
        let mut changes = Changes::default();
        let who = self.visitor.address();
        while changes.is_empty() {
            match self.events.recv().await {
                Ok(event) => changes.note(self.view, who, &event),
                Err(RecvError::Lagged(_)) => changes.region = true,
                Err(RecvError::Closed) => return None,
            }
        }
        tokio::time::sleep(if changes.slow { BLOCK_PACE } else { SETTLE }).await;
        loop {
            match self.events.try_recv() {
                Ok(event) => changes.note(self.view, who, &event),
                Err(_) => return Some(changes),
            }
        }
    }

    async fn update(&mut self, changes: Changes) -> SseEvent {
        self.sent += 1;
        if let Some(account) = &mut self.visitor.account
            && let Ok(balance) = self.console.chain().balance(account.address).await
        {
            account.balance = Some(balance);
        }
        let news = self.news().unwrap_or_else(|error| {
            tracing::warn!(%error, "earnings could not be told");
            None
        });
        let region = if changes.region {
            self.view.region(&self.console, &self.visitor).unwrap_or_else(|error| {
                tracing::warn!(%error, "a live region could not be drawn");
                None
            })
        } else {
            None
        };
        let markup = parcel(region, self.visitor.account.as_ref(), news, &changes.paid);
        // Server-sent events know no carriage return.
        let data = markup.into_string().replace('\r', "");
        SseEvent::default().id(self.sent.to_string()).data(data)
    }
}

fn parcel(
    region: Option<Markup>,
    account: Option<&Account>,
    news: Option<News>,
    paid: &[Amount],
) -> Markup {
    html! {
        @if let Some(region) = region {
            hx-partial hx-target="#live" hx-swap="innerMorph" { (region) }
        }
        hx-partial hx-target="#account" hx-swap="outerHTML" { (layout::account_chip(account)) }
        @if let Some(news) = news {
            hx-partial hx-target="#toasts" hx-swap="beforeend" { (earned_toast(news)) }
        }
        @for amount in paid {
            hx-partial hx-target="#toasts" hx-swap="beforeend" {
                div.toast { p { (parts::amount(*amount)) " arrived in your account" } (close()) }
            }
        }
    }
}

fn earned_toast(news: News) -> Markup {
    html! {
        div.toast.toast-earned data-amount=(news.amount.wei()) {
            p { strong { "You earned " (parts::amount(news.amount)) }
                " from " (parts::plural(news.answers, "answer")) }
            @if let Some(receipt) = news.receipt {
                a href={ "/receipts/" (format!("{receipt:#x}")) } { "See why" }
            }
            (close())
        }
    }
}

fn close() -> Markup {
    html! { button.toast-close type="button" data-close aria-label="Dismiss" { "×" } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_listens_to_what_it_shows_and_to_nothing_else() {
        let job = Event::Job { id: TaskId(7) };
        assert!(View::of("/jobs/7").shows(&job));
        assert!(!View::of("/jobs/8").shows(&job));
        assert!(!View::of("/play").shows(&job));
        // Its cards say where the money is.
        let paid = Event::Paid { account: Address::ZERO, amount: Amount::ZERO };
        assert!(View::of("/play").shows(&paid) && !View::of("/models").shows(&paid));
        let block = Event::Block { number: 1, hash: B256::ZERO, txs: 0 };
        assert!(View::of("/").shows(&block) && View::of("/explore").shows(&block));
        assert_eq!(View::of("/jobs/x"), View::Frame);
        assert_eq!(View::of("//evil"), View::Frame);
    }

    #[test]
    fn only_the_earner_is_told() {
        let (ada, bo) = (Address::repeat_byte(1), Address::repeat_byte(2));
        let event =
            Event::Earned { account: ada, amount: Amount::from_wei(1), answers: 1, receipt: None };
        let mut changes = Changes::default();
        changes.note(View::Frame, Some(bo), &event);
        assert!(changes.is_empty());
        changes.note(View::Frame, Some(ada), &event);
        assert!(changes.earned);
    }
}
