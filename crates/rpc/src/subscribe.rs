//! `eth_subscribe` over WebSocket.

use crate::RpcError;
use crate::convert;
use crate::eth::{matches, storage_filter};
use crate::params::Answer;
use crate::state::{Module, Node};
use alloy_rpc_types_eth::Filter;
use alloy_rpc_types_eth::pubsub::{Params as Options, SubscriptionKind};
use jsonrpsee::core::server::{PendingSubscriptionSink, SubscriptionMessage, SubscriptionSink};
use jsonrpsee::types::Params;
use serde::Serialize;
use serde_json::value::to_raw_value;
use std::sync::Arc;
use tokio::sync::broadcast::error::RecvError;
use tributary_consensus::{ChainEvent, CommittedBlock};

pub(crate) fn register(module: &mut Module) -> Answer<()> {
    module.register_subscription(
        "eth_subscribe",
        "eth_subscription",
        "eth_unsubscribe",
        |params, pending, node, _| subscribe(params, pending, node),
    )?;
    Ok(())
}

async fn subscribe(params: Params<'static>, pending: PendingSubscriptionSink, node: Arc<Node>) {
    let (kind, options) = match parse(&params) {
        Ok(parsed) => parsed,
        Err(error) => return pending.reject(error).await,
    };
    // Listen before the client hears that it is subscribed, so nothing falls between.
    match (kind, options) {
        (SubscriptionKind::NewHeads, _) => blocks(pending, node, Feed::Heads).await,
        (SubscriptionKind::Logs, Options::Logs(filter)) => {
            blocks(pending, node, Feed::Logs(filter)).await;
        }
        (SubscriptionKind::Logs, _) => blocks(pending, node, Feed::Logs(Box::default())).await,
        (SubscriptionKind::NewPendingTransactions, options) => {
            arrivals(pending, node, matches!(options, Options::Bool(true))).await;
        }
        (SubscriptionKind::Syncing, _) => syncing(pending).await,
        _ => pending.reject(RpcError::InvalidParams("unsupported subscription".into())).await,
    }
}

fn parse(params: &Params<'_>) -> Answer<(SubscriptionKind, Options)> {
    let mut sequence = params.sequence();
    let kind = sequence.next()?;
    let options: Options = sequence.optional_next()?.unwrap_or_default();
    if let Options::Logs(filter) = &options {
        storage_filter(filter)?;
    }
    Ok((kind, options))
}

enum Feed {
    Heads,
    Logs(Box<Filter>),
}

/// Follows the chain's head.
async fn blocks(pending: PendingSubscriptionSink, node: Arc<Node>, feed: Feed) {
    let mut events = node.chain.subscribe();
    let mut last = node.chain.head().number;
    let Ok(sink) = pending.accept().await else { return };
    loop {
        let event = tokio::select! {
            () = sink.closed() => return,
            event = events.recv() => event,
        };
        let sent = match event {
            Ok(ChainEvent::Committed(block)) => {
                // A block may have been announced between `subscribe` and `head`.
                let fresh = block.block.number() > last;
                last = last.max(block.block.number());
                if fresh { feed.send(&sink, &block, false).await } else { Ok(()) }
            }
            Ok(ChainEvent::Rewound { head, removed }) => {
                last = head.number;
                feed.take_back(&sink, &removed).await
            }
            Err(RecvError::Lagged(_)) => catch_up(&sink, &node, &feed, &mut last).await,
            Err(RecvError::Closed) => return,
        };
        if sent.is_err() {
            return;
        }
    }
}

/// The channel overflowed: take what was missed from the store.
async fn catch_up(sink: &SubscriptionSink, node: &Node, feed: &Feed, last: &mut u64) -> Sent {
    let head = node.chain.head().number;
    while *last < head {
        *last = last.saturating_add(1);
        let block = node.chain.committed(*last).map_err(|_| Gone)?;
        if let Some(block) = block {
            feed.send(sink, &block, false).await?;
        }
    }
    Ok(())
}

/// The client is gone.
struct Gone;
type Sent = Result<(), Gone>;

impl Feed {
    async fn send(&self, sink: &SubscriptionSink, block: &CommittedBlock, removed: bool) -> Sent {
        match self {
            Self::Heads => {
                let size = Some(block.block.size_bytes());
                send(sink, &convert::header(&block.block.sealed_header(), size)).await
            }
            Self::Logs(filter) => {
                for log in convert::logs(block, removed) {
                    if matches(filter, &log) {
                        send(sink, &log).await?;
                    }
                }
                Ok(())
            }
        }
    }

    /// Logs of blocks taken back come again, marked as removed; heads need no word.
    async fn take_back(&self, sink: &SubscriptionSink, removed: &[Arc<CommittedBlock>]) -> Sent {
        if let Self::Logs(_) = self {
            for block in removed {
                self.send(sink, block, true).await?;
            }
        }
        Ok(())
    }
}

async fn arrivals(pending: PendingSubscriptionSink, node: Arc<Node>, full: bool) {
    let mut hashes = node.pool().arrivals();
    let Ok(sink) = pending.accept().await else { return };
    loop {
        let hash = tokio::select! {
            () = sink.closed() => return,
            hash = hashes.recv() => hash,
        };
        let sent = match hash {
            Ok(hash) if full => match node.pool().get(&hash) {
                Some(tx) => send(&sink, &convert::pending(&tx)).await,
                None => Ok(()),
            },
            Ok(hash) => send(&sink, &hash).await,
            // Pending hashes are a hint: what overflowed is gone.
            Err(RecvError::Lagged(_)) => Ok(()),
            Err(RecvError::Closed) => return,
        };
        if sent.is_err() {
            return;
        }
    }
}

/// This node is never behind itself: it says so once.
async fn syncing(pending: PendingSubscriptionSink) {
    let Ok(sink) = pending.accept().await else { return };
    if send(&sink, &false).await.is_ok() {
        sink.closed().await;
    }
}

async fn send(sink: &SubscriptionSink, value: &impl Serialize) -> Sent {
    let message = to_raw_value(value).map_err(|_| Gone)?;
    sink.send(SubscriptionMessage::from(message)).await.map_err(|_| Gone)
}
