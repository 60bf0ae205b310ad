//! The one listener: JSON-RPC on POST and WebSocket at `/`, the console on GET, `/v1`, `/api/v1`,
//! `/provider`, `/metrics`.
//!
//! **Invariants:** answers only to names of this machine (DNS rebinding); every body has a limit;
//! connections are counted, and one whose client is silent in the middle of a request or of its
//! answer is closed; a flood of connections that ask for nothing reaches nobody who does; scripts
//! of other sites may read JSON-RPC alone. Leaves to others: what the routers do.

use std::{
    convert::Infallible,
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
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::{ServiceExt as _, service_fn};
use tower_http::{cors::CorsLayer, timeout::RequestBodyTimeoutLayer};
use tributary_rpc::RpcService;

use crate::{
    patient::Patient,
    places::{Exchange, Part, Place, Places},
};

/// How long open connections may take to finish after a stop.
const DRAIN: Duration = Duration::from_secs(2);

/// Longest time for the headers of a request, and so for an idle connection.
const HEADER_TIMEOUT: Duration = Duration::from_secs(15);
/// Longest silence in the body of a request.
const BODY_SILENCE: Duration = Duration::from_secs(15);
/// Longest silence of a client while its answer is sent.
const ANSWER_SILENCE: Duration = Duration::from_secs(15);
/// Connections at one time. With what the node itself has open they stay below 1,024 handles, all
/// that many systems grant. One more takes the place of who waited longest, else it is refused.
const CONNECTIONS: usize = 512;
/// Refusals that are being told at one time; more are closed without a word.
const REFUSALS: usize = 64;
/// What a refusal says. Any place that comes free may be had at once.
const REFUSAL: &str = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n\
    Content-Type: text/plain; charset=utf-8\r\nContent-Length: 52\r\nConnection: close\r\n\r\n\
    the node answers too many others: try again in 1 s\r\n";
/// How long a client may take to read its refusal.
const REFUSAL_LIMIT: Duration = Duration::from_secs(1);
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
    let places = Places::new(CONNECTIONS);
    attend(bound, Door::new(router(routes), places, stop)).await
}

async fn attend(bound: Bound, door: Door) -> io::Result<()> {
    let mut accepting = JoinSet::new();
    for listener in bound.listeners {
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        accepting.spawn(door.clone().accept(listener));
    }
    door.stop.cancelled().await;
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
    places: Places,
    refusals: Arc<Semaphore>,
    open: TaskTracker,
    stop: CancellationToken,
}

impl Door {
    fn new(app: Router, places: Places, stop: CancellationToken) -> Self {
        let refusals = Arc::new(Semaphore::new(REFUSALS));
        Self { app, places, refusals, open: TaskTracker::new(), stop }
    }

    async fn accept(self, listener: TcpListener) {
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = self.stop.cancelled() => return,
            };
            match accepted {
                Ok((socket, from)) => match self.places.take() {
                    Some(place) => {
                        self.open.spawn(self.clone().converse(socket, from, place));
                    }
                    None => self.refuse(socket),
                },
                Err(error) => {
                    // Out of file descriptors, most likely: one that waits gives its own.
                    tracing::warn!(%error, "a connection could not be taken");
                    self.places.make_room();
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// One connection with all its requests. A client that sends or reads too slowly loses it, and
    /// so does one that waits when its place is needed.
    async fn converse(self, socket: TcpStream, from: SocketAddr, place: Arc<Place>) {
        // A delayed acknowledgement would hold small answers back.
        let _ = socket.set_nodelay(true);
        let (app, sitting) = (self.app, Arc::clone(&place));
        let service = service_fn(move |request: Request<Incoming>| {
            answer(app.clone(), request, from, Exchange::new(Arc::clone(&sitting)))
        });
        let mut builder = Builder::new(TokioExecutor::new());
        builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
        let service = TowerToHyperService::new(service);
        let socket = TokioIo::new(Patient::new(socket, ANSWER_SILENCE));
        let connection = builder.serve_connection_with_upgrades(socket, service);
        tokio::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = place.leave.cancelled() => return,
            () = self.stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, %from, "a connection ended");
        }
    }

    /// Says that there is no place and when to come again.
    fn refuse(&self, mut socket: TcpStream) {
        let Ok(told) = Arc::clone(&self.refusals).try_acquire_owned() else { return };
        self.open.spawn(async move {
            let _told = told;
            let words = async {
                socket.write_all(REFUSAL.as_bytes()).await?;
                socket.shutdown().await?;
                // A socket that is closed on unread bytes takes the words back.
                let mut asked = [0; 1_024];
                while socket.read(&mut asked).await? > 0 {}
                io::Result::Ok(())
            };
            let _ = tokio::time::timeout(REFUSAL_LIMIT, words).await;
        });
    }
}

/// One request through the router, with an eye on whom its connection waits for.
async fn answer(
    app: Router,
    request: Request<Incoming>,
    from: SocketAddr,
    exchange: Arc<Exchange>,
) -> Result<Response, Infallible> {
    let is_read = request.method() == Method::GET;
    let mut request = request.map(|body| Part::of_request(Body::new(body), Arc::clone(&exchange)));
    request.extensions_mut().insert(ConnectInfo(from));
    let answer = app.oneshot(request).await?;
    exchange.begun(is_read, answer.headers());
    Ok(answer.map(|body| Part::of_answer(body, exchange)))
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

    /// What a client reads until the other side closes.
    async fn words(port: u16, request: &str) -> String {
        let mut socket = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut read = String::new();
        socket.read_to_string(&mut read).await.unwrap();
        read
    }

    const ASK: &str = "GET /work HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

    #[tokio::test]
    async fn where_all_are_being_answered_a_newcomer_is_told_when_to_come_again() {
        let bound = bind(0).unwrap();
        let (port, stop) = (bound.port, CancellationToken::new());
        let (begun, mut begins) = tokio::sync::mpsc::channel(8);
        let done = Arc::new(Semaphore::new(0));
        let finished = Arc::clone(&done);
        let work = get(move || async move {
            begun.send(()).await.unwrap();
            finished.acquire().await.unwrap().forget();
            "worked"
        });
        let app = Router::new().route("/work", work);
        let door = Door::new(app, Places::new(2), stop.clone());
        let serving = tokio::spawn(attend(bound, door));
        let answered = [(); 2].map(|()| tokio::spawn(words(port, ASK)));
        for _ in &answered {
            begins.recv().await.unwrap();
        }

        let refused = words(port, ASK).await;
        assert!(refused.starts_with("HTTP/1.1 503 ") && refused.contains("Retry-After: 1\r\n"));
        let (_, said) = refused.split_once("\r\n\r\n").unwrap();
        assert!(refused.contains(&format!("Content-Length: {}\r\n", said.len())), "{refused}");

        done.add_permits(3);
        for answer in answered {
            assert!(answer.await.unwrap().ends_with("worked"));
        }
        assert!(words(port, ASK).await.ends_with("worked"));
        stop.cancel();
        serving.await.unwrap().unwrap();
    }
}
