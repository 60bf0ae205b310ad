//! The stair between the wings: `client`'s transport over `rpc`'s handlers in the same process.
//! A call in process passes the same validation as one over HTTP.

use async_trait::async_trait;
use jsonrpsee::RpcModule;
use serde_json::{Value, json};
use tributary_client::{RpcFault, Transport, TransportError};

/// Answers of one call that are buffered; calls here have exactly one.
const ANSWERS: usize = 1;

/// JSON-RPC without a socket.
#[derive(Clone)]
pub struct InProcess(RpcModule<()>);

impl InProcess {
    /// Over the handlers that the listener serves.
    pub fn new(module: RpcModule<()>) -> Self {
        Self(module)
    }
}

#[async_trait]
impl Transport for InProcess {
    async fn request(&self, method: &str, params: Value) -> Result<Value, TransportError> {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let malformed =
            |reason: String| TransportError::Malformed { method: method.to_owned(), reason };
        let answer = self.0.raw_json_request(&request.to_string(), ANSWERS).await;
        let (answer, _subscription) = answer.map_err(|error| malformed(error.to_string()))?;
        let mut answer: Value =
            serde_json::from_str(answer.get()).map_err(|error| malformed(error.to_string()))?;
        if let Some(fault) = answer.get_mut("error") {
            return Err(TransportError::Fault(RpcFault {
                code: fault["code"].as_i64().unwrap_or(-32_603),
                message: fault["message"].as_str().unwrap_or("unknown error").to_owned(),
                data: fault.get_mut("data").map(Value::take),
            }));
        }
        Ok(answer.get_mut("result").map(Value::take).unwrap_or_default())
    }
}
