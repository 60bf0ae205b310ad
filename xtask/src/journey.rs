//! `cargo xtask bench journey`: the newcomer's journey in Chromium through the built binary, step
//! by step beside its budgets, with the times of start and stop. `--record` writes the section of
//! `docs/benchmarks.md`.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{
    shell::{quiet, root, target},
    test::build,
    tools,
};

const DOCUMENT: &str = "docs/benchmarks.md";
const HEADING: &str = "## The journey\n";
/// Longest wait for a start or a stop.
const PATIENCE: Duration = Duration::from_secs(60);
/// Steps as the script names them: for people, and with what the whole may take.
const STEPS: [(&str, &str, Option<f64>); 7] = [
    ("guest", "guest account", None),
    ("checked", "20 rows checked", None),
    ("published", "reviewed and published", None),
    ("trained", "trained (Quick)", Some(60.0)),
    ("answered", "answered with sources", None),
    ("earned", "earned (posted root)", Some(15.0)),
    ("verified", "verified", None),
];
const JOURNEY_SECONDS: f64 = 180.0;
const START_SECONDS: f64 = 3.0;
const STOP_SECONDS: f64 = 5.0;
const CLICKS: u64 = 9;

/// One measured step.
struct Row {
    step: String,
    seconds: f64,
    budget: Option<f64>,
}

/// A node that is being measured; ended when dropped.
struct Node(Child);

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn run(machine: &str, record: bool) -> Result<()> {
    let tools = tools::fetch()?;
    let chromium = tools.chromium.as_ref().map_err(|error| anyhow::anyhow!("{error:#}"))?;
    let browser = tools.browser.as_ref().map_err(|error| anyhow::anyhow!("{error:#}"))?;
    let binary = match std::env::var_os("TRIBUTARY_BIN") {
        Some(binary) => PathBuf::from(binary),
        None => {
            build()?;
            target().join("release/tributary")
        }
    };
    let folder = tempfile::tempdir()?;
    let (node, first, config) = start(&binary, folder.path())?;
    let url = config.get("console_url").and_then(Value::as_str).context("a console")?.to_owned();
    let mut script = Command::new("node");
    script.arg(root().join("testing/browser/journey.mjs")).current_dir(browser);
    script.env("TRIBUTARY_URL", url).env("TRIBUTARY_CHROMIUM", chromium);
    script.env("TRIBUTARY_PICTURES", folder.path());
    let said = quiet(&mut script)?;
    let said = said.lines().last().context("the script said nothing")?;
    let measured: Value = serde_json::from_str(said).context("the script's last line is JSON")?;
    let first_stop = stop(node)?;
    let (node, second, _) = start(&binary, folder.path())?;
    let second_stop = stop(node)?;

    let mut rows = vec![
        Row {
            step: "start, empty data directory".into(),
            seconds: first,
            budget: Some(START_SECONDS),
        },
        Row {
            step: "start, same chain again".into(),
            seconds: second,
            budget: Some(START_SECONDS),
        },
    ];
    rows.extend(steps(&measured)?);
    let whole: f64 = rows.iter().skip(2).map(|row| row.seconds).sum();
    let clicks = measured.get("clicks").and_then(Value::as_u64).unwrap_or(0);
    let step = format!("all steps, {clicks} of {CLICKS} clicks");
    rows.push(Row { step, seconds: whole, budget: Some(JOURNEY_SECONDS) });
    let slower = first_stop.max(second_stop);
    rows.push(Row { step: "Ctrl-C".into(), seconds: slower, budget: Some(STOP_SECONDS) });
    let section = section(machine, &rows);
    print!("{section}");
    if record {
        replace(&section)?;
    }
    let over = rows.iter().filter(|row| row.budget.is_some_and(|most| row.seconds > most));
    let over: Vec<&str> = over.map(|row| row.step.as_str()).collect();
    ensure!(over.is_empty() && clicks <= CLICKS, "over budget: {over:?}, {clicks} clicks");
    Ok(())
}

/// Starts a node and waits until it is ready; the seconds that took, and what it wrote.
fn start(binary: &Path, folder: &Path) -> Result<(Node, f64, Value)> {
    let config = folder.join("config.json");
    if config.exists() {
        fs::remove_file(&config)?;
    }
    let began = Instant::now();
    let child = Command::new(binary)
        .args(["dev", "--port", "0", "--no-open", "--datadir"])
        .arg(folder.join("data"))
        .arg("--config-out")
        .arg(&config)
        .env("TRIBUTARY_HOME", folder.join("home"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("cannot start {}", binary.display()))?;
    let mut node = Node(child);
    while !config.exists() {
        let ended = node.0.try_wait()?;
        ensure!(ended.is_none() && began.elapsed() < PATIENCE, "the node is not ready: {ended:?}");
        thread::sleep(Duration::from_millis(2));
    }
    let seconds = began.elapsed().as_secs_f64();
    Ok((node, seconds, serde_json::from_str(&fs::read_to_string(&config)?)?))
}

/// Ctrl-C; the seconds until the process is gone.
fn stop(mut node: Node) -> Result<f64> {
    let began = Instant::now();
    quiet(Command::new("kill").args(["-INT", &node.0.id().to_string()]))?;
    while node.0.try_wait()?.is_none() {
        ensure!(began.elapsed() < PATIENCE, "Ctrl-C does not end the node");
        thread::sleep(Duration::from_millis(2));
    }
    Ok(began.elapsed().as_secs_f64())
}

fn steps(measured: &Value) -> Result<Vec<Row>> {
    let times = measured.get("times").and_then(Value::as_array).context("times")?;
    let row = |(name, step, budget): (&str, &str, Option<f64>)| {
        let time = times.iter().find(|time| time.get("step").and_then(Value::as_str) == Some(name));
        let ms = time.and_then(|time| time.get("ms")?.as_f64());
        let ms = ms.with_context(|| format!("the script did not reach `{name}`"))?;
        Ok(Row { step: step.to_owned(), seconds: ms / 1_000.0, budget })
    };
    STEPS.into_iter().map(row).collect()
}

fn section(machine: &str, rows: &[Row]) -> String {
    let mut text = format!(
        "{HEADING}\n`cargo xtask bench journey --record`: the built binary with an empty data \
         directory, the newcomer in headless Chromium. {machine}. No peer runs this, so these are \
         times beside budgets, not ratios.\n\n| step | seconds | budget |\n|---|---|---|\n"
    );
    for Row { step, seconds, budget } in rows {
        let budget = budget.map_or_else(String::new, |most| format!("{most:.0}"));
        let _ = writeln!(text, "| {step} | {seconds:.1} | {budget} |");
    }
    text
}

/// Puts the section where it stood, or at the end.
fn replace(section: &str) -> Result<()> {
    let path = root().join(DOCUMENT);
    let text = fs::read_to_string(&path).with_context(|| DOCUMENT.to_owned())?;
    let (before, after) = text.split_once(HEADING).unwrap_or((&text, ""));
    let after = after.find("\n## ").and_then(|start| after.get(start..)).unwrap_or_default();
    fs::write(&path, format!("{}\n\n{section}{after}", before.trim_end()))?;
    Ok(())
}
