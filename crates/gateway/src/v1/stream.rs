//! Answers as server-sent events, chunk by chunk as OpenAI's clients read them.

use std::{convert::Infallible, sync::Arc};

use axum::{
    body::{Body, Bytes},
    http::{HeaderValue, header},
    response::Response,
};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::{
    answer::{Choice, Head, finish_reason, usage},
    plan::Kind,
};
use crate::{Refusal, metering::Piece, shared::Shared};

/// Turns pieces into a stream. A failure before the first piece is an ordinary error answer.
pub async fn respond(
    shared: Arc<Shared>,
    head: Head,
    mut pieces: mpsc::Receiver<Piece>,
) -> Result<Response, Refusal> {
    let first = match pieces.recv().await {
        Some(Piece::Failed { refusal }) => return Err(refusal),
        Some(first) => first,
        None => return Err(Refusal::unavailable("provider_lost", "there was no answer")),
    };
    let writer =
        Writer { shared, head, pieces, next: Some(first), done: Vec::new(), state: State::Opening };
    let body = futures::stream::unfold(writer, |mut writer| async move {
        let bytes = writer.step().await?;
        Some((Ok::<_, Infallible>(bytes), writer))
    });
    let mut response = Response::new(Body::from_stream(body));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

enum State {
    Opening,
    Running,
    Closing,
    Over,
}

struct Writer {
    shared: Arc<Shared>,
    head: Head,
    pieces: mpsc::Receiver<Piece>,
    next: Option<Piece>,
    done: Vec<Choice>,
    state: State,
}

impl Writer {
    async fn step(&mut self) -> Option<Bytes> {
        match self.state {
            State::Opening => {
                self.state = State::Running;
                if self.head.kind == Kind::Completion {
                    return Box::pin(self.step()).await;
                }
                let mut text = String::new();
                for index in 0..self.head.count {
                    let delta = json!({"role": "assistant", "content": "", "refusal": null});
                    text.push_str(&self.event(self.delta(index, delta, None)));
                }
                Some(text.into())
            }
            State::Running => {
                let piece = match self.next.take() {
                    Some(piece) => Some(piece),
                    None => self.pieces.recv().await,
                };
                match piece {
                    Some(piece) => Some(self.piece(piece)),
                    None => Some(self.close()),
                }
            }
            State::Closing => {
                self.state = State::Over;
                Some(Bytes::from_static(b"data: [DONE]\n\n"))
            }
            State::Over => None,
        }
    }

    fn piece(&mut self, piece: Piece) -> Bytes {
        match piece {
            Piece::Text { index, text } => {
                let chunk = match self.head.kind {
                    Kind::Chat => self.delta(index, json!({"content": text}), None),
                    Kind::Completion => self.text(index, &text, None, &[]),
                };
                self.event(chunk).into()
            }
            Piece::Done { index, answer } => {
                let annotations = self.head.annotations(&self.shared, &answer);
                let finish = finish_reason(answer.finish);
                let mut text = String::new();
                let mut chunk = match self.head.kind {
                    Kind::Chat if annotations.is_empty() => {
                        self.delta(index, json!({}), Some(finish))
                    }
                    Kind::Chat => {
                        let late = json!({"annotations": annotations});
                        text.push_str(&self.event(self.delta(index, late, None)));
                        self.delta(index, json!({}), Some(finish))
                    }
                    Kind::Completion => self.text(index, "", Some(finish), &annotations),
                };
                self.done.push(Choice { index, answer });
                if self.done.len() as u64 == u64::from(self.head.count) {
                    self.done.sort_by_key(|choice| choice.index);
                    chunk["tributary"] = self.head.tributary(&self.shared, &self.done);
                }
                text.push_str(&self.event(chunk));
                text.into()
            }
            Piece::Failed { refusal } => {
                self.state = State::Closing;
                self.pieces.close();
                let error = json!({"error": {
                    "message": refusal.detail, "type": "server_error", "param": refusal.param,
                    "code": refusal.code,
                }});
                format!("data: {error}\n\n").into()
            }
        }
    }

    fn close(&mut self) -> Bytes {
        self.state = State::Over;
        let mut text = String::new();
        if self.head.include_usage {
            let mut chunk = self.head.frame(true, json!([]));
            chunk["usage"] = usage(&self.done);
            chunk["tributary"] = self.head.tributary(&self.shared, &self.done);
            text.push_str(&format!("data: {chunk}\n\n"));
        }
        text.push_str("data: [DONE]\n\n");
        text.into()
    }

    fn delta(&self, index: u32, delta: Value, finish: Option<&str>) -> Value {
        let choice =
            json!({"index": index, "delta": delta, "logprobs": null, "finish_reason": finish});
        self.head.frame(true, json!([choice]))
    }

    fn text(&self, index: u32, text: &str, finish: Option<&str>, annotations: &[Value]) -> Value {
        let mut choice =
            json!({"index": index, "text": text, "logprobs": null, "finish_reason": finish});
        if !annotations.is_empty() {
            choice["annotations"] = annotations.into();
        }
        self.head.frame(true, json!([choice]))
    }

    fn event(&self, mut chunk: Value) -> String {
        if self.head.include_usage {
            chunk["usage"] = Value::Null;
        }
        format!("data: {chunk}\n\n")
    }
}
