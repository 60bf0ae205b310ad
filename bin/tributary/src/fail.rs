//! Failures as people and scripts see them: a cause, a next step and an exit code.

use std::process::ExitCode;

use tributary_client::{ClientError, TransportError};

/// Exit codes that scripts may rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Anything without a code of its own.
    Failed = 1,
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

/// Prints the error (JSON on standard output when asked, else text on standard error).
pub fn report(error: &anyhow::Error, json: bool) -> ExitCode {
    let (exit, help) = classify(error);
    let message = format!("{error:#}");
    if json {
        let value = serde_json::json!({
            "error": { "code": format!("{exit:?}"), "message": message, "help": help }
        });
        println!("{value}");
    } else {
        eprintln!("error: {message}");
        if let Some(help) = help {
            eprintln!("help: {help}");
        }
    }
    ExitCode::from(exit as u8)
}

fn classify(error: &anyhow::Error) -> (Exit, Option<String>) {
    for cause in error.chain() {
        if let Some(failure) = cause.downcast_ref::<Failure>() {
            return (failure.exit, failure.help.clone());
        }
        if let Some(client) = cause.downcast_ref::<ClientError>() {
            return (exit_of(client), client.hint());
        }
    }
    (Exit::Failed, None)
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
        let numbers = [Exit::Failed, Exit::Unreachable, Exit::Reverted, Exit::Funds];
        assert_eq!(numbers.map(|exit| exit as u8), [1, 4, 5, 6]);
        let numbers = [Exit::NotFound, Exit::TimedOut, Exit::NotVerified];
        assert_eq!(numbers.map(|exit| exit as u8), [7, 8, 9]);
    }

    #[test]
    fn a_failure_deep_in_the_chain_decides_the_exit_code() {
        let inner = Failure::new(Exit::NotVerified, "it does not hold", "read the checks");
        let error = inner.context("receipt 0x1");
        assert_eq!(classify(&error), (Exit::NotVerified, Some("read the checks".into())));
    }
}
