//! The one listener: JSON-RPC on POST and WebSocket at `/`, the console on GET, `/v1`, `/api/v1`,
//! `/provider`, `/metrics`.
//!
//! **Invariants:** answers only to names of this machine (DNS rebinding); every body has a limit;
//! connections are counted, and one whose client is silent in the middle of a request is closed;
//! scripts of other sites may read JSON-RPC alone. Leaves to others: what the routers do.

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener as StdListener},
    sync::Arc,
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, State},
    http::{HeaderMap, Method, Request, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{any, get},
};
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt as _;
use tower_http::{cors::CorsLayer, timeout::RequestBodyTimeoutLayer};
use tributary_rpc::RpcService;

/// How long open connections may take to finish after a stop.
const DRAIN: Duration = Duration::from_secs(2);

/// Longest time for the headers of a request, and so for an idle connection.
const HEADER_TIMEOUT: Duration = Duration::from_secs(15);
/// Longest silence in the body of a request.
const BODY_SILENCE: Duration = Duration::from_secs(15);
/// Connections at one time; more wait to be taken in.
const CONNECTIONS: usize = 1_024;
/// Pause after a connection that the system refused.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What the listener serves.
pub struct Routes {
    /// JSON-RPC over POST and WebSocket, where the chain runs here.
    pub rpc: Option<RpcService>,
    /// Everything else; `/` on GET is the console's home.
    pub pages: Router,
}

/// Why the node can't listen.
#[derive(Debug, thiserror::Error)]
#[error("port {port} is taken: stop the program that has it or choose another with --port")]
pub struct PortTaken {
    /// The port.
    pub port: u16,
    /// What the system said.
    #[source]
    pub source: io::Error,
}

/// Sockets that are bound but not yet served, so that a taken port is known before any work.
pub struct Bound {
    listeners: Vec<StdListener>,
    /// The port, also when 0 was asked for.
    pub port: u16,
}

/// Binds `localhost`: IPv4, and IPv6 where the machine has it.
pub fn bind(port: u16) -> Result<Bound, PortTaken> {
    let taken = |source| PortTaken { port, source };
    let first = StdListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).map_err(taken)?;
    let port = first.local_addr().map_err(taken)?.port();
    let mut listeners = vec![first];
    match StdListener::bind(SocketAddr::from((Ipv6Addr::LOCALHOST, port))) {
        Ok(second) => listeners.push(second),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => return Err(taken(error)),
        Err(_) => {}
    }
    Ok(Bound { listeners, port })
}

/// Serves until the token is cancelled, then lets open answers finish for a moment.
pub async fn serve(bound: Bound, routes: Routes, stop: CancellationToken) -> io::Result<()> {
    let door = Door {
        app: router(routes),
        places: Arc::new(Semaphore::new(CONNECTIONS)),
        open: TaskTracker::new(),
        stop: stop.clone(),
    };
    let mut accepting = JoinSet::new();
    for listener in bound.listeners {
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        accepting.spawn(door.clone().accept(listener));
    }
    stop.cancelled().await;
    while accepting.join_next().await.is_some() {}
    door.open.close();
    // What has not finished by then loses its socket with the process.
    let _ = tokio::time::timeout(DRAIN, door.open.wait()).await;
    Ok(())
}

/// Takes connections in, no more than there are places for.
#[derive(Clone)]
struct Door {
    app: Router,
    places: Arc<Semaphore>,
    open: TaskTracker,
    stop: CancellationToken,
}

impl Door {
    async fn accept(self, listener: TcpListener) {
        loop {
            let next = async {
                let place = Arc::clone(&self.places).acquire_owned().await;
                (place, listener.accept().await)
            };
            let (place, accepted) = tokio::select! {
                next = next => next,
                () = self.stop.cancelled() => return,
            };
            match accepted {
                Ok((socket, from)) => {
                    let app = self.app.clone();
                    let stop = self.stop.clone();
                    self.open.spawn(async move {
                        let _place = place;
                        converse(socket, from, app, stop).await;
                    });
                }
                Err(error) => {
                    // Out of file descriptors, most likely: give the others time to end.
                    tracing::warn!(%error, "a connection could not be taken");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

/// One connection with all its requests. A client that sends its headers too slowly loses it.
async fn converse(socket: TcpStream, from: SocketAddr, app: Router, stop: CancellationToken) {
    // A delayed acknowledgement would hold small answers back.
    let _ = socket.set_nodelay(true);
    let service = app.map_request(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(from));
        request
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
    let service = TowerToHyperService::new(service);
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(socket), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, %from, "a connection ended");
    }
}

fn router(routes: Routes) -> Router {
    let root = Root { rpc: routes.rpc, pages: routes.pages.clone() };
    Router::new()
        .route("/", any(at_root).layer(CorsLayer::permissive()).with_state(root))
        .route("/healthz", get(|| async { "ok" }))
        .fallback_service(routes.pages)
        .layer(RequestBodyTimeoutLayer::new(BODY_SILENCE))
        .layer(middleware::from_fn(only_this_machine))
}

#[derive(Clone)]
struct Root {
    rpc: Option<RpcService>,
    pages: Router,
}

/// At `/`: a POST or an upgrade is JSON-RPC, all else is the console.
async fn at_root(State(root): State<Root>, request: Request<Body>) -> Response {
    let upgrade = request.headers().get(header::UPGRADE).is_some();
    let wanted = request.method() == Method::POST || upgrade;
    if let Some(rpc) = root.rpc.filter(|_| wanted) {
        let answer = rpc.oneshot(request).await;
        return match answer {
            Ok(answer) => answer.map(axum::body::Body::new),
            Err(never) => match never {},
        };
    }
    match root.pages.oneshot(request).await {
        Ok(answer) => answer,
        Err(never) => match never {},
    }
}

/// Refuses a request whose `Host` is not this machine's: a page elsewhere that points its own
/// name at 127.0.0.1 gets nothing.
async fn only_this_machine(request: Request<Body>, next: Next) -> Response {
    if is_this_machine(request.headers(), request.uri().host()) {
        return next.run(request).await;
    }
    let hint = "this node answers only to localhost, 127.0.0.1 and [::1]: use one of them\n";
    (StatusCode::MISDIRECTED_REQUEST, hint).into_response()
}

fn is_this_machine(headers: &HeaderMap, authority: Option<&str>) -> bool {
    let named = headers.get(header::HOST).and_then(|host| host.to_str().ok()).or(authority);
    let Some(named) = named else { return false };
    let name = match named.rfind(':') {
        Some(colon) if !named.ends_with(']') => named.get(..colon).unwrap_or(named),
        _ => named,
    };
    matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(name: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, name.parse().unwrap());
        is_this_machine(&headers, None)
    }

    #[test]
    fn only_names_of_this_machine_are_served() {
        for name in ["localhost:8545", "127.0.0.1:1", "[::1]:8545", "localhost", "[::1]"] {
            assert!(host(name), "{name}");
        }
        for name in ["evil.example", "localhost.evil.example:8545", "127.0.0.1.nip.io", ""] {
            assert!(!host(name), "{name}");
        }
    }

    #[test]
    fn a_taken_port_is_known_before_any_work() {
        let bound = bind(0).unwrap();
        let error = bind(bound.port).err().expect("the port is taken");
        assert!(error.to_string().contains("--port"));
    }
}
