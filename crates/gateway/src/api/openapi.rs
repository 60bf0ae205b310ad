//! The interface's own description, from the code that serves it.

use std::sync::LazyLock;

use axum::Json;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde_json::Value;

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| super::api().into_document());

/// An OpenAPI document.
#[derive(Clone, Serialize)]
pub struct Document(&'static Value);

impl JsonSchema for Document {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "OpenApiDocument".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "object", "required": ["openapi", "info", "paths"]})
    }
}

/// The OpenAPI 3.1 document of `/api/v1`.
pub fn openapi() -> &'static Value {
    &DOCUMENT
}

pub(super) async fn document() -> Json<Document> {
    Json(Document(openapi()))
}
