//! Names of the small numbers in the ABI: statuses, kinds and roles.

use serde::{Deserialize, Serialize};

/// A number that names nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownCode(pub u8);

impl std::fmt::Display for UnknownCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} names nothing here", self.0)
    }
}

impl std::error::Error for UnknownCode {}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $code:literal $text:literal),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[repr(u8)]
        pub enum $name {
            $($(#[$variant_doc])* $variant = $code),*
        }

        impl $name {
            /// The number in the ABI.
            pub const fn code(self) -> u8 {
                self as u8
            }

            /// The word people read.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $text),*
                }
            }
        }

        impl TryFrom<u8> for $name {
            type Error = UnknownCode;

            fn try_from(code: u8) -> Result<Self, UnknownCode> {
                match code {
                    $($code => Ok(Self::$variant),)*
                    other => Err(UnknownCode(other)),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }
    )*};
}

codes! {
    /// What a provision stands for.
    ProvisionRole {
        /// Runs models.
        Provider = 1 "provider",
        /// Reviews contributions.
        Reviewer = 2 "reviewer",
        /// Meters and pays out.
        Gateway = 3 "gateway",
    }
    /// Whether a datanet takes rows.
    DatanetStatus {
        /// Takes contributions.
        Active = 1 "active",
        /// Takes none for now.
        Paused = 2 "paused",
        /// Takes none any more.
        Closed = 3 "closed",
    }
    /// How far a contribution has come.
    ContributionStatus {
        /// Waits for reviewers to be drawn.
        Submitted = 1 "submitted",
        /// Reviewers hide their scores.
        Committing = 2 "committing",
        /// Reviewers show their scores.
        Revealing = 3 "revealing",
        /// In its challenge window.
        Accepted = 4 "accepted",
        /// Refused; the stake went back.
        Rejected = 5 "rejected",
        /// Lost a challenge; the stake is gone.
        Slashed = 6 "slashed",
        /// Part of a snapshot.
        Published = 7 "published",
        /// Taken back before review.
        Withdrawn = 8 "withdrawn",
        /// Nobody reviewed in time; all went back.
        Expired = 9 "expired",
        /// Published once, marked as withdrawn since.
        Tombstoned = 10 "tombstoned",
    }
    /// What a model is.
    ModelKind {
        /// Stands alone.
        Base = 1 "base",
        /// Needs its parent.
        Adapter = 2 "adapter",
    }
    /// Whether a model is in service.
    ModelStatus {
        /// In service.
        Active = 1 "active",
        /// No new children, no new service.
        Deprecated = 2 "deprecated",
    }
    /// What a task asks for.
    TaskKind {
        /// Fine-tune an adapter.
        Training = 1 "training",
        /// Answer one prompt.
        Inference = 2 "inference",
    }
    /// How far a task has come.
    TaskState {
        /// Waits for a provider.
        Submitted = 1 "submitted",
        /// A provider works on it.
        Accepted = 2 "accepted",
        /// Delivered and paid.
        Completed = 3 "completed",
        /// Called off by its requester.
        Cancelled = 4 "cancelled",
        /// Not delivered in time.
        Expired = 5 "expired",
    }
    /// Whether a channel takes vouchers.
    ChannelStatus {
        /// Takes vouchers.
        Open = 1 "open",
        /// Takes the last vouchers.
        Closing = 2 "closing",
        /// The rest went back.
        Closed = 3 "closed",
    }
    /// Whether an epoch root holds.
    RootStatus {
        /// Stands.
        Posted = 1 "posted",
        /// Proven wrong in its hold-back.
        Rejected = 2 "rejected",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_survive_the_way_there_and_back_and_zero_is_nothing() {
        for code in 1..=10 {
            assert_eq!(ContributionStatus::try_from(code).map(ContributionStatus::code), Ok(code));
        }
        assert_eq!(ContributionStatus::try_from(0), Err(UnknownCode(0)));
        assert_eq!(TaskState::try_from(6), Err(UnknownCode(6)));
        assert_eq!(serde_json::to_string(&ModelKind::Adapter).unwrap(), "\"adapter\"");
    }
}
