//! What a handler takes and gives, read off its own types: the router and its description are
//! built by the same call, so neither can say what the other does not.
//!
//! **Invariant:** a route without a description does not compile.

use std::{future::Future, sync::Arc};

use axum::{
    Extension, Json, Router,
    extract::{Path, Query, Request, State},
    handler::Handler,
    http::{HeaderMap, HeaderName},
    response::{AppendHeaders, IntoResponse, Response},
    routing::{MethodFilter, on},
};
use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use super::input::{Done, Input};
use crate::{Refusal, caller::Origin, shared::Shared};

/// Who may call.
#[derive(Clone, Copy)]
pub enum Auth {
    /// Everybody.
    Anyone,
    /// An account: by key or by session.
    Reader,
    /// A guest, whose key this gateway keeps: by session.
    Guest,
}

/// The schemas of all forms, each named once.
pub struct Schemas {
    asked: SchemaGenerator,
    given: SchemaGenerator,
}

impl Default for Schemas {
    fn default() -> Self {
        let path = |settings: &mut SchemaSettings| {
            settings.definitions_path = "/components/schemas".into();
        };
        let settings = SchemaSettings::draft2020_12().with(path);
        let given = settings.clone().for_serialize().into_generator();
        Self { asked: settings.for_deserialize().into_generator(), given }
    }
}

impl Schemas {
    /// The schema of an answer.
    pub fn given<T: JsonSchema>(&mut self) -> Schema {
        self.given.subschema_for::<T>()
    }

    /// All named schemas.
    pub fn finish(mut self) -> Map<String, Value> {
        let mut all = self.asked.take_definitions(true);
        all.extend(self.given.take_definitions(true));
        all
    }
}

/// What one operation takes and gives.
#[derive(Default)]
pub struct Shape {
    path: Option<Schema>,
    query: Vec<Value>,
    body: Option<Value>,
    answer: Option<(u16, Value)>,
}

/// A part of a request.
pub trait Takes {
    /// Adds what it reads.
    fn describe(_shape: &mut Shape, _schemas: &mut Schemas) {}
}

impl<S> Takes for State<S> {}
impl<T> Takes for Extension<T> {}
impl<T> Takes for Option<Extension<T>> {}
impl Takes for HeaderMap {}
impl Takes for Origin {}

impl<T: JsonSchema> Takes for Path<T> {
    fn describe(shape: &mut Shape, schemas: &mut Schemas) {
        shape.path = Some(schemas.asked.subschema_for::<T>());
    }
}

impl<T: JsonSchema> Takes for Query<T> {
    fn describe(shape: &mut Shape, schemas: &mut Schemas) {
        let schema = T::json_schema(&mut schemas.asked);
        let fields = schema.get("properties").and_then(Value::as_object).cloned();
        shape.query.extend(fields.unwrap_or_default().into_iter().map(|(name, mut schema)| {
            let detail = schema.as_object_mut().and_then(|schema| schema.remove("description"));
            json!({"name": name, "in": "query", "required": false, "description": detail,
                "schema": schema})
        }));
    }
}

impl<T: JsonSchema> Takes for Input<T> {
    fn describe(shape: &mut Shape, schemas: &mut Schemas) {
        let schema = json!({"schema": schemas.asked.subschema_for::<T>()});
        shape.body = Some(json!({"required": true, "content": {
            "application/json": schema, "application/x-www-form-urlencoded": schema,
        }}));
    }
}

/// A whole request: only uploads read one, a file as it is or as a form's field `file`.
impl Takes for Request {
    fn describe(shape: &mut Shape, _: &mut Schemas) {
        let form = json!({"type": "object", "required": ["file"], "properties": {
            "file": {"type": "string", "format": "binary"},
        }});
        shape.body = Some(json!({"required": true, "content": {
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
            "multipart/form-data": {"schema": form},
        }}));
    }
}

/// An answer.
pub trait Gives {
    /// Sets what it answers with.
    fn describe(shape: &mut Shape, schemas: &mut Schemas);
}

fn json_answer(status: u16, schema: Schema) -> Option<(u16, Value)> {
    Some((status, json!({"application/json": {"schema": schema}})))
}

impl<T: JsonSchema> Gives for Json<T> {
    fn describe(shape: &mut Shape, schemas: &mut Schemas) {
        shape.answer = json_answer(200, schemas.given::<T>());
    }
}

impl<T: JsonSchema, const STATUS: u16> Gives for Done<T, STATUS> {
    fn describe(shape: &mut Shape, schemas: &mut Schemas) {
        shape.answer = json_answer(STATUS, schemas.given::<T>());
    }
}

impl<G: Gives> Gives for Result<G, Refusal> {
    fn describe(shape: &mut Shape, schemas: &mut Schemas) {
        G::describe(shape, schemas);
    }
}

/// An answer with headers of its own.
pub type WithHeader<G> = (AppendHeaders<[(HeaderName, String); 1]>, G);

impl<G: Gives> Gives for WithHeader<G> {
    fn describe(shape: &mut Shape, schemas: &mut Schemas) {
        G::describe(shape, schemas);
    }
}

