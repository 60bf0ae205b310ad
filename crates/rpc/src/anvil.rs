//! `anvil_*`, `evm_*` and `hardhat_*`: cheat codes of the dev role.

use crate::RpcError;
use crate::params::{Answer, Args, LooseU256, Slot, method, quantity};
use crate::state::{Module, Node};
use alloy_primitives::{Address, B256, Bytes, U256};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;
use tributary_consensus::Mining;
use tributary_execution::StateEdit;

type Handler<T> = fn(&Node, &mut Args<'_>) -> Answer<T>;

pub(crate) fn register(module: &mut Module) -> Answer<()> {
    register_blocks(module)?;
    register_time(module)?;
    register_state(module)?;
    register_accounts(module)?;
    register_pool(module)
}

/// Registers one handler under several names.
fn all<T: serde::Serialize + Clone + Send + 'static>(
    module: &mut Module,
    names: &[&'static str],
    run: Handler<T>,
) -> Answer<()> {
    names.iter().try_for_each(|name| method(module, name, run))
}

fn register_blocks(module: &mut Module) -> Answer<()> {
    all(module, &["anvil_mine", "hardhat_mine"], |node, args| {
        let blocks = args.optional::<LooseU256>()?.map_or(Ok(1), LooseU256::to_u64)?;
        let interval = args.optional::<LooseU256>()?.map_or(Ok(0), LooseU256::to_u64)?;
        Ok(node.cheats()?.mine(blocks, interval)?)
    })?;
    method(module, "evm_mine", evm_mine)?;
    all(module, &["evm_snapshot", "anvil_snapshot"], |node, _| {
        Ok(U256::from(node.cheats()?.snapshot()?))
    })?;
    all(module, &["evm_revert", "anvil_revert"], |node, args| {
        let id = args.next::<LooseU256>()?.to_u64()?;
        Ok(node.cheats()?.revert(id)?)
    })?;
    all(module, &["anvil_reset", "hardhat_reset"], |node, args| {
        let options: Option<Value> = args.optional()?;
        if options.is_some_and(|options| options.get("forking").is_some()) {
            return Err(RpcError::Refused("this chain cannot fork another one".into()));
        }
        Ok(node.cheats()?.reset()?)
    })?;
    all(module, &["evm_setAutomine", "anvil_setAutomine"], |node, args| {
        let mining = if args.next()? { Mining::Auto } else { Mining::Manual };
        Ok(node.cheats()?.set_mining(mining)?)
    })?;
    all(module, &["anvil_getAutomine", "hardhat_getAutomine"], |node, _| {
        Ok(node.cheats()?.mining()? == Mining::Auto)
    })?;
    all(module, &["evm_setIntervalMining", "anvil_setIntervalMining"], |node, args| {
        let mining = match args.next::<LooseU256>()?.to_u64()? {
            0 => Mining::Manual,
            seconds => Mining::Interval(Duration::from_secs(seconds)),
        };
        Ok(node.cheats()?.set_mining(mining)?)
    })?;
    method(module, "anvil_getIntervalMining", |node, _| {
        Ok(match node.cheats()?.mining()? {
            Mining::Interval(pace) => Some(pace.as_secs()),
            Mining::Auto | Mining::Manual => None,
        })
    })?;
    method(module, "anvil_nodeInfo", node_info)
}

/// `evm_mine` takes nothing, a timestamp, or both fields by name.
#[derive(Deserialize)]
#[serde(untagged)]
enum MineOptions {
    Named { timestamp: Option<LooseU256>, blocks: Option<LooseU256> },
    Timestamp(LooseU256),
}

fn evm_mine(node: &Node, args: &mut Args<'_>) -> Answer<String> {
    let (timestamp, blocks) = match args.optional::<MineOptions>()? {
        None => (None, None),
        Some(MineOptions::Timestamp(timestamp)) => (Some(timestamp), None),
        Some(MineOptions::Named { timestamp, blocks }) => (timestamp, blocks),
    };
    let dev = node.cheats()?;
    if let Some(timestamp) = timestamp {
        dev.set_next_timestamp(timestamp.to_u64()?)?;
    }
    dev.mine(blocks.map_or(Ok(1), LooseU256::to_u64)?, 0)?;
    Ok("0x0".into())
}

fn node_info(node: &Node, _: &mut Args<'_>) -> Answer<Value> {
    let head = node.chain.head();
    let rules = node.chain.spec().rules_at(head.number, head.timestamp);
    let mining = node.cheats()?.mining()?;
    Ok(json!({
        "currentBlockNumber": quantity(head.number),
        "currentBlockTimestamp": head.timestamp,
        "currentBlockHash": head.hash,
        "hardFork": format!("{:?}", rules.evm).to_uppercase(),
        "transactionOrder": "fees",
        "environment": {
            "baseFee": U256::from(node.chain.next_base_fee()),
            "chainId": node.chain.spec().chain_id,
            "gasLimit": quantity(rules.gas_limit),
            "gasPrice": U256::from(node.chain.next_base_fee()),
        },
        "forkConfig": { "forkUrl": null, "forkBlockNumber": null, "forkRetryBackoff": null },
        "automine": mining == Mining::Auto,
    }))
}

fn register_time(module: &mut Module) -> Answer<()> {
    all(module, &["evm_increaseTime", "anvil_increaseTime"], |node, args| {
        let seconds = args.next::<LooseU256>()?.to_u64()?;
        Ok(node.cheats()?.increase_time(seconds)?)
    })?;
    all(module, &["evm_setNextBlockTimestamp", "anvil_setNextBlockTimestamp"], |node, args| {
        let seconds = args.next::<LooseU256>()?.to_u64()?;
        Ok(node.cheats()?.set_next_timestamp(seconds)?)
    })?;
    all(module, &["evm_setTime", "anvil_setTime"], |node, args| {
        let seconds = args.next::<LooseU256>()?.to_u64()?;
        Ok(node.cheats()?.set_time(seconds)?)
    })
}

fn register_state(module: &mut Module) -> Answer<()> {
    let names = ["anvil_setBalance", "hardhat_setBalance", "tenderly_setBalance"];
    all(module, &names, |node, args| {
        let address = args.next()?;
        let balance = args.next::<LooseU256>()?.0;
        Ok(node.cheats()?.edit(vec![StateEdit::Balance { address, balance }])?)
    })?;
    all(module, &["anvil_setNonce", "hardhat_setNonce", "evm_setAccountNonce"], |node, args| {
        let address = args.next()?;
        let nonce = args.next::<LooseU256>()?.to_u64()?;
        Ok(node.cheats()?.edit(vec![StateEdit::Nonce { address, nonce }])?)
    })?;
    all(module, &["anvil_setCode", "hardhat_setCode"], |node, args| {
        let address = args.next()?;
        let code: Bytes = args.next()?;
        Ok(node.cheats()?.edit(vec![StateEdit::Code { address, code }])?)
    })?;
    all(module, &["anvil_setStorageAt", "hardhat_setStorageAt"], |node, args| {
        let address = args.next()?;
        let slot = args.next::<Slot>()?.0;
        let value = args.next::<LooseU256>()?.0;
        node.cheats()?.edit(vec![StateEdit::Storage { address, slot, value }])?;
        Ok(true)
    })
}

fn register_accounts(module: &mut Module) -> Answer<()> {
    all(module, &["anvil_impersonateAccount", "hardhat_impersonateAccount"], |node, args| {
        node.cheats()?.impersonate(args.next()?);
        Ok(())
    })?;
    let names = ["anvil_stopImpersonatingAccount", "hardhat_stopImpersonatingAccount"];
    all(module, &names, |node, args| {
        node.cheats()?.stop_impersonating(args.next()?);
        Ok(())
    })?;
    let names = ["anvil_autoImpersonateAccount", "hardhat_autoImpersonateAccount"];
    all(module, &names, |node, args| {
        node.cheats()?.impersonate_all(args.next()?);
        Ok(())
    })
}

fn register_pool(module: &mut Module) -> Answer<()> {
    method(module, "anvil_dropTransaction", |node, args| {
        let hash: B256 = args.next()?;
        Ok(node.pool().drop_transaction(&hash).then_some(hash))
    })?;
    method(module, "hardhat_dropTransaction", |node, args| {
        Ok(node.pool().drop_transaction(&args.next()?))
    })?;
    method(module, "anvil_dropAllTransactions", |node, _| {
        node.pool().clear();
        Ok(())
    })?;
    method(module, "anvil_removePoolTransactions", |node, args| {
        let sender: Address = args.next()?;
        let content = node.pool().content();
        let lanes = [content.pending.get(&sender), content.queued.get(&sender)];
        for tx in lanes.into_iter().flatten().flat_map(|lane| lane.values()) {
            node.pool().drop_transaction(&tx.hash());
        }
        Ok(())
    })
}
