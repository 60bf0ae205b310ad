//! The method table behind HTTP and WebSocket.

use crate::RpcConfig;
use http::{HeaderValue, StatusCode};
use jsonrpsee::RpcModule;
use jsonrpsee::core::traits::IdProvider;
use jsonrpsee::server::{
    BatchRequestConfig, HttpBody, PingConfig, ServerConfig, ServerHandle, StopHandle,
    TowerServiceBuilder, stop_channel,
};
use jsonrpsee::types::SubscriptionId;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use tower::Service;
use tower::layer::util::Identity;

/// Answers JSON-RPC over POST and upgrades WebSocket requests. Mount it where the listener is.
#[derive(Clone)]
pub struct RpcService {
    builder: TowerServiceBuilder<Identity, Identity>,
    methods: jsonrpsee::Methods,
    stop: StopHandle,
}

impl core::fmt::Debug for RpcService {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("RpcService").finish_non_exhaustive()
    }
}

/// Closes the WebSocket connections.
#[derive(Debug, Clone)]
pub struct RpcStop(ServerHandle);

impl RpcStop {
    /// Tells every connection to end. Calling it again is fine.
    pub fn stop(&self) {
        if self.0.stop().is_err() {
            tracing::trace!("the connections were told before");
        }
    }
}

/// Puts a method table behind HTTP and WebSocket.
pub fn service(module: RpcModule<()>, config: &RpcConfig) -> (RpcService, RpcStop) {
    let server = ServerConfig::builder()
        .max_request_body_size(config.max_body_bytes)
        .max_response_body_size(config.max_response_bytes)
        .max_connections(config.max_connections)
        .max_subscriptions_per_connection(config.max_subscriptions)
        .set_batch_request_config(BatchRequestConfig::Limit(config.max_batch))
        .set_message_buffer_capacity(1_024)
        .enable_ws_ping(PingConfig::new())
        .set_id_provider(HexIds)
        .build();
    let builder = jsonrpsee::server::Server::builder().set_config(server).to_service_builder();
    let (stop, handle) = stop_channel();
    (RpcService { builder, methods: module.into(), stop }, RpcStop(handle))
}

type ServiceFuture =
    Pin<Box<dyn Future<Output = Result<http::Response<HttpBody>, Infallible>> + Send>>;

impl<B> Service<http::Request<B>> for RpcService
where
    B: http_body::Body<Data = bytes::Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = http::Response<HttpBody>;
    type Error = Infallible;
    type Future = ServiceFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: http::Request<B>) -> ServiceFuture {
        // curl and others send JSON without saying so.
        if request.method() == http::Method::POST {
            let json = HeaderValue::from_static("application/json");
            request.headers_mut().insert(http::header::CONTENT_TYPE, json);
        }
        // One service a request, so that subscriptions of two connections never mix.
        let mut one = self.builder.clone().build(self.methods.clone(), self.stop.clone());
        Box::pin(async move {
            Ok(one.call(request).await.unwrap_or_else(|error| {
                tracing::debug!(%error, "a request failed");
                let mut response = http::Response::new(HttpBody::from("bad request"));
                *response.status_mut() = StatusCode::BAD_REQUEST;
                response
            }))
        })
    }
}

/// Subscription ids as Ethereum clients know them: hex quantities.
#[derive(Debug)]
struct HexIds;

impl IdProvider for HexIds {
    fn next_id(&self) -> SubscriptionId<'static> {
        // A leading one keeps it a quantity without leading zeros.
        SubscriptionId::Str(format!("0x1{:032x}", rand::random::<u128>()).into())
    }
}
