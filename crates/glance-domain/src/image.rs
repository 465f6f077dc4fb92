//! The image: what is registered, stored, listed and delivered.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::{ImageId, ProjectId, Status, StoreId, Timestamp};

/// Who may see an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Visibility {
    /// Everyone, in every list.
    Public,
    /// The owner alone.
    Private,
    /// The owner and the image's members.
    Shared,
    /// Everyone who knows the id; in lists only when asked for.
    Community,
}

impl Visibility {
    /// The word in the database and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Private => "private",
            Self::Shared => "shared",
            Self::Community => "community",
        }
    }
}

impl FromStr for Visibility {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "public" => Ok(Self::Public),
            "private" => Ok(Self::Private),
            "shared" => Ok(Self::Shared),
            "community" => Ok(Self::Community),
            _ => Err(Error::Invalid(format!("'{text}' is not an image visibility"))),
        }
    }
}

/// The state of one location row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LocationStatus {
    /// The data is there.
    Active,
    /// A parallel import has promised data to this store.
    Pending,
    /// A parallel import is storing data.
    Uploading,
    /// The scrubber will remove the data.
    PendingDelete,
    /// Gone.
    Deleted,
}

impl LocationStatus {
    /// The word in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Pending => "pending",
            Self::Uploading => "uploading",
            Self::PendingDelete => "pending_delete",
            Self::Deleted => "deleted",
        }
    }
}

impl FromStr for LocationStatus {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "active" => Ok(Self::Active),
            "pending" => Ok(Self::Pending),
            "uploading" => Ok(Self::Uploading),
            "pending_delete" => Ok(Self::PendingDelete),
            "deleted" => Ok(Self::Deleted),
            _ => Err(Error::Invalid(format!("'{text}' is not a location status"))),
        }
    }
}

/// One place where the data of an image is.
///
/// `Debug` hides the URL: it can hold credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct Location {
    /// The row in `image_locations`; `None` until it is saved.
    pub id: Option<i64>,
    /// The store driver's URI, such as `file:///var/lib/glance/images/<id>`.
    pub url: String,
    /// Free-form data that clients see; `store` names the store.
    pub metadata: Map<String, Value>,
    /// Whether the data is there.
    pub status: LocationStatus,
}

impl Location {
    /// The store that the metadata names.
    #[must_use]
    pub fn store(&self) -> Option<StoreId> {
        self.metadata.get("store").and_then(Value::as_str).map(StoreId::new)
    }
}

impl std::fmt::Debug for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let scheme = self.url.split_once(':').map_or("?", |(scheme, _)| scheme);
        f.debug_struct("Location")
            .field("id", &self.id)
            .field("url", &format_args!("{scheme}:…"))
            .field("metadata", &self.metadata)
            .field("status", &self.status)
            .finish()
    }
}

/// An image with everything that belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// The identifier; never reused, not even after deletion.
    pub id: ImageId,
    /// A name for people; not unique.
    pub name: Option<String>,
    /// The state of the data.
    pub status: Status,
    /// Who may see it.
    pub visibility: Visibility,
    /// Refuses deletion.
    pub protected: bool,
    /// Left out of lists unless asked for.
    pub hidden: bool,
    /// The project that owns it; images without an owner are the administrators'.
    pub owner: Option<ProjectId>,
    /// How the bytes inside are laid out: `raw`, `qcow2`, …
    pub disk_format: Option<String>,
    /// What wraps the disk: `bare`, `ovf`, …
    pub container_format: Option<String>,
    /// Bytes of stored data; `None` until complete.
    pub size: Option<u64>,
    /// Bytes of the disk that a machine sees, where the format tells.
    pub virtual_size: Option<u64>,
    /// MD5 of the data in hexadecimal digits.
    pub checksum: Option<String>,
    /// Name of the second digest, such as `sha512`.
    pub os_hash_algo: Option<String>,
    /// The second digest in hexadecimal digits.
    pub os_hash_value: Option<String>,
    /// Least disk to boot it, in GiB.
    pub min_disk: i32,
    /// Least memory to boot it, in MiB.
    pub min_ram: i32,
    /// Labels, a set.
    pub tags: BTreeSet<String>,
    /// Everything else that clients attach, a NULL in the database being `None`.
    pub properties: BTreeMap<String, Option<String>>,
    /// Where the data is, in the order of their rows. Deleted locations are never here.
    pub locations: Vec<Location>,
    /// The project asking for the image, when the image is shared with that project.
    pub member: Option<ProjectId>,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When anything about it changed last.
    pub updated_at: Timestamp,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
}

impl Image {
    /// A queued image without data, with every attribute at its default.
    #[must_use]
    pub fn new(id: ImageId, owner: Option<ProjectId>, now: Timestamp) -> Self {
        Self {
            id,
            name: None,
            status: Status::Queued,
            visibility: Visibility::Shared,
            protected: false,
            hidden: false,
            owner,
            disk_format: None,
            container_format: None,
            size: None,
            virtual_size: None,
            checksum: None,
            os_hash_algo: None,
            os_hash_value: None,
            min_disk: 0,
            min_ram: 0,
            tags: BTreeSet::new(),
            properties: BTreeMap::new(),
            locations: Vec::new(),
            member: None,
            created_at: now,
            updated_at: now,
            deleted_at: None,
        }
    }

    /// Moves to another status; entering `queued` forgets the sizes, and data needs formats.
    ///
    /// # Errors
    /// [`Error::Transition`] for a move that the state machine does not know;
    /// [`Error::Invalid`] when formats are missing that the new status needs.
    pub fn set_status(&mut self, to: Status) -> Result<()> {
        self.status.check_move(to)?;
        if matches!(to, Status::Saving | Status::Active | Status::Importing) {
            self.require_formats()?;
        }
        if to == Status::Queued {
            self.size = None;
            self.virtual_size = None;
        }
        self.status = to;
        Ok(())
    }

    fn require_formats(&self) -> Result<()> {
        let mut missing = Vec::new();
        if self.disk_format.is_none() {
            missing.push("disk_format");
        }
        if self.container_format.is_none() {
            missing.push("container_format");
        }
        if missing.is_empty() {
            return Ok(());
        }
        let noun = if missing.len() == 1 { "Property" } else { "Properties" };
        Err(Error::Invalid(format!("{noun} {} must be set prior to saving data.", missing.join(", "))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image() -> Image {
        let now = Timestamp::parse_iso("2026-01-01").unwrap();
        Image::new(ImageId::parse("one").unwrap(), None, now)
    }

    #[test]
    fn data_needs_formats() {
        let mut image = image();
        let message = image.set_status(Status::Saving).unwrap_err().to_string();
        assert_eq!(message, "Properties disk_format, container_format must be set prior to saving data.");
        image.disk_format = Some("raw".into());
        image.container_format = Some("bare".into());
        image.set_status(Status::Saving).unwrap();
    }

    #[test]
    fn back_to_queued_forgets_the_sizes() {
        let mut image = image();
        image.status = Status::Saving;
        (image.size, image.virtual_size) = (Some(1), Some(2));
        image.set_status(Status::Queued).unwrap();
        assert_eq!((image.size, image.virtual_size), (None, None));
    }

    #[test]
    fn a_printed_location_does_not_show_its_credentials() {
        let location = Location {
            id: None,
            url: "swift://user:key@host/c/o".into(),
            metadata: Map::new(),
            status: LocationStatus::Active,
        };
        assert!(!format!("{location:?}").contains("key"));
    }
}
