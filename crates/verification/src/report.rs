//! What a verification found: one line per check, and whether all of them hold.

use serde::{Deserialize, Serialize};

/// The checks, in the order in which they are made and shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckName {
    /// The id is the body's, and the provider's receipt key signed it.
    Signature,
    /// The block is the chain's.
    Block,
    /// Payer and gateway are the channel's.
    Channel,
    /// Model, adapter, tokenizer and data are the registered ones.
    Model,
    /// The fees follow from prices and token counts.
    Fee,
    /// The transcript belongs to this receipt.
    Transcript,
    /// The prompt is the committed one.
    Prompt,
    /// The answer is the committed one.
    Completion,
    /// The sampler's parameters are the committed ones.
    Sampler,
    /// The job seed follows from request seed and prompt.
    JobSeed,
    /// Running the model again gives the same tokens.
    Reexecution,
    /// Running the model again gives the same logits.
    Logits,
    /// The data is what the snapshot's root covers.
    Snapshot,
    /// Tracing the answer again gives the same spans.
    Spans,
    /// The shares are the committed ones.
    Shares,
    /// The shares follow from fees, lineage and spans.
    Split,
    /// The shares stand in a posted root.
    Inclusion,
}

impl CheckName {
    /// All checks, in order.
    pub const ALL: [CheckName; 17] = [
        Self::Signature,
        Self::Block,
        Self::Channel,
        Self::Model,
        Self::Fee,
        Self::Transcript,
        Self::Prompt,
        Self::Completion,
        Self::Sampler,
        Self::JobSeed,
        Self::Reexecution,
        Self::Logits,
        Self::Snapshot,
        Self::Spans,
        Self::Shares,
        Self::Split,
        Self::Inclusion,
    ];

    /// True for checks that need the transcript.
    pub fn is_private(self) -> bool {
        matches!(
            self,
            Self::Transcript
                | Self::Prompt
                | Self::Completion
                | Self::Sampler
                | Self::JobSeed
                | Self::Reexecution
                | Self::Logits
                | Self::Spans
        )
    }
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It holds.
    Ok,
    /// It does not hold.
    Failed,
    /// What it needs could not be obtained.
    NotCheckable,
}

/// One check and how it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Which.
    pub name: CheckName,
    /// How it ended.
    pub status: Status,
    /// For people: what was compared, and with what result.
    pub detail: String,
}

/// All checks of one receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// True when every check is ok.
    pub verified: bool,
    /// In the order of [`CheckName::ALL`].
    pub checks: Vec<Check>,
}

impl Report {
    /// A check by name.
    pub fn check(&self, name: CheckName) -> Option<&Check> {
        self.checks.iter().find(|check| check.name == name)
    }

    /// Names of the checks that failed.
    pub fn failed(&self) -> Vec<CheckName> {
        let failed = self.checks.iter().filter(|check| check.status == Status::Failed);
        failed.map(|check| check.name).collect()
    }

    pub(crate) fn of(findings: Vec<(CheckName, Finding)>) -> Self {
        let checks: Vec<Check> = findings
            .into_iter()
            .map(|(name, finding)| {
                let (status, detail) = match finding {
                    Ok(detail) => (Status::Ok, detail),
                    Err(Problem::Failed(detail)) => (Status::Failed, detail),
                    Err(Problem::Missing(detail)) => (Status::NotCheckable, detail),
                };
                Check { name, status, detail }
            })
            .collect();
        Self { verified: checks.iter().all(|check| check.status == Status::Ok), checks }
    }
}

/// Why a check is not ok.
pub(crate) enum Problem {
    Failed(String),
    Missing(String),
}

/// What one check gives: what holds, or why not.
pub(crate) type Finding = Result<String, Problem>;

pub(crate) fn failed<T>(detail: impl Into<String>) -> Result<T, Problem> {
    Err(Problem::Failed(detail.into()))
}

pub(crate) fn missing(detail: &str) -> Problem {
    Problem::Missing(detail.to_owned())
}

/// Two values that must be equal.
pub(crate) fn same<T: PartialEq + std::fmt::Display>(
    what: &str,
    found: T,
    expected: T,
) -> Result<(), Problem> {
    if found == expected {
        Ok(())
    } else {
        failed(format!("{what}: the receipt says {found}, it is {expected}"))
    }
}
