//! One dev node under test.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use tempfile::TempDir;

/// Five times the budget of 3 seconds for a built binary, and then some for a cold first run on
/// two busy cores.
const READY_LIMIT: Duration = Duration::from_secs(60);
/// Five times the budget of a stop.
const STOP_LIMIT: Duration = Duration::from_secs(25);
/// Lines of the node's log kept for a failing test.
const LOG_LINES: usize = 60;
/// What `ulimit -f` counts in, by POSIX.
const ULIMIT_BLOCK_BYTES: u64 = 512;

/// A running node; killed when dropped.
pub struct Node {
    folder: Arc<TempDir>,
    start: Start,
    child: Child,
    config: Value,
    log: Arc<Mutex<Vec<String>>>,
}

/// How a node is started, beyond its own folder and a free port.
#[derive(Clone, Debug, Default)]
pub struct Start {
    /// Port; 0 takes a free one.
    pub port: u16,
    /// More arguments of `tributary dev`.
    pub arguments: Vec<String>,
    /// More environment.
    pub variables: Vec<(String, String)>,
    /// Data directory instead of the one in the node's folder.
    pub datadir: Option<PathBuf>,
    /// Size beyond which the system lets none of its files grow: writes are refused as on a full
    /// disk, and no right is needed to ask for it.
    pub file_limit_bytes: Option<u64>,
}

