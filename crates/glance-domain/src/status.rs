//! The states of an image and the moves between them (`glance-behaviour` part 2.1).

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

/// The status of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// Registered, without data.
    Queued,
    /// Data is being stored by an upload.
    Saving,
    /// Data is being put into the staging area.
    Uploading,
    /// An import is at work.
    Importing,
    /// Complete and usable.
    Active,
    /// A failed upload of the v1 API; only old rows have it.
    Killed,
    /// Deleted by the client, its data waits for the scrubber.
    PendingDelete,
    /// Gone; the row remains so that the id is never used again.
    Deleted,
    /// Complete, but only administrators may have the data.
    Deactivated,
}

impl Status {
    /// Every status, in the order of the image schema.
    pub const ALL: [Self; 9] = [
        Self::Queued,
        Self::Saving,
        Self::Active,
        Self::Killed,
        Self::Deleted,
        Self::Uploading,
        Self::Importing,
        Self::PendingDelete,
        Self::Deactivated,
    ];

    /// The word in the database and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Saving => "saving",
            Self::Uploading => "uploading",
            Self::Importing => "importing",
            Self::Active => "active",
            Self::Killed => "killed",
            Self::PendingDelete => "pending_delete",
            Self::Deleted => "deleted",
            Self::Deactivated => "deactivated",
        }
    }

    fn targets(self) -> &'static [Self] {
        match self {
            Self::Queued => &[Self::Saving, Self::Uploading, Self::Importing, Self::Active, Self::Deleted],
            Self::Saving => &[Self::Active, Self::Killed, Self::Deleted, Self::Queued],
            Self::Uploading => &[Self::Importing, Self::Queued, Self::Deleted],
            Self::Importing => &[Self::Active, Self::Deleted, Self::Queued],
            Self::Active => &[Self::PendingDelete, Self::Deleted, Self::Deactivated],
            Self::Killed => &[Self::Deleted],
            Self::PendingDelete | Self::Deactivated => &[Self::Deleted, Self::Active],
            Self::Deleted => &[],
        }
    }

    /// Checks a move; staying where one is is always allowed.
    ///
    /// # Errors
    /// [`Error::Transition`] when the state machine has no such edge.
    pub fn check_move(self, to: Self) -> Result<()> {
        let allowed = self == to || self.targets().contains(&to);
        if allowed { Ok(()) } else { Err(Error::Transition { from: self, to }) }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Status {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| Error::Invalid(format!("'{text}' is not an image status")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_round_trip() {
        for status in Status::ALL {
            assert_eq!(status.as_str().parse::<Status>().unwrap(), status);
        }
        assert!("bogus".parse::<Status>().is_err());
    }

    #[test]
    fn deleted_is_terminal_and_active_never_goes_back_to_queued() {
        for to in Status::ALL {
            assert_eq!(Status::Deleted.check_move(to).is_ok(), to == Status::Deleted);
        }
        assert!(Status::Active.check_move(Status::Queued).is_err());
        assert!(Status::Saving.check_move(Status::Queued).is_ok());
        assert!(Status::Queued.check_move(Status::PendingDelete).is_err());
    }
}
