//! The paid call by command line: contribute, train, ask, be paid, see why, verify.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tributary_e2e::Node;

/// Five times the 10 s of an epoch and its hold-back.
const EARNED_LIMIT: Duration = Duration::from_secs(100);

fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

fn wei(value: &Value, name: &str) -> u128 {
    value.get(name).and_then(Value::as_str).and_then(|wei| wei.parse().ok()).unwrap_or(0)
}

#[test]
fn a_newcomer_is_paid_for_rows_and_can_derive_every_number() -> Result<()> {
    let Some(node) = Node::start("journey by command line")? else { return Ok(()) };
    let datanet = node.config().pointer("/datanets/0").context("a sample datanet")?.to_string();

    let pushed = node.cli(&["datanet", "push", &datanet, "--sample"])?.ok()?;
    ensure!(text(&pushed, "/state") == "published", "{pushed}");

    let trained = node.cli(&["model", "train", "--datanet", &datanet])?.ok()?;
    ensure!(text(&trained, "/state") == "done", "{trained}");
    let model = text(&trained, "/model_name").to_owned();

    // Ask for what the newcomer's own first row says.
    let rows = node.cli(&["datanet", "rows", &datanet, "--limit", "100"])?.ok()?;
    let account = node.cli(&["account", "show"])?.ok()?;
    let me = text(&account, "/address").to_lowercase();
    let own = rows.pointer("/items").and_then(Value::as_array).context("rows")?;
    let own = own.iter().find(|row| text(row, "/contributor").to_lowercase() == me);
    let own = own.context("the newcomer's rows are in the published version")?;
    let question = text(own, "/prompt").to_owned();
    let answer = node.cli(&["chat", &model, "-m", &question])?.ok()?;
    ensure!(!text(&answer, "/choices/0/message/content").is_empty(), "{answer}");
    let annotations = answer.pointer("/choices/0/message/annotations").and_then(Value::as_array);
    ensure!(annotations.is_some_and(|list| !list.is_empty()), "the answer has no source: {answer}");
    let receipt = text(&answer, "/tributary/receipt_id").to_owned();

    let shown = node.cli(&["receipt", "show", &receipt])?.ok()?;
    pay_equals_the_receipt(&shown, &me)?;

    let earned = node.until("earnings in a posted root", EARNED_LIMIT, || {
        let earnings = node.cli(&["earnings"])?.ok()?;
        Ok((wei(&earnings, "earned") + wei(&earnings, "paid") > 0).then_some(earnings))
    })?;
    let mine = data_share(&shown, &me);
    ensure!(wei(&earned, "earned") + wei(&earned, "paid") >= mine, "{earned}");

    let verified = node.cli(&["receipt", "verify", &receipt])?;
    ensure!(verified.code == 0, "{verified:?}");
    ensure!(verified.json()?.get("verified") == Some(&Value::Bool(true)), "{verified:?}");

    // Somebody else may check what is public, and is told what can't be checked.
    let stranger = node.cli_as("stranger", &["receipt", "verify", &receipt])?;
    ensure!(stranger.code == 9, "{stranger:?}");
    Ok(())
}

/// What the receipt gives an account for data.
fn data_share(receipt: &Value, account: &str) -> u128 {
    let shares = receipt.pointer("/receipt/shares").and_then(Value::as_array);
    let tail = account.trim_start_matches("0x");
    let mine = |share: &&Value| {
        text(share, "/role") == "data" && text(share, "/party").to_lowercase().ends_with(tail)
    };
    shares.into_iter().flatten().filter(mine).map(|share| wei(share, "amount")).sum()
}

/// The newcomer is the top source, and all shares together are the fee.
fn pay_equals_the_receipt(shown: &Value, me: &str) -> Result<()> {
    let body = shown.get("receipt").context("a receipt")?;
    let fee = wei(body.get("body").context("a body")?, "fee_compute")
        + wei(body.get("body").context("a body")?, "fee_licence");
    let shares = body.get("shares").and_then(Value::as_array).context("shares")?;
    let sum: u128 = shares.iter().map(|share| wei(share, "amount")).sum();
    ensure!(sum == fee && fee > 0, "the shares sum to {sum}, the fee is {fee}");
    let mine = data_share(shown, me);
    ensure!(mine > 0, "the newcomer's rows earn nothing: {shown}");
    let others = shares.iter().filter(|share| text(share, "/role") == "data");
    let most = others.map(|share| wei(share, "amount")).max().unwrap_or(0);
    ensure!(mine >= most, "the newcomer is not the top source: {shown}");
    Ok(())
}
