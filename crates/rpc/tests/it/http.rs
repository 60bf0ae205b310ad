//! The interface behind a listener.

use crate::node::Node;
use axum::Router;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tributary_rpc::{RpcConfig, RpcStop, service};

struct Served {
    address: std::net::SocketAddr,
    stop: RpcStop,
    _node: Node,
}

async fn serve(config: RpcConfig) -> Served {
    let node = Node::with(config.clone(), true);
    let (rpc, stop) = service(node.module.clone(), &config);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new().route_service("/", rpc);
    tokio::spawn(async move { axum::serve(listener, app).await });
    Served { address, stop, _node: node }
}

/// One request over a connection of its own: status line and body.
async fn exchange(served: &Served, head: &str, body: &str) -> (String, String) {
    let mut stream = TcpStream::connect(served.address).await.unwrap();
    let length = body.len();
    let request = format!(
        "{head}\r\nHost: localhost\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    // A server may close before it has read a body that it refuses.
    drop(stream.read_to_string(&mut answer).await);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    (head.lines().next().unwrap_or_default().to_owned(), body.to_owned())
}

async fn post(served: &Served, body: &str) -> Value {
    let (status, body) = exchange(served, "POST / HTTP/1.1", body).await;
    assert!(status.contains("200"), "{status}: {body}");
    serde_json::from_str(&body).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn posts_are_answered_with_any_content_type() {
    let served = serve(RpcConfig::default()).await;
    let call = json!({ "jsonrpc": "2.0", "id": 7, "method": "eth_chainId" }).to_string();
    let expected = json!({ "jsonrpc": "2.0", "id": 7, "result": "0x1c8e" });
    assert_eq!(post(&served, &call).await, expected);
    let head = "POST / HTTP/1.1\r\nContent-Type: text/plain";
    let (status, _) = exchange(&served, head, &call).await;
    assert!(status.contains("200"), "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_are_answered_up_to_their_limit() {
    let served = serve(RpcConfig { max_batch: 3, ..RpcConfig::default() }).await;
    let call = |id: u64| json!({ "jsonrpc": "2.0", "id": id, "method": "eth_blockNumber" });
    let three: Vec<Value> = (1..=3).map(call).collect();
    let answer = post(&served, &json!(three).to_string()).await;
    assert_eq!(answer.as_array().unwrap().len(), 3);
    let four: Vec<Value> = (1..=4).map(call).collect();
    let answer = post(&served, &json!(four).to_string()).await;
    assert_eq!(answer["error"]["code"], -32010, "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_and_oversized_bodies_are_refused_and_the_node_lives() {
    let served = serve(RpcConfig { max_body_bytes: 10_000, ..RpcConfig::default() }).await;
    let answer = exchange(&served, "POST / HTTP/1.1", "{not json").await;
    assert!(answer.1.contains("-32700"), "{answer:?}");
    let large = format!("[{}]", "1,".repeat(20_000));
    let (status, _) = exchange(&served, "POST / HTTP/1.1", &large).await;
    assert!(status.contains("413"), "{status}");
    let deep = "[".repeat(9_000);
    exchange(&served, "POST / HTTP/1.1", &deep).await;
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_chainId" }).to_string();
    assert_eq!(post(&served, &call).await["result"], "0x1c8e");
}

#[tokio::test(flavor = "multi_thread")]
async fn web_sockets_upgrade_and_end_when_told() {
    let served = serve(RpcConfig::default()).await;
    let mut stream = TcpStream::connect(served.address).await.unwrap();
    let request = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
        Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = [0_u8; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 101");
    served.stop.stop();
    served.stop.stop();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
}