macro_rules! files {
    ($($(#[$doc:meta])* $name:ident: $kind:literal;)*) => {$(
        $(#[$doc])*
        pub struct $name(pub Response);

        impl IntoResponse for $name {
            fn into_response(self) -> Response {
                self.0
            }
        }

        impl Gives for $name {
            fn describe(shape: &mut Shape, _: &mut Schemas) {
                shape.answer = Some((200, json!({$kind: {"schema": {"type": "string"}}})));
            }
        }
    )*};
}

files! {
    /// Server-sent events.
    EventStream: "text/event-stream";
    /// Bytes as they were stored.
    Octets: "application/octet-stream";
    /// Text.
    PlainText: "text/plain";
}

/// A handler whose types describe it.
pub trait Described<Parts> {
    /// What it takes and gives.
    fn shape(schemas: &mut Schemas) -> Shape;
}

macro_rules! described {
    ($($part:ident)*) => {
        impl<F, Answer, $($part: Takes,)*> Described<($($part,)*)> for F
        where
            F: Fn($($part),*) -> Answer,
            Answer: Future,
            Answer::Output: Gives,
        {
            fn shape(schemas: &mut Schemas) -> Shape {
                let mut shape = Shape::default();
                $(<$part as Takes>::describe(&mut shape, schemas);)*
                <Answer::Output as Gives>::describe(&mut shape, schemas);
                shape
            }
        }
    };
}

described!();
described!(A);
described!(A B);
described!(A B C);
described!(A B C D);
described!(A B C D E);

/// Method, path, who may call, and one sentence.
pub type Entry = (&'static str, &'static str, Auth, &'static str);

/// Routes with their description.
#[derive(Default)]
pub struct Api {
    router: Router<Arc<Shared>>,
    schemas: Schemas,
    paths: Map<String, Value>,
}

impl Api {
    /// Adds a route. `{*name}` in a path takes slashes and is described as `{name}`.
    pub fn route<H, T, Parts>(mut self, entry: Entry, handler: H) -> Self
    where
        H: Handler<T, Arc<Shared>> + Described<Parts>,
        T: 'static,
    {
        let (method, path, auth, summary) = entry;
        let shape = H::shape(&mut self.schemas);
        let filter = match method {
            "post" => MethodFilter::POST,
            "delete" => MethodFilter::DELETE,
            _ => MethodFilter::GET,
        };
        self.router = self.router.route(path, on(filter, handler));
        let shown = path.replace("{*", "{");
        let operation = operation(method, &shown, auth, summary, &shape);
        let entry = self.paths.entry(shown).or_insert_with(|| json!({}));
        entry[method] = operation;
        self
    }

    /// Changes the routes so far, such as by a layer.
    pub fn map(mut self, change: impl FnOnce(Router<Arc<Shared>>) -> Router<Arc<Shared>>) -> Self {
        self.router = change(self.router);
        self
    }

    /// The routes.
    pub fn into_router(self) -> Router<Arc<Shared>> {
        self.router
    }

    /// The document.
    pub fn into_document(mut self) -> Value {
        self.schemas.given::<tributary_client::api::Problem>();
        json!({
            "openapi": "3.1.0",
            "info": {
                "title": "Tributary", "version": env!("CARGO_PKG_VERSION"),
                "license": {"name": "MIT OR Apache-2.0"},
                "description": "Everything the console, the command line and scripts do. Every \
                    POST takes an `Idempotency-Key`; every refusal is a problem document.",
            },
            "servers": [{"url": "/api/v1"}],
            "paths": self.paths,
            "components": {
                "securitySchemes": {
                    "key": {"type": "http", "scheme": "bearer"},
                    "session": {"type": "apiKey", "in": "cookie", "name": "tributary_session"},
                    "token": {"type": "apiKey", "in": "header", "name": "x-tributary-session"},
                },
                "schemas": self.schemas.finish(),
            },
        })
    }
}

fn operation(method: &str, path: &str, auth: Auth, summary: &str, shape: &Shape) -> Value {
    let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let in_path = names
        .map(|name| json!({"name": name, "in": "path", "required": true, "schema": shape.path}));
    let mut parameters: Vec<Value> = in_path.collect();
    parameters.extend(shape.query.iter().cloned());
    if method == "post" {
        parameters.push(json!({
            "name": "idempotency-key", "in": "header", "required": false,
            "description": "The same key and body again give the same answer for 24 hours.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 255},
        }));
    }
    let security = match auth {
        Auth::Anyone => json!([]),
        Auth::Reader => json!([{"key": []}, {"session": []}, {"token": []}]),
        Auth::Guest => json!([{"session": []}, {"token": []}]),
    };
    let refused = json!({"description": "Refused: what happened and what to do", "content":
        {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}});
    let mut described = json!({
        "operationId": operation_id(method, path), "summary": summary,
        "parameters": parameters, "security": security, "responses": {"default": refused},
    });
    if let Some(body) = &shape.body {
        described["requestBody"] = body.clone();
    }
    if let Some((status, content)) = &shape.answer {
        described["responses"][status.to_string()] =
            json!({"description": summary, "content": content});
    }
    described
}

/// `post_jobs_id_cancel` for `POST /jobs/{id}/cancel`.
fn operation_id(method: &str, path: &str) -> String {
    let words = path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.fold(method.to_owned(), |id, word| format!("{id}_{word}"))
}
