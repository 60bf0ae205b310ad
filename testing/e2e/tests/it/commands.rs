//! What scripts rely on, through the real binary: flags, JSON, exit codes, and every example of
//! every help text and of the README.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tempfile::TempDir;
use tributary_e2e::{Node, Ran, skipped, tool};

/// Five times the 10 s of an epoch and its hold-back.
const EARNED_LIMIT: Duration = Duration::from_secs(100);

const ROWS: &str = r#"{"id":"r1","text":"The kettle of Aldermoor sings at noon when the fog lifts off the ninth canal."}
{"id":"r2","prompt":"Who repairs the bridge of Quillhaven?","completion":"The bridge of Quillhaven is repaired by the widow Tamsin Orle every second spring."}
{"text":"A third row without an id speaks of the marble stairs below the observatory of Denmoor."}
"#;

/// A folder with the binary but no node.
struct Bench {
    binary: PathBuf,
    folder: TempDir,
}

impl Bench {
    fn new(test: &str) -> Result<Option<Self>> {
        let Some(binary) = tool("TRIBUTARY_BIN", test) else { return Ok(None) };
        let folder = tempfile::tempdir()?;
        fs::write(folder.path().join("rows.jsonl"), ROWS)?;
        Ok(Some(Self { binary, folder }))
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn run(&self, arguments: &[&str]) -> Result<Ran> {
        let mut command = Command::new(&self.binary);
        command.args(arguments).current_dir(self.folder.path());
        command.env("TRIBUTARY_HOME", self.folder.path().join("home"));
        command.env("XDG_CONFIG_HOME", self.folder.path().join("config"));
        for name in ["TRIBUTARY_API_KEY", "TRIBUTARY_RPC_URL", "TRIBUTARY_PORT"] {
            command.env_remove(name);
        }
        Ok(command.stdin(Stdio::null()).output()?.into())
    }

    fn json(&self, arguments: &[&str]) -> Result<Value> {
        self.run(&[arguments, &["--json"]].concat())?.ok()
    }

    /// Runs what must fail: its exit code and the one JSON value it printed.
    fn failure(&self, arguments: &[&str]) -> Result<(i32, Value)> {
        let ran = self.run(&[arguments, &["--json"]].concat())?;
        let error = ran.json()?.get("error").cloned();
        let error = error.with_context(|| format!("no error: {ran:?}"))?;
        ensure!(error.get("message").is_some_and(Value::is_string), "{error}");
        Ok((ran.code, error))
    }
}

fn fixture(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.join("testing/fixtures").join(name).display().to_string()
}

fn texts(value: &Value, name: &str) -> Vec<String> {
    let list = value.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

#[test]
fn config_out_holds_every_name_that_scripts_rely_on() -> Result<()> {
    let Some(node) = Node::start("config-out")? else { return Ok(()) };
    let config = node.config();
    for name in ["rpc_url", "console_url", "openai_base_url", "api_key"] {
        ensure!(config.get(name).is_some_and(Value::is_string), "{name}: {config}");
    }
    ensure!(config.get("chain_id").is_some_and(Value::is_u64), "{config}");
    let accounts = config.get("accounts").and_then(Value::as_array).context("accounts")?;
    for account in accounts {
        for name in ["role", "address", "private_key"] {
            ensure!(account.get(name).is_some_and(Value::is_string), "{account}");
        }
    }
    for name in ["open", "staking", "datanets", "models", "tasks", "channels", "royalties"] {
        let address = config.pointer(&format!("/contracts/{name}")).and_then(Value::as_str);
        ensure!(address.is_some_and(|a| a.starts_with("0x") && a.len() == 42), "{name}");
    }
    ensure!(texts(config, "models") == ["tributary/seed"], "{config}");
    ensure!(config.pointer("/datanets/0").is_some_and(Value::is_u64), "{config}");

    // A span of a published row, found by the datanet's own index.
    let rows = node.cli(&["datanet", "rows", "1", "--limit", "1"])?.ok()?;
    let row = rows.pointer("/items/0").context("a row")?;
    let said = ["completion", "text"].iter().find_map(|name| row.get(*name)?.as_str());
    let traced = node.cli(&["trace", "--datanet", "1", "--text", said.context("text")?])?.ok()?;
    ensure!(traced.pointer("/spans/0/record_ids/0").is_some_and(Value::is_string), "{traced}");
    exposition_parses(&node)
}

/// Every line of `/metrics` is a comment or a sample of a metric that was typed before.
fn exposition_parses(node: &Node) -> Result<()> {
    let url = format!("{}/metrics", node.setting("rpc_url"));
    let text = ureq::get(&url).call()?.into_body().read_to_string()?;
    let mut typed = BTreeSet::new();
    let mut samples = 0;
    for line in text.lines().filter(|line| !line.is_empty()) {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            typed.insert(rest.split(' ').next().unwrap_or_default().to_owned());
            continue;
        }
        if line.starts_with('#') {
            continue;
        }
        let (name, value) = line.rsplit_once(' ').with_context(|| line.to_owned())?;
        value.parse::<f64>().with_context(|| line.to_owned())?;
        let name = name.split('{').next().unwrap_or_default();
        let base = name.trim_end_matches("_sum").trim_end_matches("_count");
        ensure!(typed.contains(name) || typed.contains(base), "{line} has no type");
        ensure!(name.starts_with("tributary_"), "{line}");
        samples += 1;
    }
    ensure!(samples >= 4, "{text}");
    Ok(())
}

#[test]
fn an_index_is_built_and_traced_without_a_chain() -> Result<()> {
    let Some(bench) = Bench::new("index without a chain")? else { return Ok(()) };
    let built = bench.json(&["datanet", "index", "rows.jsonl", "--out", "index"])?;
    ensure!(built.get("records") == Some(&Value::from(3)), "{built}");
    let text = "she said the kettle of Aldermoor sings at noon when the fog came";
    let traced = bench.json(&["trace", "--index", "index", "--text", text])?;
    let span = traced.pointer("/spans/0").with_context(|| traced.to_string())?;
    for name in ["start", "end", "byte_start", "byte_end", "count"] {
        ensure!(span.get(name).is_some_and(Value::is_u64), "{name}: {span}");
    }
    ensure!(span.get("bits").is_some_and(Value::is_number), "{span}");
    ensure!(texts(span, "record_ids") == ["r1"], "{span}");
    let byte = |name: &str| span.get(name).and_then(Value::as_u64).unwrap_or(0) as usize;
    let quoted = text.get(byte("byte_start")..byte("byte_end")).context("a range of the text")?;
    ensure!(ROWS.contains(quoted.trim()), "`{quoted}` stands in no row");

    // A row without an id of its own goes by its digest.
    let text = "the marble stairs below the observatory of Denmoor";
    let traced = bench.json(&["trace", "--index", "index", "--text", text])?;
    let ids = texts(traced.pointer("/spans/0").context("a span")?, "record_ids");
    ensure!(ids.len() == 1 && ids[0].len() == 64, "{ids:?}");

    // The index knows its tokenizer and refuses another.
    let other = fixture("tiny-llama/tokenizer.json");
    let index = ["trace", "--index", "index", "--text", "x", "--tokenizer", &other];
    let (code, error) = bench.failure(&index)?;
    ensure!(code == 1 && error.to_string().contains("tokenizer"), "{error}");
    let build = ["datanet", "index", "rows.jsonl", "--out", "other", "--tokenizer", &other];
    bench.json(&build)?;
    let index = ["trace", "--index", "other", "--text", "x", "--tokenizer", &other];
    bench.json(&index)?;
    Ok(())
}

#[test]
fn models_of_every_kind_are_imported_and_measured_beside_their_original() -> Result<()> {
    let Some(bench) = Bench::new("model import and eval")? else { return Ok(()) };
    let text = fixture("small-float.held-out.txt");
    let checkpoint = bench.path("checkpoint");
    copy(&fixture("small-float"), &checkpoint)?;
    let card = bench.json(&["model", "import", "checkpoint", "--out", "model"])?;
    for name in ["digest", "shape", "measures", "profile"] {
        ensure!(card.get(name).is_some(), "{name}: {card}");
    }
    let eval =
        |path: &str| bench.json(&["model", "eval", path, "--text", &text, "--tokens", "400"]);
    let stored = eval("model")?;
    let direct = eval("checkpoint")?;
    for name in ["tokens", "exi8_perplexity", "float_perplexity"] {
        ensure!(stored.get(name).is_some_and(Value::is_number), "{name}: {stored}");
        ensure!(stored.get(name) == direct.get(name), "{name}: {stored} {direct}");
    }
    ensure!(eval("model/model.exi8")?.get("float_perplexity") == direct.get("float_perplexity"));

    // An original that changed is not taken for the one it was; one that is gone is missed.
    fs::write(bench.folder.path().join("checkpoint/extra.json"), "{}")?;
    let arguments = ["model", "eval", "model", "--text", &text, "--tokens", "400"];
    let (_, error) = bench.failure(&arguments)?;
    ensure!(error.to_string().contains("has changed"), "{error}");
    fs::rename(&checkpoint, bench.path("elsewhere"))?;
    let alone = eval("model")?;
    ensure!(alone.get("float_perplexity") == Some(&Value::Null), "{alone}");
    ensure!(alone.get("exi8_perplexity") == direct.get("exi8_perplexity"), "{alone}");
    let named = [&arguments[..], &["--original", "elsewhere"]].concat();
    ensure!(bench.json(&named)?.get("float_perplexity") == direct.get("float_perplexity"));

    // A sharded folder, a PEFT folder and the stored model once more.
    bench.json(&["model", "import", &fixture("tiny-llama")])?;
    let lora = fixture("small-float-lora");
    let adapter = bench.json(&["model", "import", &lora, "--base", "model"])?;
    ensure!(adapter.get("rank").is_some_and(Value::is_u64), "{adapter}");
    let adapted = ["model", "eval", &lora, "--original", "elsewhere", "--text", &text];
    let adapted = bench.json(&[&adapted[..], &["--tokens", "400"]].concat())?;
    ensure!(adapted.get("float_perplexity") != direct.get("float_perplexity"), "{adapted}");
    ensure!(bench.json(&["model", "import", "model"])?.get("digest") == card.get("digest"));
    llama2c(&bench)
}

/// A llama2.c checkpoint, where the data is at hand.
fn llama2c(bench: &Bench) -> Result<()> {
    let Some(data) = std::env::var_os("TRIBUTARY_DATA") else {
        skipped("llama2.c import", "TRIBUTARY_DATA");
        return Ok(());
    };
    let file = Path::new(&data).join("stories260k/stories260K.bin");
    if !file.is_file() {
        skipped("llama2.c import", "stories260k of TRIBUTARY_DATA");
        return Ok(());
    }
    let card = bench.json(&["model", "import", &file.to_string_lossy()])?;
    ensure!(card.get("source") == Some(&Value::from("llama2.c")), "{card}");
    Ok(())
}

fn copy(from: &str, to: &str) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)?.flatten() {
        fs::copy(entry.path(), Path::new(to).join(entry.file_name()))?;
    }
    Ok(())
}

