//! What can go wrong with a blob, in three kinds: absent, altered, or the disk's fault.

use tributary_primitives::Digest;

/// Why a blob could not be kept or given.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArtifactError {
    /// No blob of that digest is here.
    #[error("no artifact {0} in the store")]
    Absent(Digest),
    /// What lies under the digest is something else.
    #[error(
        "artifact {wanted} is damaged on disk: its content has the digest {found}; fetch it again"
    )]
    Damaged {
        /// The name it lies under.
        wanted: Digest,
        /// What it really is.
        found: Digest,
    },
    /// What was sent is not what was announced.
    #[error("the content has the digest {found}, announced was {wanted}")]
    Unexpected {
        /// Announced.
        wanted: Digest,
        /// Sent.
        found: Digest,
    },
    /// Larger than allowed.
    #[error("the artifact is larger than {limit_bytes} bytes")]
    TooLarge {
        /// Bytes allowed.
        limit_bytes: u64,
    },
    /// No room left. Nothing half-written stays.
    #[error("the disk is full: nothing was stored; free some space and try again")]
    DiskFull,
    /// The sender failed in the middle. Nothing half-written stays.
    #[error("the artifact was not received to its end: {0}")]
    Interrupted(#[source] std::io::Error),
    /// The store failed otherwise.
    #[error("the artifact store failed: {0}")]
    Store(#[source] object_store::Error),
    /// The directory could not be opened.
    #[error("the artifact directory {path} could not be opened: {reason}")]
    Open {
        /// The directory.
        path: String,
        /// Why.
        reason: String,
    },
}

impl ArtifactError {
    /// A stable name for the API.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Absent(_) => "artifact_absent",
            Self::Damaged { .. } => "artifact_damaged",
            Self::Unexpected { .. } => "artifact_unexpected",
            Self::TooLarge { .. } => "artifact_too_large",
            Self::DiskFull => "disk_full",
            Self::Interrupted(_) => "artifact_interrupted",
            Self::Store(_) => "artifact_store",
            Self::Open { .. } => "artifact_directory",
        }
    }
}

impl From<object_store::Error> for ArtifactError {
    fn from(error: object_store::Error) -> Self {
        if is_full(&error) { Self::DiskFull } else { Self::Store(error) }
    }
}

/// True when some cause of the error is a full disk or an exhausted quota.
fn is_full(error: &(dyn std::error::Error + 'static)) -> bool {
    use std::io::{Error, ErrorKind};
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<Error>() {
            let kind = io.kind();
            if matches!(
                kind,
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge
            ) {
                return true;
            }
            // An `io::Error` hides what it wraps behind `get_ref`.
            if let Some(inner) = io.get_ref().filter(|inner| is_full(*inner)) {
                let _ = inner;
                return true;
            }
        }
        cause = error.source();
    }
    false
}
