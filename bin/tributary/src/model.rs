//! `tributary model`: bring models in, measure, train, list.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use tributary_client::{api::Job, percent_encode};
use tributary_models::{
    Bundle, Card, CardMeasure, Evaluation, FloatImport, Imported, PeftAdapter, QuantizeOptions,
    QuantizedModel, Sides, Tokenizer, evaluate, import, quantize, quantize_adapter,
};
use tributary_node::assets;
use tributary_primitives::Digest;

use crate::{
    cli::ModelCommand,
    fail::{Exit, Failure},
    output::{Output, field, money, table},
    session::Session,
};

/// Tokens of the built-in text when no other is given.
const TOKENS: usize = 20_000;
/// Longest wait for training.
const PATIENCE: Duration = Duration::from_secs(3_600);
/// How often a job is looked at.
const PACE: Duration = Duration::from_millis(300);

/// Runs one command.
pub async fn run(session: &Session, command: ModelCommand) -> Result<()> {
    match command {
        ModelCommand::Import { path, out, base, text } => {
            let files = Files { path, out, base, text };
            take_in(session.output, &files)
        }
        ModelCommand::Eval { path, text, tokens } => {
            let text = read_text(&text)?;
            measure(session.output, &path, &text, tokens)
        }
        ModelCommand::Train { datanet, preset, name, no_wait } => {
            train(session, &datanet, &preset, name, !no_wait).await
        }
        ModelCommand::Ls => ls(session).await,
        ModelCommand::Show { model } => {
            let path = format!("/models/{}", percent_encode(&model));
            let model: Value = session.public()?.get(&path).await?;
            session.output.print(&model, || {
                for name in ["id", "name", "kind", "owner", "licence", "digest", "datanet"] {
                    println!("{name:9} {}", field(&model, name));
                }
            })
        }
    }
}

struct Files {
    path: PathBuf,
    out: Option<PathBuf>,
    base: Option<PathBuf>,
    text: Option<PathBuf>,
}

fn take_in(output: Output, files: &Files) -> Result<()> {
    let text = match &files.text {
        Some(path) => read_text(path)?,
        None => built_in_text(),
    };
    let report = match import(&files.path)? {
        Imported::Float(float) => {
            output.say(format!("{}: quantising", float.format));
            let bundle = convert(&files.path, &float, &text)?;
            if let Some(out) = &files.out {
                bundle.write(out)?;
            }
            json!(bundle.card)
        }
        Imported::Adapter(adapter) => take_in_adapter(adapter, files)?,
        Imported::Bundle(bundle) => json!(bundle.card),
        Imported::Quantized(model) => json!({
            "digest": model.digest(),
            "context": model.model.shape.context,
            "vocab": model.model.shape.vocab,
        }),
    };
    output.print(&report, || {
        println!("{}", serde_json::to_string_pretty(&report).unwrap_or_default());
    })
}

fn convert(path: &Path, float: &FloatImport, text: &str) -> Result<Bundle> {
    let model = quantize(&float.float, &QuantizeOptions::default())?;
    let name = path.file_name().map_or_else(|| "model".into(), |name| name.to_string_lossy());
    let mut card = Card::of(&name, float.format, &model, &float.tokenizer);
    let evaluation = evaluation(float, &model, text, TOKENS)?;
    card.measures.push(CardMeasure {
        text: "text given at import".into(),
        text_digest: Digest::of(text.as_bytes()),
        evaluation,
    });
    Ok(Bundle { model, tokenizer: float.tokenizer.clone(), card })
}

fn take_in_adapter(adapter: PeftAdapter, files: &Files) -> Result<Value> {
    let base = match &files.base {
        Some(folder) => Bundle::read(folder)?.model,
        None => QuantizedModel::from_bytes(assets::SEED_MODEL)?,
    };
    let base_name = adapter.base_name.clone();
    let float = adapter.fit(&base.model.shape)?;
    let made = quantize_adapter(&float, &base)?;
    if let Some(out) = &files.out {
        fs::create_dir_all(out)?;
        fs::write(out.join("adapter.exi8"), made.to_bytes())?;
    }
    Ok(json!({
        "kind": "adapter",
        "digest": made.digest(),
        "base": base.digest(),
        "base_name": base_name,
        "rank": float.rank,
        "parameters": float.parameters(),
        "may_clamp": made.may_clamp,
    }))
}

