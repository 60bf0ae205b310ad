//! `tributary dev`: flags over configuration files, then the node.

use std::path::PathBuf;

use anyhow::Result;
use tributary_node::{
    config::{DevConfig, FileConfig},
    dev,
    role::{Role, Roles},
};

use crate::{
    cli::{DevArgs, Global},
    config::home,
};

/// Runs the dev node until Ctrl-C.
pub async fn run(global: &Global, file: &FileConfig, args: DevArgs) -> Result<()> {
    let datadir = args.datadir.or_else(|| file.text("node.datadir").map(PathBuf::from));
    let chain_url = args.chain_url.or_else(|| file.text("node.chain_url"));
    let roles = match (args.roles, file.text("node.roles")) {
        (Some(roles), _) => roles,
        (None, Some(names)) => names.split(',').map(str::parse).collect::<Result<_, _>>()?,
        (None, None) => Role::ALL.to_vec(),
    };
    let config = DevConfig {
        roles: Roles::some(&roles, chain_url.as_deref())?,
        chain_url,
        port: args.port.or_else(|| file.port()).unwrap_or(8545),
        datadir: datadir.unwrap_or_else(|| home(global).join("dev")),
        open_browser: !args.no_open && file.open_browser().unwrap_or(true),
        config_out: args.config_out,
        json: global.json,
    };
    dev::run(config).await?;
    Ok(())
}
