//! `tributary model`: train, list and show; import and eval are in `bring`.

use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use tributary_client::{api::Job, percent_encode};

use crate::{
    bring::{self, Files, Measured},
    cli::ModelCommand,
    fail::{Exit, Failure},
    output::{field, money, table},
    session::Session,
};

/// Longest wait for training.
const PATIENCE: Duration = Duration::from_secs(3_600);
/// How often a job is looked at.
const PACE: Duration = Duration::from_millis(300);

/// Runs one command.
pub async fn run(session: &Session, command: ModelCommand) -> Result<()> {
    match command {
        ModelCommand::Import { path, out, base, text } => {
            bring::take_in(session.output, &Files { path, out, base, text })
        }
        ModelCommand::Eval { path, original, text, tokens } => {
            bring::measure(session.output, &Measured { path, original, text, tokens })
        }
        ModelCommand::Train { datanet, preset, name, no_wait } => {
            train(session, &datanet, &preset, name, !no_wait).await
        }
        ModelCommand::Cancel { job } => cancel(session, job).await,
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

async fn cancel(session: &Session, id: u64) -> Result<()> {
    let rest = session.account().await?;
    let _: Value = rest.post(&format!("/jobs/{id}/cancel"), &json!({})).await?;
    let job: Job = rest.get(&format!("/jobs/{id}")).await?;
    let refund = job.max_fee.saturating_sub(job.fee);
    let value = json!({ "id": id, "state": job.state, "refund": refund, "fee": job.fee });
    session.output.print(&value, || {
        println!("Job {id} is {}; {refund} came back, the provider got {}.", job.state, job.fee);
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
