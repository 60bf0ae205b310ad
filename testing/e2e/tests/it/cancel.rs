//! A training that is called off: the escrow comes back as the module says, the name is free
//! again, the provider stops.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tributary_e2e::{
    Http, Node,
    load::{text, wei},
};

/// Five times the start of a training.
const LIMIT: Duration = Duration::from_secs(120);
/// More than the gas of the few transactions in between.
const GAS_WEI: u128 = 10_000_000_000_000_000;

fn balance(node: &Node, account: &str) -> Result<u128> {
    let http = Http::new(node.setting("rpc_url"));
    let wei = http.rpc("eth_getBalance", json!([account, "latest"]))?;
    let digits = wei.as_str().context("an amount")?.trim_start_matches("0x").to_owned();
    Ok(u128::from_str_radix(&digits, 16)?)
}

#[test]
fn a_training_that_is_called_off_gives_its_escrow_back() -> Result<()> {
    let Some(node) = Node::start("cancel of a training")? else { return Ok(()) };
    let datanet = node.config().pointer("/datanets/0").context("a datanet")?.to_string();
    let account = node.cli(&["account", "show"])?.ok()?;
    let me = text(&account, "/address").to_owned();
    let train = ["model", "train", "--datanet", &datanet, "--no-wait", "--name", "me/mine"];
    let before = balance(&node, &me)?;
    let started = node.cli(&train)?.ok()?;
    let id = started.get("id").and_then(Value::as_u64).context("a job")?;
    let number = id.to_string();
    let escrow = wei(&started, "/max_fee")?;
    ensure!(before - balance(&node, &me)? >= escrow, "the escrow was not taken");
    let http = Http::new(node.setting("console_url"));
    node.until("a step of training", LIMIT, || {
        let now = http.get(&format!("/api/v1/jobs/{id}"))?.ok()?;
        Ok((now.get("step").and_then(Value::as_u64) > Some(0)).then_some(()))
    })?;

    let stranger = node.cli_as("stranger", &["model", "cancel", &number])?;
    ensure!(stranger.code != 0 && stranger.stdout.contains("another account"), "{stranger:?}");
    let cancelled = node.cli(&["model", "cancel", &number])?.ok()?;
    ensure!(text(&cancelled, "/state") == "cancelled", "{cancelled}");
    let (refund, fee) = (wei(&cancelled, "/refund")?, wei(&cancelled, "/fee")?);
    // The dev network's genesis leaves a provider nothing of a task that was called off.
    ensure!(refund == escrow && fee == 0, "{refund} and {fee} of {escrow}");
    let cost = before - balance(&node, &me)?;
    ensure!(cost < GAS_WEI, "it cost {cost} beyond gas");
    let again = node.cli(&["model", "cancel", &number])?;
    ensure!(again.code != 0 && again.stdout.contains("WrongTaskState"), "{again:?}");

    // Nothing of it is left: the name is free, and the provider takes the next job.
    let started = node.cli(&train)?.ok()?;
    let next = started.get("id").and_then(Value::as_u64).context("a job")?;
    node.until("a step of the next training", LIMIT, || {
        let now = http.get(&format!("/api/v1/jobs/{next}"))?.ok()?;
        Ok((now.get("step").and_then(Value::as_u64) > Some(0)).then_some(()))
    })?;
    let first = http.get(&format!("/api/v1/jobs/{id}"))?.ok()?;
    ensure!(text(&first, "/state") == "cancelled", "{first}");
    node.cli(&["model", "cancel", &next.to_string()])?.ok()?;
    Ok(())
}
