//! Gateway and provider as two processes: the provider has its own key, folder and port, and is
//! reached over its own HTTP API.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tributary_e2e::{
    Http, Node, Start, Wallet,
    load::{
        guest,
        questions::{hex_number, submission},
        text, until, wei,
    },
};

/// Five times an epoch and its hold-back.
const EARNED_LIMIT: Duration = Duration::from_secs(100);

fn roles(names: &str) -> Start {
    Start { arguments: vec!["--roles".into(), names.into()], ..Start::default() }
}

/// Everything but the provider.
fn front(test: &str) -> Result<Option<Node>> {
    let start = roles("chain,gateway,console,curator,keeper");
    let Some(mut node) = Node::launch(test, start)? else { return Ok(None) };
    node.ready()?;
    Ok(Some(node))
}

/// A provider for a node.
fn provider(front: &Node) -> Result<Node> {
    let mut start = roles("provider");
    start.arguments.extend(["--chain-url".into(), front.setting("rpc_url").into()]);
    let mut node = Node::launch("provider apart", start)?.context("there is a binary")?;
    node.ready()?;
    Ok(node)
}

fn question(front: &Node) -> Value {
    json!({
        "model": text(front.config(), "/models/0"), "max_tokens": 24, "temperature": 0,
        "messages": [{ "role": "user", "content": "Name a ship of the harbour." }],
    })
}

fn app(front: &Node) -> Http {
    Http::new(front.setting("console_url")).with_key(front.setting("api_key"))
}

/// The first answer that a provider gives; until then the refusals say that there is none.
fn first_answer(front: &Node) -> Result<Value> {
    let (http, body) = (app(front), question(front));
    until("answer", || {
        let answer = http.post("/v1/chat/completions", &body)?;
        let code = text(&answer.json(), "/error/code").to_owned();
        let waits = answer.status == 503 && ["no_provider", "provider_lost"].contains(&&*code);
        ensure!(waits || answer.status == 200, "{} {}", answer.status, answer.text());
        Ok((answer.status == 200).then(|| answer.json()))
    })
}

#[test]
fn a_provider_in_its_own_process_answers_trains_and_is_paid() -> Result<()> {
    let Some(front) = front("provider in its own process")? else { return Ok(()) };
    let none = app(&front).post("/v1/chat/completions", &question(&front))?;
    ensure!(none.status == 503 && none.header("retry-after").is_some(), "{}", none.text());
    ensure!(text(&none.json(), "/error/code") == "no_provider", "{}", none.text());

    let provider = provider(&front)?;
    let answer = first_answer(&front)?;
    let who = provider.setting("provider").to_lowercase();
    let named = text(&answer, "/tributary/provider").to_lowercase();
    ensure!(named == who && !who.is_empty(), "{named} answered, not {who}");

    // Its own door opens to gateways only.
    let stranger = Http::new(provider.setting("url")).post("/provider/infer", &json!({}))?;
    ensure!(stranger.status == 401, "{}", stranger.text());
    ensure!(text(&stranger.json(), "/code") == "bad_signature", "{}", stranger.text());

    let datanet = front.config().pointer("/datanets/0").context("a datanet")?.to_string();
    front.cli(&["datanet", "push", &datanet, "--sample"])?.ok()?;
    let trained = front.cli(&["model", "train", "--datanet", &datanet])?.ok()?;
    ensure!(text(&trained, "/state") == "done", "{trained}");
    let curve = trained.pointer("/points").and_then(Value::as_array).map_or(0, Vec::len);
    ensure!(curve > 1, "the curve did not come over: {trained}");

    let rows = front.cli(&["datanet", "rows", &datanet, "--limit", "100"])?.ok()?;
    let row = rows.pointer("/items/0").context("a row")?;
    let asked = front.cli(&["chat", text(&trained, "/model_name"), "-m", text(row, "/prompt")])?;
    let receipt = text(&asked.ok()?, "/tributary/receipt_id").to_owned();
    front.until("a posted root", EARNED_LIMIT, || {
        let shown = front.cli(&["receipt", "show", &receipt])?.ok()?;
        Ok((text(&shown, "/state") != "pending").then_some(()))
    })?;
    // The adapter was made over there and is checked here.
    let verified = front.cli(&["receipt", "verify", &receipt])?;
    ensure!(verified.code == 0, "{verified:?}");
    Ok(())
}

