//! Bad input as users meet it, through the real binary: each gets a typed error that says what and
//! where, and nothing that was there before is lost.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::Command,
    time::{Duration, Instant},
};

use alloy_primitives::{B256, hex};
use alloy_sol_types::{SolCall as _, SolInterface as _};
use anyhow::{Context as _, Result, ensure};
use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};
use tributary_contracts::{IChannels, voucher_digest};
use tributary_e2e::{
    Answer, Http, Node, Ran, Start, Wallet,
    load::{guest, text, until, wei},
};

/// Five times the limit of silence that the listener grants.
const SILENCE_LIMIT: Duration = Duration::from_secs(75);

/// The node must end by itself and say so.
fn refused_start(node: Option<Node>, words: &[&str]) -> Result<()> {
    let mut node = node.context("there is a binary")?;
    let code = node.wait_end()?;
    let log = node.log();
    ensure!(code == 1, "exit {code}: {log}");
    for word in words {
        ensure!(log.contains(word), "`{word}` is not in: {log}");
    }
    ensure!(!log.contains("panicked"), "{log}");
    Ok(())
}

#[test]
fn a_start_that_cannot_be_says_why_and_what_to_do() -> Result<()> {
    let Some(node) = Node::start("bad starts")? else { return Ok(()) };
    let test = "bad starts";

    let taken = TcpListener::bind("127.0.0.1:0")?;
    let port = taken.local_addr()?.port();
    let start = Start { port, ..Start::default() };
    let said = format!("port {port} is taken");
    refused_start(Node::launch(test, start)?, &[&said, "--port"])?;

    let start = Start { datadir: Some(node.datadir()), ..Start::default() };
    refused_start(Node::launch(test, start)?, &["in use by another tributary", "--datadir"])?;

    let arguments = vec!["--roles".to_owned(), "provider".to_owned()];
    let start = Start { arguments, ..Start::default() };
    refused_start(Node::launch(test, start)?, &["--chain-url"])?;

    // A folder that was made for another chain, by the mark that every process leaves in it.
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("network"), B256::repeat_byte(7).to_string())?;
    let datadir = Some(folder.path().to_path_buf());
    let start = Start { datadir, ..Start::default() };
    refused_start(Node::launch(test, start)?, &["another network", "--datadir"])?;

    // Nobody was disturbed.
    Http::new(node.setting("rpc_url")).rpc("eth_blockNumber", json!([]))?;
    Ok(())
}

/// An upload that must be refused with this status and code.
fn refused(answer: &Answer, status: u16, code: &str) -> Result<Value> {
    let body = answer.json();
    let found = text(&body, "/code").to_owned() + text(&body, "/error/code");
    ensure!(answer.status == status && found == code, "{} {}", answer.status, answer.text());
    let words = text(&body, "/detail").len() + text(&body, "/error/message").len();
    ensure!(words > 10, "no words: {body}");
    Ok(body)
}

#[test]
fn bad_rows_are_refused_by_row_and_column_and_nothing_is_stored() -> Result<()> {
    let Some(node) = Node::start("bad rows")? else { return Ok(()) };
    let (http, _) = guest(&node)?;
    let send = |name: &str, body: &[u8]| {
        http.send(&format!("/api/v1/uploads?filename={name}"), "application/octet-stream", body)
    };
    let good = r#"{"prompt":"Who rows the ferry?","completion":"Old Marek rows the ferry."}"#;

    let malformed = format!("{good}\n{{\"prompt\": \"x\", \"completion\": }}\n");
    let body = refused(&send("rows.jsonl", malformed.as_bytes())?, 422, "row_malformed")?;
    ensure!(body.get("row") == Some(&json!(2)), "{body}");
    ensure!(body.get("column").and_then(Value::as_u64).is_some_and(|c| c > 20), "{body}");

    let mut broken = good.as_bytes().to_vec();
    broken.extend(b"\n{\"text\": \"\xff\xfe\"}\n");
    let body = refused(&send("rows.jsonl", &broken)?, 422, "invalid_utf8")?;
    ensure!(body.get("row") == Some(&json!(2)), "{body}");

    let huge = format!("{good}\n{{\"text\": \"{}\"}}\n", "a".repeat(50 << 20));
    let body = refused(&send("rows.jsonl", huge.as_bytes())?, 422, "row_too_large")?;
    ensure!(body.get("row") == Some(&json!(2)), "{body}");

    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    bomb.write_all(&vec![b' '; 32 << 20])?;
    let bomb = bomb.finish()?;
    refused(&send("rows.jsonl.gz", &bomb)?, 422, "compression_ratio_too_high")?;
    refused(&send("rows.parquet", good.as_bytes())?, 422, "unknown_format")?;
    refused(&send("rows.jsonl", b"")?, 422, "empty")?;

    let made = send("rows.jsonl", good.as_bytes())?.ok()?;
    ensure!(made.get("accepted") == Some(&json!(1)), "{made}");
    Ok(())
}

