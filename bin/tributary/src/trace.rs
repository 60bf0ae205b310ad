//! `tributary trace`: the verbatim sources of a text, from an index folder or a datanet.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use tributary_attribution::{Index, Output as Traced};
use tributary_models::Tokenizer;

use crate::{
    cli::TraceArgs,
    fail::{Exit, Failure},
    output::{field, short, table},
    session::Session,
};

/// Traces and prints the spans.
pub async fn run(session: &Session, args: TraceArgs) -> Result<()> {
    let spans = match (&args.index, &args.datanet) {
        (Some(folder), _) => {
            let tokenizer = tokenizer(args.tokenizer.as_deref())?;
            let index = Index::open(folder, &tokenizer.digest()).map_err(|error| {
                let message = format!("{}: {error}", folder.display());
                let help = "build one with `tributary datanet index rows.jsonl --out FOLDER`, and \
                            name the same --tokenizer";
                Failure::new(Exit::Failed, message, help)
            })?;
            index.trace(&Traced::encode(&tokenizer, &args.text)?).to_json()
        }
        (None, Some(datanet)) => {
            let id = session.datanet(datanet).await?;
            let body = json!({ "text": args.text });
            session.public()?.post(&format!("/datanets/{id}/trace"), &body).await?
        }
        (None, None) => anyhow::bail!("name an index with --index or a datanet with --datanet"),
    };
    session.output.print(&spans, || human(&spans, &args.text))
}

fn human(found: &Value, text: &str) {
    let spans = found.get("spans").and_then(Value::as_array).cloned().unwrap_or_default();
    if spans.is_empty() {
        println!("No verbatim source of at least 6 tokens.");
        return;
    }
    let row = |span: &Value| {
        let byte = |name: &str| span.get(name).and_then(Value::as_u64).unwrap_or(0) as usize;
        let quoted = text.get(byte("byte_start")..byte("byte_end")).unwrap_or_default();
        let records = span.get("record_ids").and_then(Value::as_array).cloned().unwrap_or_default();
        let first = records.first().and_then(Value::as_str).unwrap_or_default();
        vec![field(span, "bits"), field(span, "count"), short(first), quoted.trim().to_owned()]
    };
    let rows: Vec<Vec<String>> = spans.iter().map(row).collect();
    table(&["bits", "count", "record", "text"], &rows);
}

/// The tokenizer in a file, else the seed model's.
pub fn tokenizer(file: Option<&Path>) -> Result<Tokenizer> {
    let json = match file {
        Some(path) => fs::read(path).with_context(|| format!("cannot read {}", path.display()))?,
        None => tributary_node::assets::SEED_TOKENIZER.to_vec(),
    };
    Tokenizer::from_json(&json).map_err(|error| {
        let name = file.map_or_else(|| "the seed model".into(), |path| path.display().to_string());
        let help = "a tokenizer.json is wanted; `tributary model import` writes one";
        Failure::new(Exit::Failed, format!("{name}: {error}"), help)
    })
}
