//! The OpenAPI document: whole, true to the router, and the source of `docs/api.md`.

use std::{collections::BTreeSet, fmt::Write as _, fs, path::Path};

use serde_json::{Map, Value};
use tributary_gateway::openapi;

fn operations() -> Vec<(String, String, Value)> {
    let paths = openapi()["paths"].as_object().expect("paths");
    let mut found = Vec::new();
    for (path, methods) in paths {
        for (method, operation) in methods.as_object().expect("methods") {
            found.push((method.to_uppercase(), path.clone(), operation.clone()));
        }
    }
    found
}

/// Every `$ref` below a value.
fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            if let Some(name) = fields.get("$ref").and_then(Value::as_str) {
                found.insert(name.to_owned());
            }
            fields.values().for_each(|value| references(value, found));
        }
        Value::Array(list) => list.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[test]
fn every_operation_tells_its_answer_and_every_write_its_body() {
    let mut ids = BTreeSet::new();
    for (method, path, operation) in operations() {
        let name = format!("{method} {path}");
        assert!(ids.insert(operation["operationId"].to_string()), "{name}: its id is not its own");
        let answers = operation["responses"].as_object().expect("responses");
        let told = answers.iter().filter(|(status, _)| status.as_str() != "default");
        let told: Vec<&Value> = told.map(|(_, answer)| &answer["content"]).collect();
        assert!(told.len() == 1 && told[0].is_object(), "{name}: no answer is described");
        let bodiless = ["/session/leave", "/session/export", "/publish", "/revoke", "/cancel"];
        if method == "POST" && !bodiless.iter().any(|end| path.ends_with(end)) {
            assert!(operation["requestBody"].is_object(), "{name}: its body is not described");
        }
        for parameter in operation["parameters"].as_array().expect("parameters") {
            assert!(parameter["schema"].is_object(), "{name}: {parameter}");
        }
    }
    assert!(ids.len() > 45, "only {} operations", ids.len());
}

#[test]
fn every_reference_leads_to_a_schema_and_every_schema_is_used() {
    let document = openapi();
    let mut used = BTreeSet::new();
    references(document, &mut used);
    let schemas = document["components"]["schemas"].as_object().expect("schemas");
    for name in &used {
        let name = name.strip_prefix("#/components/schemas/").expect("a local reference");
        assert!(schemas.contains_key(name), "`{name}` leads nowhere");
    }
    for name in schemas.keys() {
        assert!(used.contains(&format!("#/components/schemas/{name}")), "`{name}` is not used");
    }
}

/// `string`, `Wei`, `list of RowCheck` and so on.
fn kind(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.rsplit('/').next().unwrap_or_default();
        return format!("[{name}](#{})", name.to_lowercase());
    }
    if let Some(options) = schema["anyOf"].as_array() {
        return options.iter().map(kind).collect::<Vec<_>>().join(" or ");
    }
    match &schema["type"] {
        Value::String(name) if name == "array" => {
            format!("list of {}", kind(&schema["items"]))
        }
        Value::String(name) => name.clone(),
        Value::Array(names) => {
            names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or ")
        }
        _ => "any".to_owned(),
    }
}

fn content(value: &Value) -> String {
    let forms = value["content"].as_object().cloned().unwrap_or_default();
    match forms.get("application/json") {
        Some(json) => kind(&json["schema"]),
        None => forms.keys().map(|form| format!("`{form}`")).collect::<Vec<_>>().join(", "),
    }
}

fn one_line(text: &Value) -> String {
    text.as_str().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
}

fn operation_rows(text: &mut String) {
    text.push_str("| call | who | takes | gives | what it does |\n|---|---|---|---|---|\n");
    for (method, path, operation) in operations() {
        let who = match operation["security"].as_array().map_or(0, Vec::len) {
            0 => "anyone",
            2 => "a guest's session",
            _ => "key or session",
        };
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let query = parameters.iter().filter(|parameter| parameter["in"] == "query");
        let query: Vec<String> = query
            .map(|parameter| format!("`?{}`", parameter["name"].as_str().unwrap_or("")))
            .collect();
        let takes = [content(&operation["requestBody"]), query.join(" ")];
        let takes = takes.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
        let answers = operation["responses"].as_object().expect("responses");
        let (status, answer) =
            answers.iter().find(|(status, _)| *status != "default").expect("an answer");
        let summary = one_line(&operation["summary"]);
        let _ = writeln!(
            text,
            "| `{method} {path}` | {who} | {takes} | {status} {} | {summary} |",
            content(answer)
        );
    }
}

fn schema_section(name: &str, schema: &Value, text: &mut String) {
    let _ = writeln!(text, "\n### {name}\n\n{}", one_line(&schema["description"]));
    if let Some(pattern) = schema["pattern"].as_str() {
        let _ = writeln!(text, "\nText like `{pattern}`.");
    }
    if let Some(words) = schema["enum"].as_array() {
        let words: Vec<String> =
            words.iter().filter_map(|word| Some(format!("`{}`", word.as_str()?))).collect();
        let _ = writeln!(text, "\nOne of {}.", words.join(", "));
    }
    let none = Map::new();
    let fields = schema["properties"].as_object().unwrap_or(&none);
    if !fields.is_empty() {
        text.push_str("\n| field | form | what it is |\n|---|---|---|\n");
    }
    for (field, schema) in fields {
        let _ = writeln!(
            text,
            "| `{field}` | {} | {} |",
            kind(schema),
            one_line(&schema["description"])
        );
    }
}

#[test]
fn the_readable_page_is_what_the_document_says() {
    let document = openapi();
    let mut text = String::from(
        "# REST interface `/api/v1`\n\nWritten from the OpenAPI document, which the node serves at \
         [/api/v1/openapi.json](/api/v1/openapi.json) and which is built from the types that the \
         handlers take and return.\n\nEvery POST takes an `Idempotency-Key` header: the same key \
         and body again give the same answer for 24 hours, marked `idempotency-replayed`. Every \
         refusal is a [problem document](errors.md). Lists take `after` and `limit` (at most 100) \
         and say `has_more`. Amounts are wei as decimal text.\n\n## Calls\n\n",
    );
    operation_rows(&mut text);
    text.push_str("\n## Forms\n");
    let schemas = document["components"]["schemas"].as_object().expect("schemas");
    let mut names: Vec<&String> = schemas.keys().collect();
    names.sort();
    for name in names {
        schema_section(name, &schemas[name], &mut text);
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/api.md");
    if std::env::var_os("TRIBUTARY_BLESS").is_some() {
        fs::write(&path, &text).expect("the document can be written");
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(found == text, "docs/api.md is behind the code: run this with TRIBUTARY_BLESS=1");
}
