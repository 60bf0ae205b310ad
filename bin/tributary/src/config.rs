//! `tributary config`: every key with its value, and who said so.

use anyhow::Result;
use serde_json::json;
use tributary_node::config::{self, FileConfig, KEYS, Key, Origin};

use crate::{
    cli::{ConfigCommand, Global},
    output::{Output, table},
};

/// Runs one command.
pub fn run(global: &Global, file: &FileConfig, command: ConfigCommand) -> Result<()> {
    let output = Output { json: global.json, quiet: global.quiet };
    match command {
        ConfigCommand::Show { origin } => show(global, file, output, origin),
        ConfigCommand::Path => {
            let files: Vec<_> = [Some(config::project_file()), config::user_file()]
                .into_iter()
                .flatten()
                .map(|path| (path.display().to_string(), path.exists()))
                .collect();
            let value: Vec<_> = files
                .iter()
                .map(|(path, exists)| json!({"path": path, "exists": exists}))
                .collect();
            output.print(&value, || {
                for (path, exists) in &files {
                    println!("{path}{}", if *exists { "" } else { "  (absent)" });
                }
            })
        }
    }
}

fn show(global: &Global, file: &FileConfig, output: Output, with_origin: bool) -> Result<()> {
    let found: Vec<(&Key, String, Origin)> = KEYS
        .iter()
        .map(|key| {
            let (value, origin) = value_of(global, file, key);
            (key, value, origin)
        })
        .collect();
    let entries: Vec<_> = found
        .iter()
        .map(|(key, value, origin)| {
            json!({"key": key.name, "value": value, "origin": origin.to_string()})
        })
        .collect();
    output.print(&entries, || {
        let rows: Vec<Vec<String>> = found
            .iter()
            .map(|(key, value, origin)| {
                let mut row = vec![key.name.to_owned(), value.clone()];
                row.extend(with_origin.then(|| origin.to_string()));
                row
            })
            .collect();
        let headings = ["key", "value", "origin"];
        table(headings.get(..2 + usize::from(with_origin)).unwrap_or(&headings), &rows);
    })
}

/// A key's value as a command started now would see it.
fn value_of(global: &Global, file: &FileConfig, key: &Key) -> (String, Origin) {
    let variable = key.variable.and_then(|name| Some((std::env::var(name).ok()?, name)));
    if key.name == "client.rpc_url"
        && let Some(given) = &global.rpc_url
        && variable.as_ref().is_none_or(|(value, _)| value != given)
    {
        return (given.clone(), Origin::Flag(key.flag));
    }
    if let Some((value, name)) = variable {
        return (value, Origin::Variable(name));
    }
    if let Some((value, origin)) = file.get(key.name) {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        return (text, origin);
    }
    let value = match key.name {
        "node.datadir" => home(global).join("dev").display().to_string(),
        _ => key.default.to_owned(),
    };
    (value, Origin::Default)
}

/// Where this computer keeps what is not configured elsewhere.
pub fn home(global: &Global) -> std::path::PathBuf {
    global.home.clone().unwrap_or_else(config::home)
}

/// The node that client commands talk to.
pub fn rpc_url(global: &Global, file: &FileConfig) -> String {
    let given = global.rpc_url.clone().or_else(|| file.text("client.rpc_url"));
    given.unwrap_or_else(|| "http://localhost:8545".to_owned())
}