#[test]
fn failures_have_codes_and_one_json_value() -> Result<()> {
    let Some(bench) = Bench::new("exit codes")? else { return Ok(()) };
    let nowhere = ["datanet", "ls", "--rpc-url", "http://localhost:1"];
    let (code, error) = bench.failure(&nowhere)?;
    ensure!(code == 4 && error.get("help").is_some_and(Value::is_string), "{code} {error}");
    let (code, error) = bench.failure(&["datanett", "ls"])?;
    ensure!(code == 2 && error.to_string().contains("datanet"), "{code} {error}");
    fs::write(bench.folder.path().join("tributary.toml"), "[node]\nprot = 1\n")?;
    let (code, error) = bench.failure(&["config", "show"])?;
    ensure!(code == 3 && error.to_string().contains("node.port"), "{code} {error}");
    fs::write(bench.folder.path().join("tributary.toml"), "[node]\nport = 9999\n")?;
    let shown = bench.json(&["config", "show", "--origin"])?;
    let port = shown.as_array().and_then(|list| list.first().cloned()).context("keys")?;
    ensure!(port.get("value") == Some(&Value::from("9999")), "{port}");
    ensure!(port.get("origin") == Some(&Value::from("tributary.toml")), "{port}");
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = bench.run(&["completions", shell])?;
        ensure!(script.code == 0 && script.stdout.contains("datanet"), "{shell}");
    }
    Ok(())
}