fn measure(output: Output, path: &Path, text: &str, tokens: usize) -> Result<()> {
    let Imported::Float(float) = import(path)? else {
        let message = format!("{} holds no float weights to compare with", path.display());
        let help = "give the original checkpoint: a Hugging Face folder or a llama2.c file";
        return Err(Failure::new(Exit::Failed, message, help));
    };
    let model = quantize(&float.float, &QuantizeOptions::default())?;
    let evaluation = evaluation(&float, &model, text, tokens)?;
    output.print(&evaluation, || {
        println!("tokens            {}", evaluation.tokens);
        println!("float perplexity  {:.4}", evaluation.float_perplexity);
        println!("EXI8 perplexity   {:.4}", evaluation.exi8_perplexity);
        let (delta, error) = (evaluation.delta_percent, evaluation.standard_error_percent);
        println!("difference        {delta:+.3} % +- {error:.3} %");
    })
}

fn evaluation(
    float: &FloatImport,
    model: &QuantizedModel,
    text: &str,
    tokens: usize,
) -> Result<Evaluation> {
    let tokenizer: &Tokenizer = &float.tokenizer;
    let mut ids = tokenizer.encode(text, false)?;
    ids.truncate(tokens);
    let sides = Sides { float: &float.float, model: &model.model, adapter: None };
    let window = model.model.shape.context.min(256) as usize;
    Ok(evaluate(&sides, &ids, tokenizer.special().bos, window)?)
}

fn read_text(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Rows of the sample datanets: text to measure on when none is given.
fn built_in_text() -> String {
    assets::DATANETS.iter().map(|sample| sample.rows).collect()
}

async fn train(
    session: &Session,
    datanet: &str,
    preset: &str,
    name: Option<String>,
    wait: bool,
) -> Result<()> {
    let datanet = session.datanet(datanet).await?;
    let rest = session.account().await?;
    let mut body = json!({ "datanet": datanet, "preset": preset });
    let quote: Value = rest.post("/jobs/quote", &body).await?;
    session.output.say(format!(
        "{} rows, {} tokens: {} OPEN, about {} s",
        field(&quote, "rows"),
        field(&quote, "tokens"),
        money(&quote, "price"),
        field(&quote, "seconds")
    ));
    if let Some(name) = name {
        body["name"] = json!(name);
    }
    let started: Value = rest.post("/jobs", &body).await?;
    let id = started.get("id").and_then(Value::as_u64).context("the job has no id")?;
    if !wait {
        return session.output.print(&started, || println!("Job {id} started."));
    }
    let bar = session.output.bar(0);
    let end = tokio::time::Instant::now() + PATIENCE;
    let job = loop {
        let job: Job = rest.get(&format!("/jobs/{id}")).await?;
        bar.set_length(job.steps);
        bar.set_position(job.step);
        bar.set_message(match job.loss {
            Some(loss) => format!("{} loss {loss:.3}", job.state),
            None => job.state.clone(),
        });
        if job.is_over() || tokio::time::Instant::now() > end {
            break job;
        }
        tokio::time::sleep(PACE).await;
    };
    bar.finish_and_clear();
    if job.state != "done" {
        let why = job.error.clone().unwrap_or_else(|| job.state.clone());
        let help = "the escrow comes back with cancel or at the deadline; mend the cause and retry";
        return Err(Failure::new(Exit::Failed, format!("job {id}: {why}"), help));
    }
    session.output.print(&job, || {
        println!("{}", job.model_name);
        eprintln!("Ask it: tributary chat {} -m \"...\"", job.model_name);
    })
}

async fn ls(session: &Session) -> Result<()> {
    let models: Value = session.public()?.get("/models?limit=100").await?;
    session.output.print(&models, || {
        let items = models.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
        let columns = ["id", "name", "kind", "datanet", "calls"];
        let row = |item: &Value| columns.iter().map(|name| field(item, name)).collect();
        let rows: Vec<Vec<String>> = items.iter().map(row).collect();
        table(&columns, &rows);
    })
}
