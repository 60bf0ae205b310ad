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
    for line in sums(summary) {
        println!("{line}");
    }
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

/// What an account has, and where the rest of its money is.
fn sums(summary: &Value) -> Vec<String> {
    let lines = [
        ("balance", "free to spend"),
        ("reserved", "in the channels of API keys: what is not spent comes back"),
        ("prepaid", "in escrow for the next channel"),
        ("pending", "in signed receipts"),
        ("earned", "in a posted root: claim with --claim"),
        ("paid", "claimed"),
    ];
    let line = |(name, what): (&str, &str)| {
        let amount = format!("{} OPEN", money(summary, name));
        format!("{name:8}  {amount:18}  {what}")
    };
    let mut sums = vec![format!("account   {}", field(summary, "address"))];
    sums.extend(lines.map(line));
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_key_reserved_is_told_beside_the_balance() {
        let summary = json!({ "address": "0xabc", "balance": "79900000000000000000",
            "reserved": "20000000000000000000", "prepaid": "0", "pending": "0", "earned": "0",
            "paid": "0" });
        let said = sums(&summary).join("\n");
        assert!(
            said.contains("balance   79.9 OPEN ") && said.contains("reserved  20 OPEN "),
            "{said}"
        );
    }
}
