//! Who the command line acts as: an API key when one is given, else this computer's guest account
//! at that node, made on first use and kept in a file only its owner can read.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use serde_json::Value;
use tributary_client::{Chain, ClientError, HttpTransport, Rest, api::Guest};
use tributary_node::config::FileConfig;
use tributary_primitives::Digest;

use crate::{
    cli::Global,
    config,
    fail::{Exit, Failure},
    output::Output,
};

/// The node, and who asks.
pub struct Session {
    base: String,
    key: Option<String>,
    folder: PathBuf,
    /// How to print.
    pub output: Output,
}

impl Session {
    /// From the global flags and the configuration files.
    pub fn new(global: &Global, file: &FileConfig) -> Self {
        Self {
            base: config::rpc_url(global, file).trim_end_matches('/').to_owned(),
            key: global.api_key.clone(),
            folder: config::home(global).join("sessions"),
            output: Output { json: global.json, quiet: global.quiet },
        }
    }

    /// The node without an account: enough for reading what is public.
    pub fn public(&self) -> Result<Rest> {
        Ok(match &self.key {
            Some(key) => Rest::new(&self.base)?.with_key(key.clone()),
            None => match self.stored()? {
                Some(token) => Rest::new(&self.base)?.with_session(token),
                None => Rest::new(&self.base)?,
            },
        })
    }

    /// The node as this account; a guest is made when there is none.
    pub async fn account(&self) -> Result<Rest> {
        if self.key.is_some() {
            return self.public();
        }
        let rest = Rest::new(&self.base)?;
        if let Some(token) = self.stored()? {
            let known = rest.clone().with_session(token);
            match known.get::<Value>("/session").await {
                Ok(_) => return Ok(known),
                Err(ClientError::Service { status: 401 | 403 | 404, .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let guest: Guest = rest.post("/guests", &serde_json::json!({})).await?;
        self.store(&guest.session)?;
        let (name, account) = (&guest.name, guest.account);
        self.output.say(format!("You are {name} ({account}) with {}.", guest.balance));
        Ok(rest.with_session(guest.session))
    }

    /// The account's address.
    pub async fn address(&self) -> Result<String> {
        let session: Value = self.account().await?.get("/session").await?;
        let account = session.get("account").and_then(Value::as_str);
        account.map(str::to_owned).context("the node's answer names no account")
    }

    /// The chain by JSON-RPC.
    pub async fn chain(&self) -> Result<Chain> {
        let transport = HttpTransport::new(&self.base)?;
        Ok(Chain::connect(std::sync::Arc::new(transport)).await?)
    }

    /// A datanet's id from its id or name.
    pub async fn datanet(&self, wanted: &str) -> Result<u64> {
        if let Ok(id) = wanted.parse() {
            return Ok(id);
        }
        let all: Value = self.public()?.get("/datanets?limit=100").await?;
        let items = all.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
        let same = |item: &&Value| {
            item.get("name").and_then(Value::as_str).is_some_and(|n| n.eq_ignore_ascii_case(wanted))
        };
        let id = items.iter().find(same).and_then(|item| item.get("id")).and_then(Value::as_u64);
        id.ok_or_else(|| {
            let message = format!("there is no datanet `{wanted}`");
            Failure::new(Exit::NotFound, message, "list them with `tributary datanet ls`")
        })
    }

    fn file(&self) -> PathBuf {
        self.folder.join(Digest::of(self.base.as_bytes()).short())
    }

    fn stored(&self) -> Result<Option<String>> {
        match fs::read_to_string(self.file()) {
            Ok(token) => Ok(Some(token.trim().to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| self.file().display().to_string()),
        }
    }

    fn store(&self, token: &str) -> Result<()> {
        let write = |path: &Path| -> io::Result<()> {
            fs::create_dir_all(&self.folder)?;
            let mut options = fs::File::options();
            options.create(true).truncate(true).write(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            io::Write::write_all(&mut options.open(path)?, token.as_bytes())
        };
        write(&self.file()).with_context(|| self.file().display().to_string())
    }
}
