//! What a ready dev node tells: a banner for people, `--config-out` for scripts.

use std::{fs, io::Write as _, path::Path};

use serde_json::{Value, json};
use tributary_contracts::{
    CHAIN_ID_DEV, CHANNELS, DATANETS, MODELS, OPEN, ROYALTIES, STAKING, TASKS,
};
use tributary_primitives::DatanetId;
use zeroize::Zeroizing;

use crate::{
    NodeError,
    dev::{actors::RoleAccount, setup::SEED_NAME},
};

/// Facts about a ready node.
pub struct Facts<'a> {
    /// Where it is reached.
    pub url: &'a str,
    /// A key that works.
    pub api_key: &'a Zeroizing<String>,
    /// Who is who.
    pub accounts: &'a [RoleAccount],
    /// The sample datanets.
    pub datanets: &'a [DatanetId],
}

impl Facts<'_> {
    /// The form of `--config-out`.
    pub fn to_json(&self) -> Value {
        let accounts = self.accounts.iter().map(|account| {
            json!({
                "role": account.role,
                "address": account.signer.address(),
                "private_key": *account.signer.to_secret_hex(),
            })
        });
        json!({
            "rpc_url": self.url,
            "console_url": self.url,
            "openai_base_url": format!("{}/v1", self.url),
            "api_key": **self.api_key,
            "chain_id": CHAIN_ID_DEV,
            "accounts": accounts.collect::<Vec<_>>(),
            "contracts": {
                "open": OPEN,
                "staking": STAKING,
                "datanets": DATANETS,
                "models": MODELS,
                "tasks": TASKS,
                "channels": CHANNELS,
                "royalties": ROYALTIES,
            },
            "models": [SEED_NAME],
            "datanets": self.datanets,
        })
    }

    /// The banner.
    pub fn banner(&self) -> String {
        let url = self.url;
        let shown = self.accounts.iter().filter(|account| account.role.starts_with("dev"));
        let mut text = format!(
            "\n  Tributary is ready: {url}\n\n  \
             Console, JSON-RPC and WebSocket   {url}\n  \
             OpenAI base URL                   {url}/v1\n  \
             API key                           {}\n\n  \
             Developer accounts (10,000 OPEN each, public keys: never for real money)\n",
            **self.api_key
        );
        for account in shown {
            let (role, signer) = (&account.role, &account.signer);
            let secret = signer.to_secret_hex();
            text.push_str(&format!("  {role:16} {}  {}\n", signer.address(), *secret));
        }
        text.push_str(
            "\n  Next:\n  tributary datanet push 1 --sample\n  tributary model train --datanet 1\n  \
             tributary chat -m \"...\"\n\n  Ctrl-C stops; the next start goes on.\n",
        );
        text
    }
}

/// Writes the JSON so that it is whole when it appears.
pub fn write(facts: &Value, path: &Path) -> Result<(), NodeError> {
    let failed = |source| NodeError::Io { what: path.display().to_string(), source };
    let staged = path.with_extension("new");
    let mut options = fs::File::options();
    options.create(true).truncate(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&staged).map_err(failed)?;
    file.write_all(format!("{facts:#}\n").as_bytes()).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    fs::rename(&staged, path).map_err(failed)
}
