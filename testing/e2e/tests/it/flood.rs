//! Floods of connections and of strangers: whoever asks properly is answered, and what the node
//! holds stays bounded.

use std::{
    collections::{BTreeMap, VecDeque},
    fs,
    io::{ErrorKind, Read as _, Write as _},
    net::TcpStream,
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use tributary_e2e::{Answer, Http, Node, load::text};

/// Connections that are opened and say nothing, or not enough.
const CONNECTIONS: usize = 2_000;
/// Connections that the test keeps open, more than the node has places for.
const HELD: usize = 700;
/// Places of the node.
const PLACES: usize = 512;
/// Handles that the node may take for its own work meanwhile.
const OWN_HANDLES: usize = 128;
/// What all the places may cost in memory: 128 KiB each.
const MEMORY_KIB: usize = PLACES * 128;
/// Connections after which a client asks something.
const ROUND: usize = 100;
/// Strangers at once, and requests of each.
const STRANGERS: usize = 64;
const REQUESTS: usize = 20;
/// Requests of a known client meanwhile.
const ASKED: usize = 50;
/// Hang limit of one read.
const LIMIT: Duration = Duration::from_secs(60);

fn chat(http: &Http, model: &str) -> Result<Answer> {
    let messages = json!([{ "role": "user", "content": "Name a ship." }]);
    let body = json!({ "model": model, "max_tokens": 4, "messages": messages });
    http.post("/v1/chat/completions", &body)
}

/// Open handles and resident KiB of a node, where the system tells them.
fn held(node: &Node) -> Result<Option<(usize, usize)>> {
    if !cfg!(target_os = "linux") {
        return Ok(None);
    }
    let process = format!("/proc/{}", node.process_id());
    let handles = fs::read_dir(format!("{process}/fd"))?.count();
    let status = fs::read_to_string(format!("{process}/status"))?;
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let resident = resident.and_then(|rest| rest.split_whitespace().next()).context("VmRSS")?;
    Ok(Some((handles, resident.parse()?)))
}

/// The node closed it: an end, or a reset where it had not read all.
fn is_closed(mut socket: TcpStream) -> Result<bool> {
    socket.set_read_timeout(Some(LIMIT))?;
    match socket.read(&mut [0; 64]) {
        Ok(read) => Ok(read == 0),
        Err(error) => Ok(matches!(error.kind(), ErrorKind::ConnectionReset)),
    }
}

#[test]
fn thousands_of_connections_that_ask_for_nothing_reach_nobody_who_asks() -> Result<()> {
    let Some(node) = Node::start("idle connections")? else { return Ok(()) };
    let url = node.setting("console_url").to_owned();
    let port = url.rsplit(':').next().context("a port")?;
    let model = text(node.config(), "/models/0");
    let key = node.setting("api_key");
    let beginnings = [
        "",
        "GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{\"jsonrpc\"",
        "GET /live?path=/explore HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ];
    // What one answer costs is not counted.
    ensure!(chat(&Http::new(&url).with_key(key), model)?.status == 200);
    let before = held(&node)?;
    let mut sockets = VecDeque::new();
    for (number, beginning) in beginnings.iter().cycle().take(CONNECTIONS).enumerate() {
        let mut socket = TcpStream::connect(format!("127.0.0.1:{port}"))?;
        socket.write_all(beginning.as_bytes())?;
        // The listener of events is not read: it would be closed for what it has to say.
        sockets.push_back((socket, number % beginnings.len() < 3));
        if sockets.len() > HELD {
            let (oldest, is_silent) = sockets.pop_front().context("a socket")?;
            ensure!(!is_silent || is_closed(oldest)?, "connection {number} is still held");
        }
        if number % ROUND == 0 {
            // Each time on a connection of its own.
            let http = Http::new(&url);
            ensure!(http.get("/healthz")?.status == 200);
            http.rpc("eth_blockNumber", json!([]))?;
        }
    }
    let answer = chat(&Http::new(&url).with_key(key), model)?;
    ensure!(answer.status == 200, "{} {}", answer.status, answer.text());
    if let (Some(before), Some(now)) = (before, held(&node)?) {
        println!("handles {} to {}, resident KiB {} to {}", before.0, now.0, before.1, now.1);
        ensure!(now.0 <= before.0 + PLACES + OWN_HANDLES, "{before:?} -> {now:?}");
        ensure!(now.1 <= before.1 + MEMORY_KIB, "{before:?} -> {now:?}");
    }
    Ok(())
}

#[test]
fn strangers_that_flood_from_the_same_address_do_not_use_up_a_key() -> Result<()> {
    let Some(node) = Node::start("flood of strangers")? else { return Ok(()) };
    let url = node.setting("console_url");
    let model = text(node.config(), "/models/0");
    let known = Http::new(url).with_key(node.setting("api_key"));
    let flood = || -> Result<BTreeMap<u16, usize>> {
        let (http, mut found) = (Http::new(url), BTreeMap::new());
        for _ in 0..REQUESTS {
            let answer = chat(&http, model)?;
            let wait = answer.header("retry-after").and_then(|wait| wait.parse::<u64>().ok());
            ensure!(answer.status == 401 || wait >= Some(1), "{answer:?}");
            *found.entry(answer.status).or_default() += 1;
        }
        Ok(found)
    };
    let mut found = BTreeMap::new();
    thread::scope(|scope| {
        let strangers: Vec<_> = (0..STRANGERS).map(|_| scope.spawn(flood)).collect();
        for _ in 0..ASKED {
            let during = chat(&known, "no/such")?;
            ensure!(during.status == 404, "{} {}", during.status, during.text());
        }
        for stranger in strangers {
            let statuses =
                stranger.join().map_err(|_| anyhow::anyhow!("a stranger panicked"))??;
            for (status, count) in statuses {
                *found.entry(status).or_insert(0) += count;
            }
        }
        Ok(())
    })?;
    println!("strangers were answered {found:?}");
    ensure!(found.get(&429).is_some_and(|count| *count > 0), "nobody was slowed down: {found:?}");
    let after = chat(&known, model)?;
    ensure!(after.status == 200, "{} {}", after.status, after.text());
    Ok(())
}
