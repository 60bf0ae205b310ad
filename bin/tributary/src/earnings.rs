//! `tributary earnings`: what is pending, earned and paid, and for which answers.

use anyhow::Result;
use serde_json::{Value, json};

use crate::{
    cli::EarningsArgs,
    output::{field, money, short, table},
    session::Session,
};

/// Prints an account's earnings, after claiming when asked to.
pub async fn run(session: &Session, args: EarningsArgs) -> Result<()> {
    let rest = if args.account.is_some() { session.public()? } else { session.account().await? };
    if args.claim {
        let claimed: Value = rest.post("/claims", &json!({})).await?;
        session.output.say(format!("Claimed {} OPEN.", money(&claimed, "claimed")));
    }
    let account = match args.account {
        Some(account) => account,
        None => session.address().await?,
    };
    let mut summary: Value = rest.get(&format!("/accounts/{account}")).await?;
    let answers: Value = rest.get(&format!("/accounts/{account}/earnings?limit=20")).await?;
    if let Some(fields) = summary.as_object_mut() {
        fields.insert("answers".into(), answers.get("items").cloned().unwrap_or_default());
    }
    session.output.print(&summary, || human(&summary))
}

fn human(summary: &Value) {
    println!("account  {}", field(summary, "address"));
    println!("balance  {} OPEN", money(summary, "balance"));
    println!("pending  {} OPEN   in signed receipts", money(summary, "pending"));
    println!("earned   {} OPEN   in a posted root: claim with --claim", money(summary, "earned"));
    println!("paid     {} OPEN   claimed", money(summary, "paid"));
    let answers = summary.get("answers").and_then(Value::as_array).cloned().unwrap_or_default();
    if answers.is_empty() {
        eprintln!("\nNothing yet. Contribute with `tributary datanet push 1 --sample`.");
        return;
    }
    println!();
    let rows: Vec<Vec<String>> = answers
        .iter()
        .map(|answer| {
            vec![
                short(&field(answer, "receipt_id")),
                field(answer, "role"),
                field(answer, "datanet"),
                money(answer, "amount"),
                field(answer, "state"),
            ]
        })
        .collect();
    table(&["receipt", "role", "datanet", "OPEN", "state"], &rows);
}
