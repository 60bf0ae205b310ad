//! `tributary datanet`: make, fill, read and index datanets.

use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use tributary_client::{
    Rest,
    api::{Contributed, Prepared, Upload},
};
use tributary_datasets::{Format, ParseLimits, parse};
use tributary_primitives::{Address, SnapshotRef};

use crate::{
    cli::DatanetCommand,
    fail::{Exit, Failure},
    output::{Output, field, money, short, table},
    session::Session,
    trace,
};

/// Longest wait for review and publication.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often the contribution is looked at meanwhile.
const PACE: Duration = Duration::from_millis(250);

/// Runs one command.
pub async fn run(session: &Session, command: DatanetCommand) -> Result<()> {
    match command {
        DatanetCommand::New { name, description, licence } => {
            let body = json!({ "name": name, "description": description, "licence": licence });
            let made: Value = session.account().await?.post("/datanets", &body).await?;
            session.output.print(&made, || {
                let id = field(&made, "id");
                println!("Datanet {id}: {name}");
                eprintln!("Fill it with: tributary datanet push {id} rows.jsonl");
            })
        }
        DatanetCommand::Push { datanet, file, sample, dry_run, no_wait } => {
            let options = Push { sample, dry_run, wait: !no_wait };
            push(session, &datanet, file.as_deref(), options).await
        }
        DatanetCommand::Ls => ls(session).await,
        DatanetCommand::Show { datanet } => show(session, &datanet).await,
        DatanetCommand::Rows { datanet, offset, limit } => {
            rows(session, &datanet, offset, limit).await
        }
        DatanetCommand::Index { file, out, tokenizer } => {
            index(session.output, &file, &out, tokenizer.as_deref())
        }
    }
}

#[derive(Clone, Copy)]
struct Push {
    sample: bool,
    dry_run: bool,
    wait: bool,
}

async fn push(session: &Session, datanet: &str, file: Option<&Path>, push: Push) -> Result<()> {
    let datanet = session.datanet(datanet).await?;
    let rest = session.account().await?;
    let (name, bytes) = source(&rest, file, push.sample).await?;
    let upload: Upload = rest.upload(&name, bytes).await?;
    for check in upload.checks.iter().filter(|check| !check.message.is_empty()) {
        let mark = if check.ok { "note" } else { "left out" };
        session.output.say(format!("row {}: {mark}: {}", check.row, check.message));
    }
    let body = json!({ "upload": upload.id });
    let path = format!("/datanets/{datanet}/contributions");
    let prepared: Prepared = rest.post(&format!("{path}/prepare"), &body).await?;
    session.output.say(format!(
        "{} of {} rows; stake {} (returned), review fee {}",
        upload.accepted, upload.rows, prepared.stake, prepared.fee
    ));
    if push.dry_run {
        let value = json!({ "upload": upload, "prepared": prepared });
        return session.output.print(&value, || println!("Nothing was submitted (--dry-run)."));
    }
    let made: Contributed = rest.post(&path, &body).await?;
    let mut contribution: Value = serde_json::to_value(&made)?;
    if push.wait {
        contribution = settled(&rest, made.contribution, session.output).await?;
    }
    session.output.print(&contribution, || {
        println!("Contribution {} to datanet {datanet}", made.contribution);
        if push.wait {
            let version = field(&contribution, "version");
            println!("{} in version {version}", field(&contribution, "state"));
            eprintln!("Train on it with: tributary model train --datanet {datanet}");
        }
    })
}

/// The bytes to upload and a name that tells their format.
async fn source(rest: &Rest, file: Option<&Path>, sample: bool) -> Result<(String, Vec<u8>)> {
    if sample {
        let text = rest.text("/api/v1/samples/newcomer").await?;
        return Ok(("sample.jsonl".into(), text.into_bytes()));
    }
    let path = file.context("name a file, or use --sample")?;
    if path == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes)?;
        return Ok(("stdin.jsonl".into(), bytes));
    }
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    Ok((name.unwrap_or_else(|| "rows.jsonl".into()), bytes))
}

