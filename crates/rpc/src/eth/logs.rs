//! Logs, and filters that are polled.

use crate::RpcError;
use crate::convert;
use crate::filters::Kind;
use crate::params::{Answer, Args, method};
use crate::state::{Module, Node};
use alloy_primitives::{Address, B256, U256};
use alloy_rpc_types_eth::{Filter, FilterBlockOption, FilterChanges, Log};
use tributary_storage::LogFilter;

/// Addresses and topics of one filter.
const MAX_CRITERIA: usize = 1_000;

pub(crate) fn register(module: &mut Module) -> Answer<()> {
    method(module, "eth_getLogs", |node, args| get_logs(node, &args.next::<Filter>()?))?;
    method(module, "eth_newFilter", |node, args| {
        let filter: Filter = args.next()?;
        storage_filter(&filter)?;
        // Changes count from now on; `getFilterLogs` looks at the whole range.
        node.filters.add(Kind::Logs(Box::new(filter)), cursor(node))
    })?;
    method(module, "eth_newBlockFilter", |node, _| node.filters.add(Kind::Blocks, cursor(node)))?;
    method(module, "eth_newPendingTransactionFilter", |node, _| {
        let (_, end) = node.pool().arrivals_since(u64::MAX);
        node.filters.add(Kind::Pending, end)
    })?;
    method(module, "eth_uninstallFilter", |node, args| {
        Ok(node.filters.remove(args.next::<U256>()?))
    })?;
    method(module, "eth_getFilterChanges", filter_changes)?;
    method(module, "eth_getFilterLogs", |node, args| {
        match node.filters.get(args.next::<U256>()?)?.0 {
            Kind::Logs(filter) => get_logs(node, &filter),
            Kind::Blocks | Kind::Pending => {
                Err(RpcError::Refused("filter is not a log filter".into()))
            }
        }
    })
}

fn cursor(node: &Node) -> u64 {
    node.chain.head().number.saturating_add(1)
}

/// The part of a filter that the store understands.
pub(crate) fn storage_filter(filter: &Filter) -> Answer<LogFilter> {
    let count = filter.address.len() + filter.topics.iter().map(|t| t.len()).sum::<usize>();
    if count > MAX_CRITERIA {
        let what = format!("at most {MAX_CRITERIA} addresses and topics in a filter");
        return Err(RpcError::LimitExceeded(what));
    }
    let mut addresses: Vec<Address> = filter.address.iter().copied().collect();
    addresses.sort_unstable();
    let topics = filter.topics.each_ref().map(|topic| {
        let mut topics: Vec<B256> = topic.iter().copied().collect();
        topics.sort_unstable();
        topics
    });
    Ok(LogFilter { addresses, topics })
}

/// Does a log pass the filter's addresses and topics?
pub(crate) fn matches(filter: &Filter, log: &Log) -> bool {
    filter.matches_address(log.address()) && filter.matches_topics(log.topics())
}

fn get_logs(node: &Node, filter: &Filter) -> Answer<Vec<Log>> {
    let head = node.chain.head().number;
    let (from, to) = match filter.block_option {
        FilterBlockOption::AtBlockHash(hash) => {
            let number = node
                .store()
                .number_of(hash)?
                .ok_or_else(|| RpcError::Refused("unknown block".into()))?;
            (number, number)
        }
        FilterBlockOption::Range { from_block, to_block } => {
            let from = from_block.map_or(head, |tag| node.tag_number(tag));
            let to = to_block.map_or(head, |tag| node.tag_number(tag));
            if from > to {
                return Err(RpcError::InvalidParams("invalid block range params".into()));
            }
            // Silence about blocks that are not there yet would read as "no logs".
            if to_block.and_then(|tag| tag.as_number()).is_some_and(|number| number > head) {
                let what = "block range extends beyond current head block";
                return Err(RpcError::InvalidParams(what.into()));
            }
            (from, to.min(head))
        }
    };
    logs_between(node, filter, from, to)
}

fn logs_between(node: &Node, filter: &Filter, from: u64, to: u64) -> Answer<Vec<Log>> {
    if from > to {
        return Ok(Vec::new());
    }
    let limit = node.config.max_log_blocks;
    if to.saturating_sub(from) >= limit {
        let what = format!("query spans more than {limit} blocks; ask for fewer");
        return Err(RpcError::LimitExceeded(what));
    }
    let entries = node.store().logs(from, to, &storage_filter(filter)?, node.config.max_logs)?;
    Ok(entries.into_iter().map(convert::stored_log).collect())
}

fn filter_changes(node: &Node, args: &mut Args<'_>) -> Answer<FilterChanges> {
    let id: U256 = args.next()?;
    let (kind, cursor) = node.filters.get(id)?;
    let head = node.chain.head().number;
    let next = head.saturating_add(1);
    // After blocks were taken back the filter goes on from the new head.
    let from = cursor.min(next);
    match kind {
        Kind::Pending => {
            let (hashes, end) = node.pool().arrivals_since(cursor);
            node.filters.advance(id, end);
            Ok(FilterChanges::Hashes(hashes))
        }
        Kind::Blocks => {
            let from = from.max(next.saturating_sub(node.config.max_logs as u64));
            let mut hashes = Vec::new();
            for number in from..=head {
                hashes.push(node.header(number)?.hash);
            }
            node.filters.advance(id, next);
            Ok(FilterChanges::Hashes(hashes))
        }
        Kind::Logs(filter) => {
            let (first, last) = match filter.block_option {
                FilterBlockOption::Range { from_block, to_block } => (
                    from_block.map_or(0, |tag| node.tag_number(tag).min(from)),
                    to_block.and_then(|tag| tag.as_number()).unwrap_or(head),
                ),
                FilterBlockOption::AtBlockHash(_) => (0, head),
            };
            let logs = logs_between(node, &filter, from.max(first), last.min(head))?;
            node.filters.advance(id, next);
            Ok(FilterChanges::Logs(logs))
        }
    }
}
