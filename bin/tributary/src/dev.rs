//! `tributary dev`: flags over configuration files, then the node.

use anyhow::Result;
use tributary_node::{
    config::{self, DevConfig, FileConfig},
    dev,
};

use crate::cli::{DevArgs, Global};

/// Runs the dev node until Ctrl-C.
pub async fn run(global: &Global, args: DevArgs) -> Result<()> {
    let file = FileConfig::load("tributary.toml".as_ref(), config::user_file().as_deref())?;
    let home = global.home.clone().unwrap_or_else(config::home);
    let config = DevConfig {
        port: args.port.or(file.node.port).unwrap_or(8545),
        datadir: args.datadir.or(file.node.datadir).unwrap_or_else(|| home.join("dev")),
        open_browser: !args.no_open && file.node.open_browser.unwrap_or(true),
        config_out: args.config_out,
        json: global.json,
    };
    dev::run(config).await?;
    Ok(())
}
