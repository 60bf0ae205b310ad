//! `txpool_*`.

use crate::convert;
use crate::eth::to_value;
use crate::params::{Answer, method, quantity};
use crate::state::{Module, Node};
use alloy_consensus::Transaction as _;
use alloy_primitives::Address;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use tributary_txpool::{BySender, PooledTx};

pub(crate) fn register(module: &mut Module) -> Answer<()> {
    method(module, "txpool_status", |node, _| {
        let status = node.pool().status();
        Ok(json!({
            "pending": quantity(status.pending as u64),
            "queued": quantity(status.queued as u64),
        }))
    })?;
    method(module, "txpool_content", |node, _| both(node, full))?;
    method(module, "txpool_inspect", |node, _| both(node, summary))?;
    method(module, "txpool_contentFrom", |node, args| {
        let sender: Address = args.next()?;
        let mut content = node.pool().content();
        let pending = content.pending.remove(&sender).unwrap_or_default();
        let queued = content.queued.remove(&sender).unwrap_or_default();
        Ok(json!({ "pending": lane(pending, full)?, "queued": lane(queued, full)? }))
    })
}

type Show = fn(&PooledTx) -> Answer<Value>;

fn full(tx: &PooledTx) -> Answer<Value> {
    to_value(&convert::pending(tx))
}

/// One line, as geth writes it.
fn summary(tx: &PooledTx) -> Answer<Value> {
    let inner = tx.tx().inner();
    let to = inner.to().map_or("contract creation".to_owned(), |to| to.to_string());
    let (value, gas, price) = (inner.value(), inner.gas_limit(), inner.max_fee_per_gas());
    Ok(Value::from(format!("{to}: {value} wei + {gas} gas × {price} wei")))
}

fn both(node: &Node, show: Show) -> Answer<Value> {
    let content = node.pool().content();
    Ok(json!({ "pending": part(content.pending, show)?, "queued": part(content.queued, show)? }))
}

fn part(senders: BySender, show: Show) -> Answer<Value> {
    let lanes = senders.into_iter().map(|(sender, txs)| Ok((sender.to_string(), lane(txs, show)?)));
    Ok(Value::Object(lanes.collect::<Answer<Map<_, _>>>()?))
}

fn lane(txs: BTreeMap<u64, Arc<PooledTx>>, show: Show) -> Answer<Value> {
    let lines = txs.into_iter().map(|(nonce, tx)| Ok((nonce.to_string(), show(&tx)?)));
    Ok(Value::Object(lines.collect::<Answer<Map<_, _>>>()?))
}
