//! All checks of one receipt, in order.

use tributary_primitives::{Receipt, Transcript};

use crate::{
    CheckName, Evidence, Report,
    private::{self, Private},
    public,
    report::{Finding, Problem, missing},
};

/// Checks a receipt against everything that was obtained. Computes all that can be computed:
/// runs the model, builds the index, traces and splits again. Without a transcript the private
/// checks are not checkable, and the receipt is not verified.
pub fn verify(receipt: &Receipt, transcript: Option<&Transcript>, evidence: &Evidence) -> Report {
    let body = &receipt.signed.body;
    let private = transcript.map(|transcript| Private::new(receipt, transcript, evidence));
    let data = private::snapshot(body, evidence);
    let with = |check: &dyn Fn(&Private<'_>) -> Finding| match &private {
        Some(private) => check(private),
        None => Err(missing("the transcript is the payer's; fetch it or name a file")),
    };
    let spans = || match (&private, &data) {
        (Some(private), Ok(data)) => match private.index(data) {
            Ok(index) => private.spans(Ok(&index)),
            Err(problem) => private.spans(Err(problem)),
        },
        (Some(private), Err(_)) => {
            private.spans(Err(missing("the snapshot's records are not there")))
        }
        (None, _) => {
            private::span_digest(receipt)?;
            Err(missing("tracing again needs the transcript"))
        }
    };
    let findings = CheckName::ALL.map(|name| {
        let finding = match name {
            CheckName::Signature => public::signature(receipt, evidence),
            CheckName::Block => public::block(receipt, evidence),
            CheckName::Channel => public::channel(receipt, evidence),
            CheckName::Model => public::model(receipt, evidence),
            CheckName::Fee => public::fee(receipt, evidence),
            CheckName::Transcript => with(&|private| private.belongs()),
            CheckName::Prompt => with(&|private| private.prompt()),
            CheckName::Completion => with(&|private| private.completion()),
            CheckName::Sampler => with(&|private| private.sampler()),
            CheckName::JobSeed => with(&|private| private.job_seed()),
            CheckName::Reexecution => with(&|private| private.reexecution()),
            CheckName::Logits => with(&|private| private.logits()),
            CheckName::Snapshot => snapshot_finding(&data),
            CheckName::Spans => spans(),
            CheckName::Shares => public::shares(receipt),
            CheckName::Split => public::split_again(receipt, evidence),
            CheckName::Inclusion => public::inclusion(receipt, evidence),
        };
        (name, finding)
    });
    Report::of(findings.into())
}

fn snapshot_finding(data: &Result<private::SnapshotData, Problem>) -> Finding {
    match data {
        Ok(data) => Ok(data.detail.clone()),
        Err(Problem::Failed(detail)) => Err(Problem::Failed(detail.clone())),
        Err(Problem::Missing(detail)) => Err(Problem::Missing(detail.clone())),
    }
}
