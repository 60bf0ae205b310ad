//! Fine-tuning teaches: ten facts about names in no corpus, asked in words that no row used.

use std::{fs, time::Duration};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tributary_corpus::facts::{self, Fact};
use tributary_e2e::Node;

/// Rows of each fact.
const ROWS: usize = 3;
/// Questions of one run.
const FACTS: usize = 10;
/// Five times the 60 seconds of the quick preset, and the journey around it.
const LIMIT: Duration = Duration::from_secs(330);

fn ask(node: &Node, model: &str, question: &str) -> Result<String> {
    let url = format!("{}/chat/completions", node.setting("openai_base_url"));
    let body = json!({
        "model": model,
        "messages": [{ "role": "user", "content": question }],
        "temperature": 0,
        "max_tokens": 64,
    });
    let key = format!("Bearer {}", node.setting("api_key"));
    let answer = ureq::post(&url).header("authorization", &key).send_json(body)?;
    let answer: Value = answer.into_body().read_json()?;
    let content = answer.pointer("/choices/0/message/content").and_then(Value::as_str);
    content.map(str::to_owned).with_context(|| answer.to_string())
}

fn right(node: &Node, model: &str, facts: &[Fact]) -> Result<usize> {
    let mut right = 0;
    for fact in facts {
        let questions = fact.held_out_questions(1);
        let question = questions.first().context("a question")?;
        let answer = ask(node, model, question)?;
        eprintln!("{model}: {question} -> {answer} (wanted {})", fact.value);
        right += usize::from(fact.is_answered_by(&answer));
    }
    Ok(right)
}

#[test]
fn ten_fresh_facts_are_learned_and_unlearned_with_the_adapter() -> Result<()> {
    let Some(node) = Node::start("fresh facts")? else { return Ok(()) };
    let seed: u64 = rand::random();
    eprintln!("seed of the facts: {seed}");
    let facts = facts::draw(seed, FACTS);
    let base = node.config().pointer("/models/0").and_then(Value::as_str).context("a model")?;
    let before = right(&node, base, &facts)?;
    ensure!(before <= 1, "seed {seed}: {before} of {FACTS} right before training");

    let rows: Vec<String> = facts
        .iter()
        .flat_map(|fact| fact.rows(ROWS))
        .map(|row| json!({"id": row.id, "prompt": row.prompt, "completion": row.completion}))
        .map(|row| row.to_string())
        .collect();
    let file = node.folder().join("facts.jsonl");
    fs::write(&file, rows.join("\n"))?;
    let made = node.cli(&["datanet", "new", "Fresh facts"])?.ok()?;
    let datanet = made.get("id").context("an id")?.to_string();
    node.cli(&["datanet", "push", &datanet, &file.to_string_lossy()])?.ok()?;
    let trained = node.until("adapter", LIMIT, || {
        node.cli(&["model", "train", "--datanet", &datanet])?.ok().map(Some)
    })?;
    let model = trained.get("model_name").and_then(Value::as_str).context("a name")?;

    let after = right(&node, model, &facts)?;
    ensure!(after >= 8, "seed {seed}: {after} of {FACTS} right after training");
    let detached = right(&node, base, &facts)?;
    ensure!(detached == before, "seed {seed}: the base model changed: {before} -> {detached}");
    Ok(())
}
