//! One catalogue of refusals, in two shapes: problem documents for `/api/v1` and OpenAI's for
//! `/v1`. Each says what happened and what to do.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;
use tributary_artifacts::ArtifactError;
use tributary_client::{ClientError, TransportError, api::Problem};
use tributary_datasets::DatasetError;
use tributary_indexer::IndexError;

/// Why a request is not served.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Refusal {
    /// HTTP status.
    pub status: StatusCode,
    /// Stable word for programs.
    pub code: String,
    /// What happened.
    pub detail: String,
    /// What to do.
    pub hint: Option<String>,
    /// The field of the request.
    pub param: Option<String>,
    /// Row of the data.
    pub row: Option<u64>,
    /// Column in the row.
    pub column: Option<u64>,
    /// Seconds after which trying again makes sense.
    pub retry_after: Option<u64>,
}

impl Refusal {
    /// With a status, a code and what happened.
    pub fn new(status: StatusCode, code: &str, detail: impl Into<String>) -> Self {
        Self {
            status,
            code: code.to_owned(),
            detail: detail.into(),
            hint: None,
            param: None,
            row: None,
            column: None,
            retry_after: None,
        }
    }

    /// 400: a field of the request cannot be used.
    pub fn field(param: &str, detail: impl Into<String>) -> Self {
        let mut refusal = Self::new(StatusCode::BAD_REQUEST, "invalid_value", detail);
        refusal.param = Some(param.to_owned());
        refusal
    }

    /// 401: who is asking?
    pub fn unauthorized(code: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, code, detail)
    }

    /// 402: money; names the limit.
    pub fn payment(code: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYMENT_REQUIRED, code, detail)
    }

    /// 403.
    pub fn forbidden(code: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, detail)
    }

    /// 404.
    pub fn not_found(what: &str, id: impl std::fmt::Display) -> Self {
        let code = format!("{}_not_found", what.replace(' ', "_"));
        Self::new(StatusCode::NOT_FOUND, &code, format!("there is no {what} `{id}`"))
    }

    /// 409.
    pub fn conflict(code: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    /// 413.
    pub fn too_large(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail)
    }

    /// 422: the data.
    pub fn data(code: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail)
    }

    /// 429 with the time to wait.
    pub fn slow_down(detail: impl Into<String>, seconds: u64) -> Self {
        let mut refusal = Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limit_exceeded", detail);
        refusal.retry_after = Some(seconds.max(1));
        refusal
    }

    /// 503 with the time to wait.
    pub fn unavailable(code: &str, detail: impl Into<String>) -> Self {
        let mut refusal = Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail);
        refusal.retry_after = Some(2);
        refusal
    }

    /// 500: our fault; the cause goes to the log, not to the caller.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        tracing::error!(%cause, "request failed");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "the gateway failed; the cause is in its log under this request's id",
        )
    }

    /// Adds what to do.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Names the field of the request.
    pub fn param(mut self, param: &str) -> Self {
        self.param = Some(param.to_owned());
        self
    }

    /// As RFC 9457.
    pub fn problem(&self) -> Response {
        let problem = Problem {
            kind: format!("/docs/errors/{}", self.code),
            title: self.status.canonical_reason().unwrap_or("refused").to_owned(),
            status: self.status.as_u16(),
            detail: self.detail.clone(),
            code: self.code.clone(),
            hint: self.hint.clone(),
            row: self.row,
            column: self.column,
        };
        let mut response = (self.status, Json(problem)).into_response();
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        self.finish(response)
    }

    /// As OpenAI's clients expect it.
    pub fn openai(&self) -> Response {
        let kind = match self.status.as_u16() {
            401 => "authentication_error",
            402 => "insufficient_quota",
            403 => "permission_error",
            429 => "rate_limit_error",
            500.. => "server_error",
            _ => "invalid_request_error",
        };
        let message = match &self.hint {
            Some(hint) => format!("{}; {hint}", self.detail),
            None => self.detail.clone(),
        };
        let body = json!({"error": {
            "message": message, "type": kind, "param": self.param, "code": self.code,
        }});
        self.finish((self.status, Json(body)).into_response())
    }

    fn finish(&self, mut response: Response) -> Response {
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if matches!(self.status.as_u16(), 400..=404 | 409 | 413 | 422) {
            // Stock clients retry 409 and 5xx by themselves; these would only fail again.
            response.headers_mut().insert("x-should-retry", HeaderValue::from_static("false"));
        }
        response
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        self.problem()
    }
}

/// A refusal in OpenAI's shape.
pub struct OpenAiRefusal(pub Refusal);

impl<T: Into<Refusal>> From<T> for OpenAiRefusal {
    fn from(refusal: T) -> Self {
        Self(refusal.into())
    }
}

