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

    each_field_flipped_is_found(&node, &receipt, &shown)?;

    // Somebody else may check what is public, and is told what can't be checked.
    let stranger = node.cli_as("stranger", &["receipt", "verify", &receipt])?;
    ensure!(stranger.code == 9, "{stranger:?}");
    Ok(())
}

/// The check that must name a field of the receipt's body.
fn check_of(field: &str) -> &'static str {
    match field {
        "gateway" | "payer" | "channel" => "channel",
        "model" | "model_digest" | "adapter_digest" | "tokenizer_digest" | "snapshot" => "model",
        "prompt_commitment" | "prompt_tokens" => "prompt",
        "completion_commitment" | "completion_tokens" => "completion",
        "temperature_micro" | "top_p_ppm" | "top_k" | "max_tokens" | "sampler_digest" => "sampler",
        "job_seed" => "job_seed",
        "logits_digest" => "logits",
        "fee_compute" | "fee_licence" => "fee",
        "spans_digest" => "spans",
        "shares_digest" => "shares",
        "block_number" | "block_hash" | "issued_at" => "block",
        _ => "signature",
    }
}

/// Another value of the same kind.
fn flip(value: &mut Value) {
    let other = match &*value {
        Value::Number(number) => Value::from(number.as_u64().unwrap_or(0) ^ 1),
        Value::String(text) => {
            let last = text.chars().last().unwrap_or('0');
            let digit = if last == '1' { '2' } else { '1' };
            let cut = text.len() - last.len_utf8().min(text.len());
            Value::from(format!("{}{digit}", text.get(..cut).unwrap_or_default()))
        }
        other => other.clone(),
    };
    *value = other;
}

/// Flips each field of receipt and transcript once: each flip exits 9 and names its check.
fn each_field_flipped_is_found(node: &Node, id: &str, shown: &Value) -> Result<()> {
    let receipt = shown.get("receipt").context("a receipt")?;
    let body = receipt.get("body").and_then(Value::as_object).context("a body")?;
    let mut flips: Vec<(String, &str)> = Vec::new();
    for (field, value) in body {
        match value.as_object() {
            Some(inner) => {
                let inner = inner.keys().map(|name| format!("/body/{field}/{name}"));
                flips.extend(inner.map(|path| (path, check_of(field))));
            }
            None => flips.push((format!("/body/{field}"), check_of(field))),
        }
    }
    let listed = [
        ("/id", "signature"),
        ("/signature", "signature"),
        ("/spans/0/start", "spans"),
        ("/spans/0/bits_q16", "spans"),
        ("/spans/0/contributor", "spans"),
        ("/spans/0/records/0", "spans"),
        ("/shares/0/amount", "shares"),
        ("/shares/0/party", "shares"),
    ];
    flips.extend(listed.map(|(path, check)| (path.to_owned(), check)));
    let path = node.folder().join("flipped.json");
    for (field, check) in flips {
        let mut altered = receipt.clone();
        flip(altered.pointer_mut(&field).with_context(|| format!("{field} is in a receipt"))?);
        std::fs::write(&path, altered.to_string())?;
        let file = path.to_str().context("a path in UTF-8")?;
        names_the_check(node, &[id, "--receipt", file], (&field, check))?;
    }
    let transcript = node.cli(&["receipt", "transcript", id])?.ok()?;
    let private = [
        ("/receipt_id", "transcript"),
        ("/prompt", "prompt"),
        ("/prompt_ids/0", "prompt"),
        ("/prompt_salt", "prompt"),
        ("/completion", "completion"),
        ("/completion_ids/0", "completion"),
        ("/completion_salt", "completion"),
        ("/request_seed", "job_seed"),
        ("/sampler/max_tokens", "sampler"),
    ];
    for (field, check) in private {
        let mut altered = transcript.clone();
        flip(altered.pointer_mut(field).with_context(|| format!("{field} is in a transcript"))?);
        std::fs::write(&path, altered.to_string())?;
        let file = path.to_str().context("a path in UTF-8")?;
        names_the_check(node, &[id, "--transcript", file], (field, check))?;
    }
    Ok(())
}

fn names_the_check(node: &Node, arguments: &[&str], (field, check): (&str, &str)) -> Result<()> {
    let arguments = [&["receipt", "verify"][..], arguments].concat();
    let ran = node.cli(&arguments)?;
    ensure!(ran.code == 9, "{field} flipped exits {}: {ran:?}", ran.code);
    let report = ran.json()?;
    let checks = report.get("checks").and_then(Value::as_array).context("checks")?;
    // What names nothing that exists can't even be checked.
    let found = checks.iter().filter(|found| text(found, "/status") != "ok");
    let named = found.map(|found| text(found, "/name")).any(|name| name == check);
    ensure!(named, "{field} flipped is not found by `{check}`: {report}");
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