#[test]
fn a_provider_that_dies_in_mid_stream_costs_nothing_and_is_asked_again_when_it_is_back()
-> Result<()> {
    let Some(front) = front("provider dies in mid-stream")? else { return Ok(()) };
    let mut provider = provider(&front)?;
    first_answer(&front)?;
    let key = || app(&front).get("/api/v1/keys")?.ok();
    let spent = |key: &Value| wei(key, "/items/0/spent");
    let before = spent(&key()?)?;

    let body = json!({
        "model": text(front.config(), "/models/0"), "prompt": "The harbour and the valley",
        "max_tokens": 400, "temperature": 1.9, "stream": true,
    });
    let request = ureq::post(format!("{}/completions", front.setting("openai_base_url")));
    let bearer = format!("Bearer {}", front.setting("api_key"));
    let response = request.header("authorization", &bearer).send_json(&body)?;
    let mut stream = BufReader::new(response.into_body().into_reader());
    let mut first = String::new();
    stream.read_line(&mut first)?;
    ensure!(first.starts_with("data: "), "{first}");
    provider.kill()?;
    let mut rest = String::new();
    stream.read_to_string(&mut rest)?;
    ensure!(rest.contains("\"code\":\"provider_lost\""), "the stream ended with {rest}");
    ensure!(rest.trim_end().ends_with("data: [DONE]"), "{rest}");

    let after = key()?;
    ensure!(spent(&after)? == before, "an answer that never came was charged: {after}");
    ensure!(wei(&after, "/items/0/held")? == 0, "money is held for nobody: {after}");
    let none = app(&front).post("/v1/chat/completions", &question(&front))?;
    ensure!(none.status == 503, "{} {}", none.status, none.text());

    let mut provider = provider.relaunch()?;
    provider.ready()?;
    first_answer(&front)?;
    Ok(())
}

/// How many transactions of an account are known, and how many of them are in blocks.
fn sent_and_mined(chain: &Http, account: &str) -> Result<(u64, u64)> {
    let count =
        |tag: &str| hex_number(&chain.rpc("eth_getTransactionCount", json!([account, tag]))?);
    Ok((count("pending")?, count("latest")?))
}

#[test]
fn a_provider_killed_between_its_acceptance_and_the_block_still_answers() -> Result<()> {
    let Some(front) = front("provider killed with an acceptance on its way")? else {
        return Ok(());
    };
    let mut provider = provider(&front)?;
    first_answer(&front)?;
    let (session, _) = guest(&front)?;
    let body = json!({ "model": text(front.config(), "/models/0"), "prompt": "Name a ship.",
        "max_tokens": 8 });
    let kept = session.post("/api/v1/prompts", &body)?.ok()?;

    let chain = Http::new(front.setting("rpc_url"));
    let wallet = Wallet::of_role(front.config(), "dev-builder")?;
    let head = chain.rpc("eth_getBlockByNumber", json!(["latest", false]))?;
    let now = hex_number(head.get("timestamp").context("a timestamp")?)?;
    chain.rpc("evm_setAutomine", json!([false]))?;
    let (nonce, _) = sent_and_mined(&chain, &wallet.address().to_string())?;
    let tasks = text(front.config(), "/contracts/tasks").parse()?;
    let task = submission(&wallet, nonce, tasks, &kept, now)?;
    chain.rpc("eth_sendRawTransaction", json!([task.raw]))?;
    chain.rpc("evm_mine", json!([]))?;

    // Each life of the provider sends its acceptance into a chain that makes no blocks.
    let who = provider.setting("provider").to_owned();
    let waiting = |count: u64| {
        until("acceptance in the pool", || {
            let (sent, mined) = sent_and_mined(&chain, &who)?;
            Ok((sent == mined + count).then_some(()))
        })
    };
    waiting(1)?;
    provider.kill()?;
    let mut provider = provider.relaunch()?;
    provider.ready()?;
    waiting(2)?;
    chain.rpc("evm_setAutomine", json!([true]))?;
    chain.rpc("evm_mine", json!([]))?;

    let list = format!("/api/v1/receipts?account={:?}", wallet.address());
    until("answer to the task", || {
        let page = session.get(&list)?.ok()?;
        let items = page.get("items").and_then(Value::as_array).context("items")?;
        Ok((items.len() == 1).then_some(()))
    })
}
