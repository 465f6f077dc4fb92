//! What a list of images is asked for: filters, order and page.

use crate::{ImageId, ProjectId, Status, Timestamp, Visibility};

/// On whose behalf the catalogue is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Viewer {
    /// Sees the images of every project. The project, where there is one, decides what is "own".
    Admin(Option<ProjectId>),
    /// Sees what its project owns, what is shared with it, public and (by id) community images.
    Project(ProjectId),
    /// Sees public (and by id community) images, and those without an owner.
    Anonymous,
}

impl Viewer {
    /// The project whose images are "own".
    #[must_use]
    pub fn project(&self) -> Option<&ProjectId> {
        match self {
            Self::Admin(project) => project.as_ref(),
            Self::Project(project) => Some(project),
            Self::Anonymous => None,
        }
    }
}

/// The `visibility=` parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VisibilityFilter {
    /// Not given: everything visible but other projects' community images.
    Default,
    /// `all`: community images too.
    All,
    /// One of the four.
    Only(Visibility),
}

/// The `member_status=` parameter: which of the images shared with the viewer are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberStatusFilter {
    /// `all`.
    All,
    /// One status; `accepted` unless the client says otherwise.
    Only(crate::MemberStatus),
}

/// Attributes that take a list of values (`in:`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TextField {
    /// `name`
    Name,
    /// `id`
    Id,
    /// `status`
    Status,
    /// `container_format`
    ContainerFormat,
    /// `disk_format`
    DiskFormat,
}

/// Columns that compare for equality only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EqualField {
    /// `checksum`
    Checksum,
    /// `os_hash_algo`
    OsHashAlgo,
    /// `os_hash_value`
    OsHashValue,
    /// `owner`
    Owner,
    /// `min_disk`, a number
    MinDisk,
    /// `min_ram`, a number
    MinRam,
    /// `size`, a number
    Size,
    /// `virtual_size`, a number
    VirtualSize,
}

impl EqualField {
    /// Whether the column holds a number.
    #[must_use]
    pub fn is_number(self) -> bool {
        matches!(self, Self::MinDisk | Self::MinRam | Self::Size | Self::VirtualSize)
    }
}

/// Attributes that can be compared as numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NumberField {
    /// `size`, bytes
    Size,
    /// `virtual_size`, bytes
    VirtualSize,
    /// `min_disk`, GB
    MinDisk,
    /// `min_ram`, MB
    MinRam,
}

/// The two timestamps that can be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TimeField {
    /// `created_at`
    CreatedAt,
    /// `updated_at`
    UpdatedAt,
}

/// A comparison of timestamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TimeOp {
    /// `gt:`
    Gt,
    /// `gte:`
    Gte,
    /// `lt:`
    Lt,
    /// `lte:`
    Lte,
    /// `eq:` or nothing
    Eq,
    /// `neq:`
    Neq,
}

/// One condition; a query holds with all of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Filter {
    /// The attribute has one of these values.
    Text(TextField, Vec<String>),
    /// The attribute has this value. A number column compared with text that is no number matches nothing.
    Equal(EqualField, String),
    /// The timestamp compares so.
    Time(TimeField, TimeOp, Timestamp),
    /// The number is at least this.
    AtLeast(NumberField, i64),
    /// The number is at most this.
    AtMost(NumberField, i64),
    /// The flag has this value.
    Protected(bool),
    /// The image has this tag.
    Tag(String),
    /// The image has this property with this value.
    Property(String, String),
}

/// Attributes that a list can be ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortKey {
    /// `name`
    Name,
    /// `status`
    Status,
    /// `container_format`
    ContainerFormat,
    /// `disk_format`
    DiskFormat,
    /// `size`
    Size,
    /// `id`
    Id,
    /// `created_at`
    CreatedAt,
    /// `updated_at`
    UpdatedAt,
}

impl SortKey {
    /// Every key with its name in the API.
    pub const ALL: [(Self, &'static str); 8] = [
        (Self::Name, "name"),
        (Self::Status, "status"),
        (Self::ContainerFormat, "container_format"),
        (Self::DiskFormat, "disk_format"),
        (Self::Size, "size"),
        (Self::Id, "id"),
        (Self::CreatedAt, "created_at"),
        (Self::UpdatedAt, "updated_at"),
    ];

    /// The key of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, known)| *known == name).map(|(key, _)| key)
    }
}

/// The direction of one sort key. NULL counts as lower than any value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortDir {
    /// Lowest first.
    Asc,
    /// Highest first.
    Desc,
}

/// A page of images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageQuery {
    /// Who asks.
    pub viewer: Viewer,
    /// All conditions must hold.
    pub filters: Vec<Filter>,
    /// Which visibilities.
    pub visibility: VisibilityFilter,
    /// Which of the images shared with the viewer.
    pub member_status: MemberStatusFilter,
    /// Hidden images, or the others.
    pub hidden: bool,
    /// The order. The catalogue appends `created_at` and `id` as tie-breakers, each in the direction of the
    /// last key given, where they are not keys already.
    pub sort: Vec<(SortKey, SortDir)>,
    /// The last image of the page before.
    pub marker: Option<ImageId>,
    /// At most so many images.
    pub limit: u64,
}

impl ImageQuery {
    /// Everything that `viewer` has in its default list, newest first, `limit` at a time.
    #[must_use]
    pub fn new(viewer: Viewer, limit: u64) -> Self {
        Self {
            viewer,
            filters: Vec::new(),
            visibility: VisibilityFilter::Default,
            member_status: MemberStatusFilter::Only(crate::MemberStatus::Accepted),
            hidden: false,
            sort: vec![(SortKey::CreatedAt, SortDir::Desc)],
            marker: None,
            limit,
        }
    }
}

/// Statuses that no list shows.
pub const NEVER_LISTED: [Status; 2] = [Status::Deleted, Status::Killed];