impl IntoResponse for OpenAiRefusal {
    fn into_response(self) -> Response {
        self.0.openai()
    }
}

/// 507.
fn disk_full() -> Refusal {
    let detail = "the gateway's disk takes no more; nothing was stored";
    Refusal::new(StatusCode::INSUFFICIENT_STORAGE, "disk_full", detail)
        .hint("free some space and send it again")
}

/// `UnknownDatanet { .. }` as `unknown_datanet`.
fn snake(error: &str) -> String {
    let name = error.split([' ', '{', '(']).next().unwrap_or("reverted");
    let mut code = String::new();
    let letters: Vec<char> = name.chars().collect();
    for (position, letter) in letters.iter().enumerate() {
        let before = position.checked_sub(1).and_then(|before| letters.get(before));
        let after = letters.get(position + 1);
        // A word begins at its capital; `ERC20` is one word.
        let begins = letter.is_ascii_uppercase()
            && before.is_some_and(|before| {
                !before.is_ascii_uppercase() || after.is_some_and(char::is_ascii_lowercase)
            });
        if begins {
            code.push('_');
        }
        code.push(letter.to_ascii_lowercase());
    }
    code
}

impl From<ClientError> for Refusal {
    fn from(error: ClientError) -> Self {
        let hint = error.hint();
        let detail = error.to_string();
        let mut refusal = match error {
            ClientError::Reverted(revert) => {
                let code = snake(&revert.error);
                let missing = code.starts_with("unknown_");
                let status = if missing { StatusCode::NOT_FOUND } else { StatusCode::CONFLICT };
                Self::new(status, &code, detail)
            }
            ClientError::InsufficientFunds { .. } => Self::payment("insufficient_funds", detail),
            ClientError::NotFound { .. } => Self::new(StatusCode::NOT_FOUND, "not_found", detail),
            ClientError::Overtaken { .. } => Self::conflict("refused", detail),
            ClientError::Service { status, code, message, .. } => {
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
                let mut refusal = Self::new(status, &code, message);
                refusal.retry_after = (status.as_u16() == 503).then_some(2);
                refusal
            }
            ClientError::Transport(TransportError::Fault(fault)) => Self::internal(format!(
                "the node refused a request: {} ({})",
                fault.message, fault.code
            )),
            ClientError::Transport(_) | ClientError::TimedOut { .. } => {
                Self::unavailable("chain_unreachable", detail)
            }
            other => return Self::internal(other),
        };
        refusal.hint = hint;
        refusal
    }
}

impl From<IndexError> for Refusal {
    fn from(error: IndexError) -> Self {
        match error {
            full if full.is_full() => disk_full(),
            IndexError::NotFound { what, id } => Self::not_found(what, id),
            IndexError::Conflict(detail) => Self::conflict("conflict", detail),
            IndexError::Closed => Self::unavailable("stopping", "the gateway is stopping"),
            other => Self::internal(other),
        }
    }
}

impl From<ArtifactError> for Refusal {
    fn from(error: ArtifactError) -> Self {
        match &error {
            ArtifactError::Absent(digest) => Self::not_found("blob", digest),
            ArtifactError::TooLarge { .. } => Self::too_large(error.to_string()),
            ArtifactError::DiskFull => disk_full(),
            _ => Self::internal(error),
        }
    }
}

impl From<DatasetError> for Refusal {
    fn from(error: DatasetError) -> Self {
        let mut refusal = Self::data(error.code(), error.to_string());
        refusal.row = error.row();
        refusal.column = error.column();
        refusal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn module_errors_become_codes_that_programs_can_match() {
        assert_eq!(snake("UnknownDatanet { datanetId: 9 }"), "unknown_datanet");
        assert_eq!(snake("NameTaken { name: \"a\" }"), "name_taken");
        let erc = "ERC20InsufficientBalance { sender: 0x, balance: 1, needed: 2 }";
        assert_eq!(snake(erc), "erc20_insufficient_balance");
    }

    #[test]
    fn a_commit_that_failed_is_never_the_callers_conflict() {
        let status = |is_full| {
            let refusal = Refusal::from(IndexError::Commit { cause: "disk".into(), is_full });
            refusal.status.as_u16()
        };
        assert_eq!((status(true), status(false)), (507, 500));
    }

    #[test]
    fn a_rate_refusal_says_when_to_come_back_in_both_shapes() {
        let refusal = Refusal::slow_down("too many requests", 0);
        for response in [refusal.problem(), refusal.openai()] {
            assert_eq!(response.status().as_u16(), 429);
            assert_eq!(response.headers()[header::RETRY_AFTER], "1");
        }
    }
}
