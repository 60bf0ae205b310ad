//! What can go wrong in training.

use std::path::PathBuf;

/// Errors of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainingError {
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A checkpoint does not fit the model.
    #[error("tensor {name}: expected shape {expected:?}, found {found:?}")]
    Shape {
        /// The tensor's name.
        name: String,
        /// What the configuration asks for.
        expected: Vec<usize>,
        /// What the file holds.
        found: Vec<usize>,
    },
    /// A tensor is absent.
    #[error("tensor {0} is missing from the checkpoint")]
    Missing(String),
    /// The file is not what it should be.
    #[error("{what} is malformed: {reason}")]
    Malformed {
        /// Which file or field.
        what: String,
        /// Why.
        reason: String,
    },
    /// A configuration that this trainer does not run.
    #[error("unsupported model: {0}")]
    Unsupported(String),
    /// A checkpoint of another run.
    #[error("the checkpoint belongs to another run: {0}")]
    OtherRun(String),
    /// There is nothing to learn from.
    #[error("no example has a token to learn; each row needs text or a completion")]
    NothingToLearn,
    /// Loss or weights left the numbers.
    #[error("training diverged at step {step}: the loss is not a number")]
    Diverged {
        /// The step.
        step: usize,
    },
    /// The caller asked to stop.
    #[error("cancelled at step {step}")]
    Cancelled {
        /// The step reached.
        step: usize,
    },
    /// The float reference failed.
    #[error("float reference: {0}")]
    Candle(#[from] candle_core::Error),
}

impl TrainingError {
    pub(crate) fn file(path: &std::path::Path, source: std::io::Error) -> Self {
        Self::File { path: path.to_owned(), source }
    }

    pub(crate) fn malformed(what: impl Into<String>, reason: impl ToString) -> Self {
        Self::Malformed { what: what.into(), reason: reason.to_string() }
    }
}