#[test]
fn a_stranger_verifies_with_the_transcript_and_a_flip_names_its_check() -> Result<()> {
    let Some(node) = Node::start("receipt by file")? else { return Ok(()) };
    let answer = node.cli(&["chat", "tributary/seed", "-m", "Hello", "--max-tokens", "8"])?.ok()?;
    let id = answer.pointer("/tributary/receipt_id").and_then(Value::as_str).context("an id")?;
    let shown = node.until("receipt in a posted root", EARNED_LIMIT, || {
        let shown = node.cli(&["receipt", "show", id])?.ok()?;
        Ok(shown.get("root").is_some_and(Value::is_string).then_some(shown))
    })?;
    let file = |name: &str, value: &Value| -> Result<String> {
        let path = node.folder().join(name);
        fs::write(&path, value.to_string())?;
        Ok(path.display().to_string())
    };
    let transcript = node.cli(&["receipt", "transcript", id])?.ok()?;
    let transcript = file("transcript.json", &transcript)?;

    let verify = ["receipt", "verify", id, "--transcript", &transcript];
    let report = node.cli_as("stranger", &verify)?.ok()?;
    ensure!(report.get("verified") == Some(&Value::Bool(true)), "{report}");
    let checks = report.get("checks").and_then(Value::as_array).context("checks")?;
    let ok = |check: &Value| check.get("status").and_then(Value::as_str) == Some("ok");
    ensure!(checks.len() >= 15 && checks.iter().all(ok), "{report}");

    // Without the transcript nothing failed, and yet it is not verified.
    let blind = node.cli_as("stranger", &["receipt", "verify", id])?;
    ensure!(blind.code == 9 && statuses(&blind.json()?, "not_checkable").len() >= 7, "{blind:?}");
    ensure!(statuses(&blind.json()?, "failed").is_empty(), "{blind:?}");

    let mut forged = shown.get("receipt").cloned().context("a receipt")?;
    let tokens = forged.pointer_mut("/body/prompt_tokens").context("a field")?;
    *tokens = Value::from(tokens.as_u64().unwrap_or(0) + 1);
    let forged = file("forged.json", &forged)?;
    let forged = node.cli_as("stranger", &[&verify[..], &["--receipt", &forged]].concat())?;
    ensure!(forged.code == 9, "{forged:?}");
    let failed = statuses(&forged.json()?, "failed");
    ensure!(failed.contains(&"signature".to_owned()), "{failed:?}");
    Ok(())
}