#[test]
fn copied_rows_are_rejected_by_the_curator_with_its_reason() -> Result<()> {
    let Some(node) = Node::start("copied rows")? else { return Ok(()) };
    let (http, _) = guest(&node)?;
    let rows = http.get("/api/v1/datanets/1/rows?limit=5")?.ok()?;
    let rows = rows.get("items").and_then(Value::as_array).context("rows")?;
    let rows = rows.iter().map(|row| {
        json!({ "prompt": text(row, "/prompt"), "completion": text(row, "/completion") })
            .to_string()
    });
    let rows = rows.collect::<Vec<_>>().join("\n");
    // Without a datanet the upload's own check has nothing to compare with.
    let path = "/api/v1/uploads?filename=rows.jsonl";
    let upload = http.send(path, "application/octet-stream", rows.as_bytes())?.ok()?;
    let body = json!({ "upload": text(&upload, "/id") });
    let made = http.post("/api/v1/datanets/1/contributions", &body)?.ok()?;
    let path = format!("/api/v1/contributions/{}", made.get("contribution").context("an id")?);
    let judged = until("review", || {
        let now = http.get(&path)?.ok()?;
        let open = ["submitted", "checked", "reviewed"].contains(&text(&now, "/state"));
        Ok((!open).then_some(now))
    })?;
    ensure!(text(&judged, "/state") == "rejected", "{judged}");
    ensure!(text(&judged, "/reason").contains("of 5 rows"), "{judged}");
    Ok(())
}

#[test]
fn bad_requests_are_refused_in_words_and_a_flood_does_not_reach_others() -> Result<()> {
    let Some(node) = Node::start("bad requests")? else { return Ok(()) };
    let (url, model) = (node.setting("console_url"), text(node.config(), "/models/0"));
    let http = Http::new(url).with_key(node.setting("api_key"));
    let ask = |http: &Http, model: &str, content: &str| {
        let messages = json!([{ "role": "user", "content": content }]);
        let body = json!({ "model": model, "max_tokens": 4, "messages": messages });
        http.post("/v1/chat/completions", &body)
    };
    refused(&ask(&http, model, "  ")?, 400, "empty_prompt")?;
    let long = "a ".repeat(100_000);
    refused(&ask(&http, model, &long)?, 413, "context_length_exceeded")?;
    let longer = "ship ".repeat(2_000);
    refused(&ask(&http, model, &longer)?, 400, "context_length_exceeded")?;
    refused(&ask(&http, "no/such", "Hello")?, 404, "model_not_found")?;
    let stranger = Http::new(url).with_key(&format!("trib_sk_{}", "0".repeat(64)));
    refused(&ask(&stranger, model, "Hello")?, 401, "invalid_api_key")?;

    let (session, _) = guest(&node)?;
    let made = session.post("/api/v1/keys", &json!({ "name": "flood", "cap": "1.0" }))?.ok()?;
    let flooding = Http::new(url).with_key(text(&made, "/key"));
    let flooded = until("end of the allowance", || {
        let answer = ask(&flooding, "no/such", "Hello")?;
        Ok((answer.status == 429).then_some(answer))
    })?;
    refused(&flooded, 429, "rate_limit_exceeded")?;
    let wait = flooded.header("retry-after").and_then(|seconds| seconds.parse::<u64>().ok());
    ensure!(wait.is_some_and(|seconds| seconds >= 1), "{:?}", flooded.headers);
    let paid = ask(&http, model, "Name a ship.")?;
    ensure!(paid.status == 200, "{} {}", paid.status, paid.text());
    Ok(())
}

