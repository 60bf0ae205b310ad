//! `trib_*`: what only this chain has. Module state alone; receipts of answers are REST.

use crate::params::{Answer, method, quantity};
use crate::state::Module;
use alloy_primitives::U256;
use serde_json::json;
use tributary_execution::burned;
use tributary_primitives::TOTAL_SUPPLY;

pub(crate) fn register(module: &mut Module) -> Answer<()> {
    method(module, "trib_nextTimer", |node, _| Ok(node.chain.next_timer()?.map(quantity)))?;
    method(module, "trib_supply", |node, _| {
        let state = node.store().latest_state();
        let (total, burned) = (U256::from(TOTAL_SUPPLY.wei()), burned(&state)?);
        let launch = state.account(node.chain.spec().launch)?.unwrap_or_default().balance;
        Ok(json!({
            "total": total,
            "burned": burned,
            "existing": total.saturating_sub(burned),
            "launchBucket": launch,
        }))
    })?;
    method(module, "trib_chain", |node, _| {
        let head = node.chain.head();
        let rules = node.chain.spec().rules_at(head.number, head.timestamp);
        Ok(json!({
            "chainId": quantity(node.chain.spec().chain_id),
            "genesisHash": node.store().genesis_hash(),
            "fork": rules.name,
            "dev": node.dev.is_some(),
            "head": { "number": quantity(head.number), "hash": head.hash },
            "finalized": quantity(node.chain.finalized()),
            "nowMs": quantity(node.chain.now_ms()),
        }))
    })
}
