//! `tributary receipt`: show a receipt, or re-derive everything it says.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};
use serde_json::Value;
use tributary_client::{ClientError, api::ReceiptView};
use tributary_gateway::verify::{ChainSources, HttpBlobs};
use tributary_primitives::{Receipt, Transcript};
use tributary_verification::{CheckName, Report, Status};

use crate::{
    cli::ReceiptCommand,
    fail::{Exit, Failure, Told},
    output::table,
    session::Session,
};

/// Runs one command.
pub async fn run(session: &Session, command: ReceiptCommand) -> Result<()> {
    match command {
        ReceiptCommand::Show { id } => show(session, &id).await,
        ReceiptCommand::Verify { id, transcript, receipt } => {
            verify(session, &id, transcript.as_deref(), receipt.as_deref()).await
        }
        ReceiptCommand::Transcript { id } => {
            let path = format!("/receipts/{id}/transcript");
            let transcript: Value = session.public()?.get(&path).await?;
            let text = serde_json::to_string_pretty(&transcript)?;
            session.output.print(&transcript, || println!("{text}"))
        }
    }
}

async fn show(session: &Session, id: &str) -> Result<()> {
    let view: ReceiptView = session.public()?.get(&format!("/receipts/{id}")).await?;
    session.output.print(&view, || {
        let body = &view.receipt.signed.body;
        println!("receipt   {}", view.receipt.signed.id);
        println!("state     {:?}", view.state);
        println!("model     {}   provider {}", body.model, body.provider);
        println!("tokens    {} in, {} out", body.prompt_tokens, body.completion_tokens);
        println!(
            "fee       {} (compute {}, licence {})",
            body.fee(),
            body.fee_compute,
            body.fee_licence
        );
        println!("block     {} {}", body.block_number, body.block_hash);
        println!("spans     {}", view.receipt.spans.len());
        println!();
        let row = |share: &tributary_client::api::Explained| {
            vec![share.label.clone(), share.party.clone(), share.amount.to_open()]
        };
        let rows: Vec<_> = view.explain.iter().map(row).collect();
        table(&["share", "party", "OPEN"], &rows);
    })
}

async fn verify(
    session: &Session,
    id: &str,
    transcript: Option<&Path>,
    receipt: Option<&Path>,
) -> Result<()> {
    let rest = session.public()?;
    let receipt: Receipt = match receipt {
        Some(path) => read(path)?,
        None => rest.get::<ReceiptView>(&format!("/receipts/{id}")).await?.receipt,
    };
    let transcript: Option<Transcript> = match transcript {
        Some(path) => Some(read(path)?),
        None => match rest.get(&format!("/receipts/{id}/transcript")).await {
            Ok(transcript) => Some(transcript),
            Err(ClientError::Service { status: 401 | 403 | 404, .. }) => None,
            Err(error) => return Err(error.into()),
        },
    };
    let sources = ChainSources::new(session.chain().await?, HttpBlobs::new(rest));
    let mut report = sources.verify(&receipt, transcript.as_ref()).await?;
    require_asked(&mut report, id, &receipt);
    session.output.print(&report, || human(&report))?;
    if report.verified {
        return Ok(());
    }
    if session.output.json {
        // The report is the one JSON value; the exit code says the rest.
        return Err(Told(Exit::NotVerified).into());
    }
    let help = match transcript {
        None => "private checks need the transcript: run as the payer, or give --transcript FILE",
        Some(_) => "read the failed checks; whoever signed this owes an answer",
    };
    Err(Failure::new(Exit::NotVerified, format!("receipt {id} is not verified"), help))
}

/// A valid receipt that is another one than was asked for proves nothing.
fn require_asked(report: &mut Report, id: &str, receipt: &Receipt) {
    let found = receipt.signed.id.to_string();
    if found.eq_ignore_ascii_case(id.trim()) {
        return;
    }
    report.verified = false;
    if let Some(check) = report.checks.iter_mut().find(|check| check.name == CheckName::Signature) {
        check.status = Status::Failed;
        check.detail = format!("{id} was asked for, this is receipt {found}");
    }
}

fn human(report: &Report) {
    let mark = |status: Status| match status {
        Status::Ok => "ok",
        Status::Failed => "FAILED",
        Status::NotCheckable => "not checkable",
    };
    let row = |check: &tributary_verification::Check| {
        vec![name(check), mark(check.status).to_owned(), check.detail.clone()]
    };
    let rows: Vec<_> = report.checks.iter().map(row).collect();
    table(&["check", "result", "detail"], &rows);
    if report.verified {
        println!("\nverified: every number was derived again");
    }
}

/// The check's name as in JSON.
fn name(check: &tributary_verification::Check) -> String {
    let name = serde_json::to_value(check.name).unwrap_or_default();
    name.as_str().unwrap_or_default().to_owned()
}

fn read<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&bytes).with_context(|| format!("{} is damaged", path.display()))
}
