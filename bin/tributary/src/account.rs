//! `tributary account` and `tributary key`: who this computer is, and keys for its programs.

use anyhow::Result;
use serde_json::{Value, json};

use crate::{
    cli::{AccountCommand, KeyCommand},
    output::{field, money, table},
    session::Session,
};

/// `account show | export`
pub async fn run(session: &Session, command: AccountCommand) -> Result<()> {
    let rest = session.account().await?;
    match command {
        AccountCommand::Show => {
            let address = session.address().await?;
            let account: Value = rest.get(&format!("/accounts/{address}")).await?;
            session.output.print(&account, || {
                let (balance, reserved) = (money(&account, "balance"), money(&account, "reserved"));
                println!("{}  {balance} OPEN", field(&account, "address"));
                println!("and {reserved} OPEN reserved in the channels of API keys");
            })
        }
        AccountCommand::Export => {
            let key: Value = rest.post("/session/export", &json!({})).await?;
            session.output.print(&key, || {
                println!("{}", field(&key, "private_key"));
                eprintln!("Keep it secret: whoever has it owns the account. It is shown once.");
            })
        }
    }
}

/// `key new | ls | revoke`
pub async fn keys(session: &Session, command: KeyCommand) -> Result<()> {
    let rest = session.account().await?;
    match command {
        KeyCommand::New { cap, name } => {
            let made: Value = rest.post("/keys", &json!({ "cap": cap, "name": name })).await?;
            session.output.print(&made, || {
                println!("{}", field(&made, "key"));
                eprintln!("It can spend {cap} at most and is shown once.");
            })
        }
        KeyCommand::Ls => {
            let keys: Value = rest.get("/keys").await?;
            session.output.print(&keys, || {
                let items = keys.get("items").and_then(Value::as_array).cloned();
                let row = |key: &Value| {
                    let id = field(key, "id");
                    vec![id, field(key, "name"), money(key, "cap"), money(key, "spent")]
                };
                let rows: Vec<_> = items.unwrap_or_default().iter().map(row).collect();
                table(&["id", "name", "cap", "spent"], &rows);
            })
        }
        KeyCommand::Revoke { id } => {
            let revoked: Value = rest.delete(&format!("/keys/{id}")).await?;
            session.output.print(&revoked, || println!("Revoked {id}."))
        }
    }
}