impl Start {
    /// The program, by way of a shell where the system is to limit it.
    fn command(&self, binary: &Path) -> Command {
        let Some(limit) = self.file_limit_bytes else { return Command::new(binary) };
        let mut shell = Command::new("sh");
        // The signal would end the process before it could say why.
        shell.args(["-c", r#"trap "" XFSZ && ulimit -f "$0" && exec "$@""#]);
        shell.arg((limit / ULIMIT_BLOCK_BYTES).to_string()).arg(binary);
        shell
    }
}

/// What a command left behind.
#[derive(Debug)]
pub struct Ran {
    /// Exit code; -1 when killed.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Ran {
    /// The JSON on standard output; an error shows everything that was printed.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_str(self.stdout.trim()).with_context(|| format!("{self:?}"))
    }

    /// The JSON of a command that succeeded.
    pub fn ok(&self) -> Result<Value> {
        ensure!(self.code == 0, "exit {}: {}\n{}", self.code, self.stdout, self.stderr);
        self.json()
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// The binary that the tests' build made, or `None` after noting the skip.
fn binary(test: &str) -> Option<PathBuf> {
    crate::tool("TRIBUTARY_BIN", test)
}

impl Node {
    /// A node over an empty data directory, or `None` when there is no binary.
    pub fn start(test: &str) -> Result<Option<Self>> {
        let Some(mut node) = Self::launch(test, Start::default())? else { return Ok(None) };
        node.ready()?;
        Ok(Some(node))
    }

    /// The process alone: [`Node::ready`] waits for it. `None` when there is no binary.
    pub fn launch(test: &str, start: Start) -> Result<Option<Self>> {
        let Some(binary) = binary(test) else { return Ok(None) };
        Self::spawn(&binary, Arc::new(tempfile::tempdir()?), start).map(Some)
    }

    /// Ends this node as a power cut would, then starts the next one over the same folder.
    pub fn kill_and_restart(mut self) -> Result<Self> {
        self.kill()?;
        let mut next = self.relaunch()?;
        next.ready()?;
        Ok(next)
    }

    /// Takes the place of a node that ended, over the same folder and on the same port: whoever
    /// was connected finds it again.
    pub fn start_again(&mut self) -> Result<()> {
        *self = self.relaunch()?;
        self.ready()
    }

    /// Ends this node as Ctrl-C would, then starts the next one over the same folder.
    pub fn stop_and_restart(mut self) -> Result<Self> {
        self.stop()?;
        let mut next = self.relaunch()?;
        next.ready()?;
        Ok(next)
    }

    /// `kill -9`, without a word to anybody.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// The process once more over the folder of one that ended.
    pub fn relaunch(&self) -> Result<Self> {
        self.relaunch_with(self.start.clone())
    }

    /// The process once more over the folder of one that ended, started in another way.
    pub fn relaunch_with(&self, start: Start) -> Result<Self> {
        let binary = std::env::var_os("TRIBUTARY_BIN").context("TRIBUTARY_BIN")?;
        Self::spawn(Path::new(&binary), Arc::clone(&self.folder), start)
    }

    fn spawn(binary: &Path, folder: Arc<TempDir>, start: Start) -> Result<Self> {
        let config_path = folder.path().join("config.json");
        if config_path.exists() {
            fs::remove_file(&config_path)?;
        }
        let datadir = start.datadir.clone().unwrap_or_else(|| folder.path().join("data"));
        let mut child = start
            .command(binary)
            .args(["dev", "--port", &start.port.to_string(), "--no-open", "--datadir"])
            .arg(datadir)
            .arg("--config-out")
            .arg(&config_path)
            .args(&start.arguments)
            .env("TRIBUTARY_HOME", folder.path().join("home"))
            .envs(start.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", binary.display()))?;
        let log = collect(child.stderr.take().context("no standard error")?);
        Ok(Self { folder, start, child, config: Value::Null, log })
    }

    /// Waits until the node says that all is ready.
    pub fn ready(&mut self) -> Result<()> {
        let config = self.folder.path().join("config.json");
        self.config = self.wait_ready(&config)?;
        // Whoever knows its address finds it there again after a restart.
        let url = ["rpc_url", "url"].map(|name| self.setting(name)).concat();
        let port = url.rsplit(':').next().and_then(|port| port.parse().ok());
        self.start.port = port.context("a URL with a port")?;
        Ok(())
    }

    /// Waits for a process that must end by itself, and for its last words; its exit code.
    pub fn wait_end(&mut self) -> Result<i32> {
        let end = Instant::now() + READY_LIMIT;
        loop {
            // The thread that collects the log lets go of it at the end of the stream.
            let is_whole = Arc::strong_count(&self.log) == 1;
            if let Some(status) = self.child.try_wait()?.filter(|_| is_whole) {
                return Ok(status.code().unwrap_or(-1));
            }
            ensure!(
                Instant::now() < end,
                "the node runs on after {READY_LIMIT:?}:\n{}",
                self.log()
            );
            thread::park_timeout(Duration::from_millis(20));
        }
    }

    fn wait_ready(&mut self, config: &Path) -> Result<Value> {
        let end = Instant::now() + READY_LIMIT;
        loop {
            if let Some(status) = self.child.try_wait()? {
                bail!("the node ended with {status}:\n{}", self.log());
            }
            if let Ok(text) = fs::read_to_string(config) {
                return serde_json::from_str(&text).context("config-out is whole when it appears");
            }
            if Instant::now() > end {
                bail!("the node is not ready after {READY_LIMIT:?}:\n{}", self.log());
            }
            thread::yield_now();
            thread::park_timeout(Duration::from_millis(20));
        }
    }

    /// Ctrl-C; the node must end by itself within the limit.
    pub fn stop(&mut self) -> Result<()> {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-INT", &pid]).status()?;
        ensure!(sent.success(), "the node is gone already:\n{}", self.log());
        let end = Instant::now() + STOP_LIMIT;
        loop {
            if let Some(status) = self.child.try_wait()? {
                ensure!(status.success(), "Ctrl-C ended with {status}:\n{}", self.log());
                return Ok(());
            }
            ensure!(Instant::now() < end, "Ctrl-C took over {STOP_LIMIT:?}:\n{}", self.log());
            thread::park_timeout(Duration::from_millis(20));
        }
    }

    /// What `--config-out` wrote.
    pub fn config(&self) -> &Value {
        &self.config
    }

    /// A text of the configuration, such as `rpc_url`.
    pub fn setting(&self, name: &str) -> &str {
        self.config.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// Number of its process.
    pub fn process_id(&self) -> u32 {
        self.child.id()
    }

    /// Where the node keeps its things.
    pub fn datadir(&self) -> PathBuf {
        self.start.datadir.clone().unwrap_or_else(|| self.folder.path().join("data"))
    }

    /// The folder of this node and its client.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The last lines that the node printed.
    pub fn log(&self) -> String {
        let log = self.log.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        log.join("\n")
    }

    /// Runs a client command with `--json`, as this folder's guest.
    pub fn cli(&self, arguments: &[&str]) -> Result<Ran> {
        self.cli_as("home", arguments)
    }

    /// Runs a client command as another guest.
    pub fn cli_as(&self, home: &str, arguments: &[&str]) -> Result<Ran> {
        let binary = std::env::var_os("TRIBUTARY_BIN").context("TRIBUTARY_BIN")?;
        let output = Command::new(binary)
            .args(arguments)
            .args(["--json", "--rpc-url", self.setting("rpc_url")])
            .env("TRIBUTARY_HOME", self.folder.path().join(home))
            .env_remove("TRIBUTARY_API_KEY")
            .stdin(Stdio::null())
            .output()?;
        Ok(output.into())
    }

    /// Runs a script of `testing/` against this node with its URLs and key in the environment.
    pub fn script(&self, program: &Path, arguments: &[&str], folder: &Path) -> Result<Ran> {
        let mut command = self.command(program, folder);
        let output = command.args(arguments).stdin(Stdio::null()).output();
        let output = output.with_context(|| format!("cannot start {}", program.display()))?;
        Ok(output.into())
    }

    /// A program that finds this node's URLs and key in its environment.
    pub(crate) fn command(&self, program: &Path, folder: &Path) -> Command {
        let model = self.config.pointer("/models/0").and_then(Value::as_str).unwrap_or_default();
        let mut command = Command::new(program);
        command
            .current_dir(folder)
            .env("TRIBUTARY_URL", self.setting("console_url"))
            .env("TRIBUTARY_RPC_URL", self.setting("rpc_url"))
            .env("TRIBUTARY_BASE_URL", self.setting("openai_base_url"))
            .env("TRIBUTARY_API_KEY", self.setting("api_key"))
            .env("TRIBUTARY_MODEL", model)
            .env("TRIBUTARY_CONFIG", self.folder.path().join("config.json"));
        command
    }

    /// Polls until a look gives something, up to a limit.
    pub fn until<T>(
        &self,
        what: &str,
        limit: Duration,
        mut look: impl FnMut() -> Result<Option<T>>,
    ) -> Result<T> {
        let end = Instant::now() + limit;
        loop {
            if let Some(found) = look()? {
                return Ok(found);
            }
            ensure!(Instant::now() < end, "no {what} within {limit:?}:\n{}", self.log());
            thread::park_timeout(Duration::from_millis(50));
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads the node's log on a thread of its own, so that its pipe never fills.
pub(crate) fn collect(stderr: impl std::io::Read + Send + 'static) -> Arc<Mutex<Vec<String>>> {
    let log = Arc::new(Mutex::new(Vec::new()));
    let lines = Arc::clone(&log);
    thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            let mut lines = lines.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            lines.push(line);
            if lines.len() > LOG_LINES {
                lines.remove(0);
            }
        }
    });
    log
}
