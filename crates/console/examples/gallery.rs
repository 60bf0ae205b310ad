//! Serves the console over the tests' fixture, to look at pages without a node:
//! `cargo run --release -p tributary-console --example gallery -- 8600`.
//! The session cookie is `tributary_session=fixture-token`.

#[allow(dead_code)]
#[path = "../tests/it/fixture.rs"]
mod fixture;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let port = std::env::args().nth(1).and_then(|port| port.parse().ok()).unwrap_or(8600);
    let fixture = fixture::Fixture::new().await;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    println!("http://localhost:{port}/ receipt {:#x} tx {:#x}", fixture.receipt, fixture.tx);
    axum::serve(listener, fixture.console).await
}