/// Names of the checks that ended in one way.
fn statuses(report: &Value, status: &str) -> Vec<String> {
    let checks = report.get("checks").and_then(Value::as_array).cloned().unwrap_or_default();
    let ended = checks.iter().filter(|check| check.get("status") == Some(&Value::from(status)));
    ended.filter_map(|check| Some(check.get("name")?.as_str()?.to_owned())).collect()
}

/// The examples at the head of a command's help, and those of the commands below it.
fn examples(bench: &Bench, path: &[String], found: &mut Vec<String>) -> Result<()> {
    let words: Vec<&str> = path.iter().map(String::as_str).collect();
    let help = bench.run(&[&words[..], &["--help"]].concat())?;
    ensure!(help.stdout.starts_with("Examples:\n"), "{path:?}: {}", help.stdout);
    let lines = help.stdout.lines().skip(1);
    found.extend(lines.take_while(|line| line.starts_with("  ")).map(|line| line.trim().into()));
    let below = help.stdout.split("\nCommands:\n").nth(1).unwrap_or_default();
    let names = below.lines().take_while(|line| line.starts_with("  "));
    for name in names.filter_map(|line| line.split_whitespace().next()) {
        if name != "help" {
            examples(bench, &[path, &[name.to_owned()]].concat(), found)?;
        }
    }
    Ok(())
}

/// Lines of the README that call the binary, without their comments.
fn readme() -> Result<Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let text = fs::read_to_string(path)?;
    let blocks = text.split("```sh\n").skip(1).filter_map(|block| block.split("```").next());
    let lines = blocks.flat_map(str::lines).filter(|line| line.starts_with("tributary "));
    Ok(lines.map(|line| line.split("  #").next().unwrap_or(line).trim().to_owned()).collect())
}

/// In which order the examples make sense: what needs nothing, what makes, what reads it, what
/// takes it away.
const ORDER: [&str; 29] = [
    "account show",
    "completions",
    "config",
    "datanet ls",
    "datanet show",
    "datanet rows",
    "datanet new",
    "datanet index",
    "trace",
    "datanet push",
    "model import",
    "model eval",
    "model ls",
    "model show",
    "model train",
    "model cancel",
    "chat",
    "earnings",
    "receipt show",
    "receipt verify",
    "receipt transcript",
    "key new",
    "key ls",
    "key revoke",
    "account export",
    "dev",
    "help",
    "version",
    "",
];