/// Follows a contribution until it is published or refused.
async fn settled(rest: &Rest, id: u64, output: Output) -> Result<Value> {
    let end = tokio::time::Instant::now() + PATIENCE;
    let mut last = String::new();
    loop {
        let now: Value = rest.get(&format!("/contributions/{id}")).await?;
        let state = field(&now, "state");
        if state != last {
            output.say(format!("  {state}"));
            last = state.clone();
        }
        match state.as_str() {
            "published" => return Ok(now),
            "rejected" | "slashed" | "withdrawn" | "expired" => {
                let message = format!("contribution {id} was {state}: {}", field(&now, "reason"));
                let help = "mend the rows and push again; the stake is back";
                return Err(Failure::new(Exit::Reverted, message, help));
            }
            _ if tokio::time::Instant::now() > end => {
                let message = format!("contribution {id} is still {state}");
                let help = "look again with `tributary datanet show`";
                return Err(Failure::new(Exit::TimedOut, message, help));
            }
            _ => tokio::time::sleep(PACE).await,
        }
    }
}

async fn ls(session: &Session) -> Result<()> {
    let all: Value = session.public()?.get("/datanets?limit=100").await?;
    session.output.print(&all, || {
        let items = all.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
        let row = |item: &Value| {
            let columns = ["id", "name", "rows", "version", "licence"];
            columns.iter().map(|column| field(item, column)).collect()
        };
        let rows: Vec<Vec<String>> = items.iter().map(row).collect();
        table(&["id", "name", "rows", "version", "licence"], &rows);
    })
}

async fn show(session: &Session, datanet: &str) -> Result<()> {
    let id = session.datanet(datanet).await?;
    let datanet: Value = session.public()?.get(&format!("/datanets/{id}")).await?;
    session.output.print(&datanet, || {
        for name in ["id", "name", "description", "owner", "licence", "version", "rows"] {
            println!("{name:12} {}", field(&datanet, name));
        }
        let list = datanet.get("contributions").and_then(Value::as_array).cloned();
        let row = |item: &Value| {
            vec![
                field(item, "id"),
                short(&field(item, "contributor")),
                field(item, "rows"),
                field(item, "state"),
                money(item, "stake"),
            ]
        };
        let rows: Vec<_> = list.unwrap_or_default().iter().map(row).collect();
        println!();
        table(&["contribution", "contributor", "rows", "state", "stake"], &rows);
    })
}

async fn rows(session: &Session, datanet: &str, offset: u64, limit: u64) -> Result<()> {
    let id = session.datanet(datanet).await?;
    let path = format!("/datanets/{id}/rows?offset={offset}&limit={limit}");
    let page: Value = session.public()?.get(&path).await?;
    session.output.print(&page, || {
        let items = page.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
        let row = |item: &Value| {
            let text = ["text", "completion", "messages"].iter().find_map(|name| item.get(name));
            let text = text.map(Value::to_string).unwrap_or_default();
            vec![
                short(&field(item, "record_id")),
                short(&field(item, "contributor")),
                field(item, "uses"),
                money(item, "earned"),
                text.trim_matches('"').chars().take(60).collect(),
            ]
        };
        let rows: Vec<_> = items.iter().map(row).collect();
        table(&["record", "contributor", "uses", "earned", "text"], &rows);
    })
}

fn index(output: Output, file: &Path, out: &PathBuf, tokenizer: Option<&Path>) -> Result<()> {
    let tokenizer = trace::tokenizer(tokenizer)?;
    let reader = fs::File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
    let format = Format::from_name(&file.to_string_lossy()).unwrap_or(Format::Jsonl);
    let rows = parse(std::io::BufReader::new(reader), format, &ParseLimits::local())?;
    let records = rows.iter().map(|row| (&row.record, Address::ZERO));
    let started = std::time::Instant::now();
    let spinner = output.spinner(&format!("indexing {} records", rows.len()));
    let index = tributary_attribution::build_index(SnapshotRef::default(), &tokenizer, records)?;
    index.write(out)?;
    spinner.finish_and_clear();
    let facts = json!({
        "out": out,
        "records": index.records().len(),
        "tokens": index.tokens(),
        "tokenizer": tokenizer.digest(),
        "milliseconds": started.elapsed().as_millis() as u64,
    });
    output.print(&facts, || {
        println!("{} records, {} tokens", index.records().len(), index.tokens());
        eprintln!("Search it with: tributary trace --index {} --text \"...\"", out.display());
    })
}
