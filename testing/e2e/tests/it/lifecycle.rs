//! Start, stop, kill and start again: the same chain goes on, and bad starts say what to do.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tributary_e2e::Node;

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