fn place(line: &str) -> usize {
    let words = line.strip_prefix("tributary ").unwrap_or(line);
    ORDER.iter().position(|name| words.starts_with(name)).unwrap_or(ORDER.len())
}

#[test]
fn every_example_of_the_help_texts_and_the_readme_runs() -> Result<()> {
    let Some(node) = Node::start("examples")? else { return Ok(()) };
    let Some(bench) = Bench::new("examples")? else { return Ok(()) };
    copy(&fixture("small-float"), &bench.path("checkpoint"))?;
    fs::copy(fixture("small-float.held-out.txt"), bench.path("held-out.txt"))?;
    let mut lines = readme()?;
    ensure!(lines.len() == 6, "the journey has six commands: {lines:?}");
    examples(&bench, &[], &mut lines)?;
    lines.sort_by_key(|line| place(line));
    let mut seen = BTreeSet::new();
    lines.retain(|line| seen.insert(line.clone()) && !line.starts_with("tributary dev"));
    ensure!(lines.len() > 30, "{lines:?}");
    let mut receipt = None;
    for line in lines {
        if line.contains(" 0x") && receipt.is_none() {
            receipt = Some(earned(&node)?);
        }
        let mut line = line;
        if let Some(receipt) = &receipt {
            line = line.replace("0x12..", receipt).replace("0x...", receipt);
        }
        if line.contains("3f0c..") {
            let keys = node.cli(&["key", "ls"])?.ok()?;
            let id = keys.pointer("/items/0/id").and_then(Value::as_str).context("a key")?;
            line = line.replace("3f0c..", id);
        }
        if line.starts_with("tributary model cancel") {
            let train = ["model", "train", "--datanet", "1", "--no-wait", "--name", "me/gone"];
            let started = node.cli(&train)?.ok()?;
            line = format!("tributary model cancel {}", started.get("id").context("a job")?);
        }
        let ran = shell(&node, &bench, &line)?;
        ensure!(ran.code == 0, "`{line}`: exit {}\n{}\n{}", ran.code, ran.stdout, ran.stderr);
    }
    python_of_the_readme(&node)
}

/// The README's program for app developers, with this node's address and key.
fn python_of_the_readme(node: &Node) -> Result<()> {
    let Some(python) = tool("TRIBUTARY_PYTHON", "Python of the README") else { return Ok(()) };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let text = fs::read_to_string(path)?;
    let program = text.split("```python\n").nth(1).and_then(|block| block.split("```").next());
    let program = program.context("a program")?;
    let program = program
        .replace("http://localhost:8545/v1", node.setting("openai_base_url"))
        .replace("trib_sk_...", node.setting("api_key"));
    let ran: Ran = Command::new(python).args(["-c", &program]).output()?.into();
    ensure!(ran.code == 0 && ran.stdout.trim().len() > 10, "{ran:?}");
    Ok(())
}

/// A receipt of this node's guest that stands in a posted root.
fn earned(node: &Node) -> Result<String> {
    node.until("earnings in a posted root", EARNED_LIMIT, || {
        let earnings = node.cli(&["earnings"])?.ok()?;
        let answers = earnings.get("answers").and_then(Value::as_array).cloned();
        let done = answers.unwrap_or_default().into_iter().find(|answer| {
            answer.get("state").and_then(Value::as_str).is_some_and(|state| state != "pending")
        });
        Ok(done.and_then(|answer| Some(answer.get("receipt_id")?.as_str()?.to_owned())))
    })
}

/// A line as somebody would type it, in the bench's folder, as the node's guest.
fn shell(node: &Node, bench: &Bench, line: &str) -> Result<Ran> {
    let folder = bench.binary.parent().context("the binary's folder")?;
    let path = std::env::var("PATH").unwrap_or_default();
    let output = Command::new("sh")
        .args(["-c", line])
        .current_dir(bench.folder.path())
        .env("PATH", format!("{}:{path}", folder.display()))
        .env("TRIBUTARY_RPC_URL", node.setting("rpc_url"))
        .env("TRIBUTARY_HOME", node.folder().join("home"))
        .env_remove("TRIBUTARY_API_KEY")
        .stdin(Stdio::null())
        .output()?;
    Ok(output.into())
}