#[test]
fn a_client_that_sends_too_slowly_loses_its_connection() -> Result<()> {
    let Some(node) = Node::start("slow clients")? else { return Ok(()) };
    let host = node.setting("console_url").trim_start_matches("http://").to_owned();
    let port = host.rsplit(':').next().context("a port")?.to_owned();
    let beginnings = [
        "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nX-Slow: ".to_owned(),
        format!(
            "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\
                 Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{{\"model\"",
            node.setting("api_key")
        ),
    ];
    for beginning in beginnings {
        let mut socket = TcpStream::connect(format!("127.0.0.1:{port}"))?;
        socket.set_read_timeout(Some(SILENCE_LIMIT))?;
        socket.write_all(beginning.as_bytes())?;
        let begun = Instant::now();
        let mut answer = String::new();
        // Either an answer that says so, or a closed socket; never an endless wait.
        let read = socket.take(4 << 10).read_to_string(&mut answer);
        ensure!(begun.elapsed() < SILENCE_LIMIT, "still open: {read:?}");
        let closed = answer.is_empty() || answer.starts_with("HTTP/1.1 4");
        ensure!(closed, "{answer}");
    }
    Ok(())
}

/// The typed error of a voucher that is offered for redemption.
fn redeemed(node: &Node, voucher: &IChannels::Voucher, by: &Wallet) -> Result<String> {
    let chain_id = node.config().get("chain_id").and_then(Value::as_u64).context("chain id")?;
    let signature = by.sign(voucher_digest(voucher, chain_id).0)?;
    let call = IChannels::redeemCall {
        voucher: voucher.clone(),
        signature: hex::decode(signature)?.into(),
    };
    let to = text(node.config(), "/contracts/channels");
    let request = json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_call", "params": [
        { "to": to, "data": hex::encode_prefixed(call.abi_encode()) }, "latest"] });
    let answer = Http::new(node.setting("rpc_url")).post("/", &request)?.ok()?;
    let data = hex::decode(text(&answer, "/error/data"))?;
    let error = IChannels::IChannelsErrors::abi_decode(&data);
    let error = error.with_context(|| format!("no typed error: {answer}"))?;
    Ok(format!("{error:?}"))
}

#[test]
fn money_moves_only_by_the_right_signature_once_and_within_the_cap() -> Result<()> {
    let Some(node) = Node::start("bad money")? else { return Ok(()) };
    let http = Http::new(node.setting("rpc_url"));
    let wallet = Wallet::of_role(node.config(), "dev-app")?;
    let transfer = wallet.transfer(0, wallet.address(), 1)?;
    // One bit of the signature: another sender without money, or no signature at all.
    let mut raw = hex::decode(&transfer.raw)?;
    if let Some(last) = raw.last_mut() {
        *last ^= 1;
    }
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_sendRawTransaction",
        "params": [hex::encode_prefixed(raw)] });
    let answer = http.post("/", &call)?.ok()?;
    ensure!(!text(&answer, "/error/message").is_empty(), "taken: {answer}");

    let key = Http::new(node.setting("console_url")).with_key(node.setting("api_key"));
    let body = json!({ "model": text(node.config(), "/models/0"), "max_tokens": 4,
        "messages": [{ "role": "user", "content": "Name a ship." }] });
    key.post("/v1/chat/completions", &body)?.ok()?;
    let row = until("redeemed voucher", || {
        let keys = key.get("/api/v1/keys")?.ok()?;
        Ok((wei(&keys, "/items/0/redeemed")? > 0).then_some(keys))
    })?;
    let channel: B256 = text(&row, "/items/0/channel").parse()?;
    let cap = wei(&row, "/items/0/cap")?;
    let voucher = |seq, cumulative| IChannels::Voucher {
        channelId: channel,
        seq,
        cumulative,
        usageRoot: B256::ZERO,
        deadline: u64::MAX,
    };
    let replayed = redeemed(&node, &voucher(1, 1), &wallet)?;
    ensure!(replayed.contains("StaleVoucher"), "{replayed}");
    let greedy = redeemed(&node, &voucher(1_000, cap + 1), &wallet)?;
    ensure!(greedy.contains("VoucherOverCap"), "{greedy}");
    let forged = redeemed(&node, &voucher(1_000, cap), &wallet)?;
    ensure!(forged.contains("VoucherWrongSigner"), "{forged}");
    Ok(())
}

