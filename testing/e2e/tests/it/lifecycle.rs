//! Start, stop, kill and start again: the same chain goes on, and bad starts say what to do.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tributary_e2e::{Node, Start, load::text};

/// A chain id that no other network of ours has.
const OTHER_CHAIN_ID: i64 = 7_731;

fn rpc(node: &Node, method: &str, params: Value) -> Result<Value> {
    let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let answer = ureq::post(node.setting("rpc_url")).send_json(request)?;
    let answer: Value = answer.into_body().read_json()?;
    answer.get("result").cloned().with_context(|| answer.to_string())
}

#[test]
fn the_same_chain_goes_on_after_ctrl_c_and_after_a_kill() -> Result<()> {
    let Some(node) = Node::start("restart")? else { return Ok(()) };
    let block = rpc(&node, "eth_getBlockByNumber", json!(["0x1", false]))?;
    let supply = rpc(&node, "trib_supply", json!([]))?;
    let node = node.stop_and_restart()?;
    ensure!(rpc(&node, "eth_getBlockByNumber", json!(["0x1", false]))? == block);
    let node = node.kill_and_restart()?;
    ensure!(rpc(&node, "eth_getBlockByNumber", json!(["0x1", false]))? == block);
    let after = rpc(&node, "trib_supply", json!([]))?;
    ensure!(after.get("total") == supply.get("total"), "{after}");
    Ok(())
}

#[test]
fn a_host_that_is_not_this_machine_gets_nothing() -> Result<()> {
    let Some(node) = Node::start("host allow-list")? else { return Ok(()) };
    let answer = ureq::get(node.setting("console_url")).header("Host", "evil.example").call();
    let status = match answer {
        Ok(answer) => answer.status().as_u16(),
        Err(ureq::Error::StatusCode(status)) => status,
        Err(error) => return Err(error.into()),
    };
    ensure!(status == 421, "status {status}");
    Ok(())
}

/// The genesis of another network: its chain id is another, and so is what one account begins
/// with.
fn another(genesis: &str) -> Result<String> {
    let mut genesis: toml::Table = genesis.parse()?;
    genesis.insert("chain_id".to_owned(), OTHER_CHAIN_ID.into());
    let buckets = genesis.get_mut("buckets").and_then(toml::Value::as_array_mut);
    let allocation = buckets
        .context("buckets")?
        .iter_mut()
        .filter_map(|bucket| bucket.get_mut("allocations")?.get_mut(0)?.as_table_mut())
        .next();
    allocation.context("an allocation")?.insert("amount".to_owned(), "1".into());
    Ok(genesis.to_string())
}

/// A start that must end by itself with code 1, and say all of this.
fn refused(mut node: Node, words: &[&str]) -> Result<()> {
    let code = node.wait_end()?;
    let log = node.log();
    ensure!(code == 1 && !log.contains("panicked"), "exit {code}: {log}");
    for word in words {
        ensure!(log.contains(word), "`{word}` is not in: {log}");
    }
    Ok(())
}

#[test]
fn a_folder_serves_the_network_it_was_made_for_and_no_other() -> Result<()> {
    let Some(mut first) = Node::start("two networks")? else { return Ok(()) };
    let own = rpc(&first, "eth_getBlockByNumber", json!(["0x0", false]))?;
    let head = rpc(&first, "eth_getBlockByNumber", json!(["latest", false]))?;
    let chain_id = first.config().get("chain_id").context("a chain id")?.to_string();
    first.stop()?;
    let file = first.datadir().join("genesis.toml");
    let genesis = fs::read_to_string(&file)?;

    // The second network is a real one, in a folder of its own.
    let elsewhere = tempfile::tempdir()?;
    fs::write(elsewhere.path().join("genesis.toml"), another(&genesis)?)?;
    let datadir = Some(elsewhere.path().to_path_buf());
    let start = Start { datadir, ..Start::default() };
    let mut second = Node::launch("two networks", start)?.context("there is a binary")?;
    second.ready()?;
    let theirs = rpc(&second, "eth_getBlockByNumber", json!(["0x0", false]))?;
    ensure!(rpc(&second, "eth_chainId", json!([]))? == format!("{OTHER_CHAIN_ID:#x}"));
    ensure!(text(&own, "/hash") != text(&theirs, "/hash"), "{theirs}");
    let hashes = [text(&own, "/hash"), text(&theirs, "/hash")];

    // A provider that was the first's and is sent to the second.
    let url = second.setting("rpc_url").to_owned();
    let arguments = ["--roles", "provider", "--chain-url", &url].map(str::to_owned).to_vec();
    let start = Start { datadir: Some(first.datadir()), arguments, ..Start::default() };
    let words = [hashes[0], hashes[1], "another network", "choose another --datadir"];
    refused(first.relaunch_with(start)?, &words)?;
    // The second's genesis over the first's chain.
    fs::copy(elsewhere.path().join("genesis.toml"), &file)?;
    let other_chain_id = OTHER_CHAIN_ID.to_string();
    let words = [&words[..], &[&chain_id, &other_chain_id, "the genesis that it was made with"]];
    refused(first.relaunch()?, &words.concat())?;

    // What it says to do is enough, and all that the first had is there.
    fs::write(&file, &genesis)?;
    first.start_again()?;
    let number = head.get("number").context("a number")?;
    ensure!(rpc(&first, "eth_getBlockByNumber", json!([number, false]))? == head);
    ensure!(rpc(&first, "eth_getBlockByNumber", json!(["0x0", false]))? == own);
    // Nor was the second disturbed.
    ensure!(rpc(&second, "eth_getBlockByNumber", json!(["0x0", false]))? == theirs);
    Ok(())
}
