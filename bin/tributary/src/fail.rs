//! Failures as people and scripts see them: a cause, a next step and an exit code.

use std::process::ExitCode;

use tributary_client::{ClientError, TransportError};
use tributary_models::ModelError;
use tributary_node::{NodeError, config::ConfigError};

/// Exit codes that scripts may rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Anything without a code of its own.
    Failed = 1,
    /// A configuration file is wrong.
    Configuration = 3,
    /// The node can't be reached.
    Unreachable = 4,
    /// The chain refused.
    Reverted = 5,
    /// Not enough OPEN.
    Funds = 6,
    /// There is no such thing.
    NotFound = 7,
    /// It took too long.
    TimedOut = 8,
    /// A receipt does not hold.
    NotVerified = 9,
}

/// A failure that already knows its exit code and its next step.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// What happened.
    pub message: String,
    /// What to do next.
    pub help: Option<String>,
    /// How the process ends.
    pub exit: Exit,
}

impl Failure {
    /// A failure with a next step.
    pub fn new(exit: Exit, message: impl Into<String>, help: impl Into<String>) -> anyhow::Error {
        Self { message: message.into(), help: Some(help.into()), exit }.into()
    }
}

impl Exit {
    /// The word for programs.
    fn code(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Configuration => "configuration",
            Self::Unreachable => "unreachable",
            Self::Reverted => "reverted",
            Self::Funds => "funds",
            Self::NotFound => "not_found",
            Self::TimedOut => "timed_out",
            Self::NotVerified => "not_verified",
        }
    }
}

/// What is told of an error.
struct Report {
    exit: Exit,
    code: String,
    help: Option<String>,
    /// The page about it, where there is one.
    docs: Option<String>,
}

impl Report {
    fn new(exit: Exit, help: Option<String>) -> Self {
        Self { exit, code: exit.code().to_owned(), help, docs: None }
    }
}

/// An ending of which everything was told already: only the exit code is left.
#[derive(Debug, thiserror::Error)]
#[error("told already")]
pub struct Told(pub Exit);

/// Prints the error (JSON on standard output when asked, else text on standard error).
pub fn report(error: &anyhow::Error, json: bool) -> ExitCode {
    if let Some(Told(exit)) = error.downcast_ref() {
        return ExitCode::from(*exit as u8);
    }
    let told = classify(error);
    let message = format!("{error:#}");
    if json {
        let value = serde_json::json!({ "error": {
            "code": told.code, "message": message, "help": told.help, "docs": told.docs,
        } });
        println!("{value}");
    } else {
        eprintln!("error: {message}");
        if let Some(help) = told.help {
            eprintln!("help: {help}");
        }
    }
    ExitCode::from(told.exit as u8)
}

/// A command line that does not parse, for programs: exit code 2.
pub fn report_usage(error: &clap::Error) -> ExitCode {
    let text = error.render().to_string();
    let first = text.lines().next().unwrap_or_default();
    let tip = text.lines().find_map(|line| line.trim().strip_prefix("tip: "));
    let value = serde_json::json!({ "error": {
        "code": "usage",
        "message": first.trim_start_matches("error: "),
        "help": tip.unwrap_or("`tributary --help` lists the commands"),
        "docs": "/docs/cli",
    } });
    println!("{value}");
    ExitCode::from(2)
}

fn classify(error: &anyhow::Error) -> Report {
    for cause in error.chain() {
        if let Some(failure) = cause.downcast_ref::<Failure>() {
            return Report::new(failure.exit, failure.help.clone());
        }
        if let Some(config) = cause.downcast_ref::<ConfigError>() {
            return Report::new(Exit::Configuration, Some(config.hint()));
        }
        if let Some(node) = cause.downcast_ref::<NodeError>() {
            return Report::new(Exit::Failed, hint_of(node));
        }
        if let Some(model) = cause.downcast_ref::<ModelError>() {
            return Report::new(Exit::Failed, model.hint().map(str::to_owned));
        }
        if let Some(client) = cause.downcast_ref::<ClientError>() {
            let mut told = Report::new(exit_of(client), client.hint());
            if let ClientError::Service { code, .. } = client {
                told.docs = Some(format!("/docs/errors/{code}"));
                told.code = code.clone();
            }
            return told;
        }
    }
    Report::new(Exit::Failed, None)
}

/// What to do about a node that does not start, where its message does not say it.
fn hint_of(error: &NodeError) -> Option<String> {
    match error {
        NodeError::Client(client) => client.hint(),
        NodeError::Gateway(refusal) => refusal.hint.clone(),
        _ => None,
    }
}

fn exit_of(error: &ClientError) -> Exit {
    match error {
        ClientError::Transport(TransportError::TimedOut { .. }) | ClientError::TimedOut { .. } => {
            Exit::TimedOut
        }
        ClientError::Transport(TransportError::Unreachable { .. }) => Exit::Unreachable,
        ClientError::Reverted(_) => Exit::Reverted,
        ClientError::InsufficientFunds { .. } | ClientError::Service { status: 402, .. } => {
            Exit::Funds
        }
        ClientError::NotFound { .. } | ClientError::Service { status: 404, .. } => Exit::NotFound,
        _ => Exit::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_keep_their_numbers() {
        let numbers = [Exit::Failed, Exit::Configuration, Exit::Unreachable];
        assert_eq!(numbers.map(|exit| exit as u8), [1, 3, 4]);
        assert_eq!([Exit::Reverted, Exit::Funds].map(|exit| exit as u8), [5, 6]);
        let numbers = [Exit::NotFound, Exit::TimedOut, Exit::NotVerified];
        assert_eq!(numbers.map(|exit| exit as u8), [7, 8, 9]);
    }

    #[test]
    fn a_failure_deep_in_the_chain_decides_the_exit_code() {
        let inner = Failure::new(Exit::NotVerified, "it does not hold", "read the checks");
        let error = inner.context("receipt 0x1");
        let told = classify(&error);
        assert_eq!((told.exit, told.help), (Exit::NotVerified, Some("read the checks".into())));
    }
}
