//! `tributary chat`: one question through `/v1`, the answer with its sources and price.

use anyhow::{Context as _, Result};
use http::Method;
use serde_json::{Value, json};

use crate::{cli::ChatArgs, output::field, session::Session};

/// Asks and prints.
pub async fn run(session: &Session, args: ChatArgs) -> Result<()> {
    let rest = session.account().await?;
    let model = match args.model {
        Some(model) => model,
        None => newest_own_model(session).await?,
    };
    let mut body = json!({
        "model": model,
        "messages": [{ "role": "user", "content": args.message }],
        "temperature": args.temperature,
        "max_tokens": args.max_tokens,
    });
    if let Some(seed) = args.seed {
        body["seed"] = json!(seed);
    }
    let answer = rest.call(Method::POST, "/v1/chat/completions", Some(&body)).await?;
    let message = answer.pointer("/choices/0/message").context("the answer has no message")?;
    session.output.print(&answer, || {
        println!("{}", field(message, "content"));
        eprintln!();
        for note in annotations(message) {
            eprintln!("  source  {note}");
        }
        let receipt = answer.pointer("/tributary/receipt_id").and_then(Value::as_str);
        let cost = answer.pointer("/usage/cost").map(Value::to_string).unwrap_or_default();
        eprintln!("  cost    {} OPEN", cost.trim_matches('"'));
        if let Some(receipt) = receipt {
            eprintln!("  receipt {receipt}");
            eprintln!("\nRe-derive it with: tributary receipt verify {receipt}");
        }
    })
}

fn annotations(message: &Value) -> Vec<String> {
    let list = message.get("annotations").and_then(Value::as_array);
    let citations = list.into_iter().flatten().filter_map(|note| note.get("url_citation"));
    citations.map(|cite| format!("{}  {}", field(cite, "title"), field(cite, "url"))).collect()
}

/// The newest adapter of this account, else the first base model.
async fn newest_own_model(session: &Session) -> Result<String> {
    let models: Value = session.public()?.get("/models?limit=100").await?;
    let items = models.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
    let own = session.address().await?;
    let mine = items.iter().rev().find(|model| {
        field(model, "owner").eq_ignore_ascii_case(&own) && field(model, "kind") == "adapter"
    });
    let model = mine.or(items.first()).context("the node serves no model yet; try again")?;
    Ok(field(model, "name"))
}