/// A command that needs no node.
fn alone(arguments: &[&str]) -> Result<Option<Ran>> {
    let Some(binary) = tributary_e2e::tool("TRIBUTARY_BIN", "bad files") else { return Ok(None) };
    let output = Command::new(binary).args(arguments).arg("--json").output()?;
    Ok(Some(output.into()))
}

/// It fails without a panic and names these words.
fn complains(arguments: &[&str], words: &[&str]) -> Result<()> {
    let Some(ran) = alone(arguments)? else { return Ok(()) };
    let said = format!("{}{}", ran.stdout, ran.stderr);
    ensure!(ran.code == 1 && !said.contains("panicked"), "exit {}: {said}", ran.code);
    for word in words {
        ensure!(said.to_lowercase().contains(&word.to_lowercase()), "`{word}` not in: {said}");
    }
    Ok(())
}

#[test]
fn bad_files_are_named_and_never_panic() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    fs::write(
        path("config.json"),
        r#"{"model_type":"llama","architectures":["LlamaForCausalLM"],
        "hidden_size":8,"intermediate_size":16,"num_attention_heads":2,"num_hidden_layers":1,
        "num_key_value_heads":2,"vocab_size":2048,"max_position_embeddings":32,"rms_norm_eps":1e-5,
        "rope_theta":10000.0,"hidden_act":"silu","tie_word_embeddings":true}"#,
    )?;
    fs::write(path("tokenizer.json"), seed_tokenizer()?)?;
    let model = folder.path().to_string_lossy().into_owned();
    // A header that promises more than the file holds, one beyond all memory, one cut in half.
    for weights in [&b"\x40\0\0\0\0\0\0\0{}"[..], &[0xff; 64], b"\x02\0\0"] {
        fs::write(path("model.safetensors"), weights)?;
        complains(&["model", "import", &model], &["model.safetensors is damaged", "again"])?;
    }
    complains(&["model", "import", &path("absent")], &["absent"])?;

    let rows = path("rows.jsonl");
    fs::write(&rows, "{\"text\": \"The ferry leaves at dawn.\"}\n{\"text\": 7}\n")?;
    complains(&["datanet", "index", &rows, "--out", &path("idx")], &["row 2"])?;
    fs::write(&rows, "{\"text\": \"The ferry leaves the old harbour at dawn every day.\"}\n")?;
    let Some(built) = alone(&["datanet", "index", &rows, "--out", &path("idx")])? else {
        return Ok(());
    };
    ensure!(built.code == 0, "{built:?}");
    // Another tokenizer: the index stores the digest of its own.
    let mut other = seed_tokenizer()?;
    other.push('\n');
    fs::write(path("other.json"), other)?;
    let (index, tokenizer) = (path("idx"), path("other.json"));
    let trace = ["trace", "--index", &index, "--text", "x", "--tokenizer", &tokenizer];
    complains(&trace, &["tokenizer"])
}

/// The seed model's tokenizer, as the repository holds it.
fn seed_tokenizer() -> Result<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/seed/tokenizer.json");
    Ok(fs::read_to_string(path)?)
}
