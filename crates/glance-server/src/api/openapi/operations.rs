//! What each route does, takes and answers: the part of the OpenAPI document that the table of routes does not say.

use serde_json::{Value, json};

/// What is said of one route.
pub(super) struct Operation {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    /// Names the operation in generated clients.
    pub(super) id: &'static str,
    pub(super) summary: &'static str,
    pub(super) takes: Takes,
    /// The status of success, what the answer contains, and the headers that come along.
    pub(super) gives: &'static [(u16, Content, &'static [&'static str])],
    /// Statuses of refusals, beside those that every route has.
    pub(super) refuses: &'static [u16],
}

/// Parameters and body of a request.
#[derive(Clone, Copy)]
pub(super) enum Takes {
    Nothing,
    /// The parameters of a list of images.
    ListQuery,
    /// A document of this schema.
    Document(&'static str),
    /// A JSON patch in one of its two forms.
    Patch,
    /// Image data.
    Upload,
    /// What part of the data from which store.
    Download,
}

/// What an answer contains.
#[derive(Clone, Copy)]
pub(super) enum Content {
    Nothing,
    Text,
    /// Image data.
    Data,
    /// A JSON document of this schema.
    Document(&'static str),
}

use Content::{Data, Document, Nothing, Text};

type Gives = &'static [(u16, Content, &'static [&'static str])];

const DONE: Gives = &[(204, Nothing, &[])];
const IMAGE: Gives = &[(200, Document("Image"), &[])];
const MEMBER: Gives = &[(200, Document("Member"), &[])];
const SCHEMA: Gives = &[(200, Document("Schema"), &[])];
const CREATED: Gives =
    &[(201, Document("Image"), &["Location", "OpenStack-image-import-methods", "OpenStack-image-store-ids"])];
const FILE: Gives =
    &[(200, Data, &["Content-MD5"]), (204, Nothing, &[]), (206, Data, &["Content-MD5", "Content-Range"])];

const fn operation(
    method: &'static str,
    path: &'static str,
    id: &'static str,
    summary: &'static str,
    gives: Gives,
) -> Operation {
    Operation { method, path, id, summary, takes: Takes::Nothing, gives, refuses: &[] }
}

impl Operation {
    const fn takes(self, takes: Takes) -> Self {
        Self { takes, ..self }
    }

    const fn refuses(self, refuses: &'static [u16]) -> Self {
        Self { refuses, ..self }
    }
}

/// Every route of the router.
#[rustfmt::skip]
pub(super) const OPERATIONS: &[Operation] = &[
    operation("GET", "/v2/schemas/image", "showImageSchema", "What an image is", SCHEMA),
    operation("GET", "/v2/schemas/images", "showImagesSchema", "What a list of images is", SCHEMA),
    operation("GET", "/v2/schemas/member", "showMemberSchema", "What a member is", SCHEMA),
    operation("GET", "/v2/schemas/members", "showMembersSchema", "What a list of members is", SCHEMA),
    operation("GET", "/v2/images", "listImages", "List images; any other parameter compares a property", &[(200, Document("Images"), &[])])
        .takes(Takes::ListQuery),
    operation("POST", "/v2/images", "createImage", "Register an image", CREATED)
        .takes(Takes::Document("NewImage")).refuses(&[409, 413]),
    operation("GET", "/v2/images/{image_id}", "showImage", "Show an image", IMAGE).refuses(&[404]),
    operation("PATCH", "/v2/images/{image_id}", "updateImage", "Change an image", IMAGE)
        .takes(Takes::Patch).refuses(&[404, 409, 413, 415]),
    operation("DELETE", "/v2/images/{image_id}", "deleteImage", "Delete an image and its data", DONE).refuses(&[404, 409]),
    operation("POST", "/v2/images/{image_id}/actions/deactivate", "deactivateImage", "Take an image out of use", DONE)
        .refuses(&[404, 409]),
    operation("POST", "/v2/images/{image_id}/actions/reactivate", "reactivateImage", "Put an image back into use", DONE)
        .refuses(&[404, 409]),
    operation("GET", "/v2/images/{image_id}/file", "downloadImage", "Get the data of an image", FILE)
        .takes(Takes::Download).refuses(&[404, 416]),
    operation("PUT", "/v2/images/{image_id}/file", "uploadImage", "Store the data of an image", DONE)
        .takes(Takes::Upload).refuses(&[404, 409, 410, 413, 415]),
    operation("PUT", "/v2/images/{image_id}/tags/{tag_value}", "addTag", "Add a tag", DONE).refuses(&[404, 409, 413]),
    operation("DELETE", "/v2/images/{image_id}/tags/{tag_value}", "removeTag", "Remove a tag", DONE).refuses(&[404, 409]),
    operation("GET", "/v2/images/{image_id}/locations", "listLocations", "Where the data is, for other services", &[(200, Document("Locations"), &[])])
        .refuses(&[404]),
    operation("GET", "/v2/images/{image_id}/members", "listMembers", "List the projects that an image is shared with", &[(200, Document("Members"), &[])])
        .refuses(&[404]),
    operation("POST", "/v2/images/{image_id}/members", "addMember", "Share an image with a project", MEMBER)
        .takes(Takes::Document("NewMember")).refuses(&[404, 409, 413]),
    operation("GET", "/v2/images/{image_id}/members/{member_id}", "showMember", "Show a member", MEMBER).refuses(&[404]),
    operation("PUT", "/v2/images/{image_id}/members/{member_id}", "updateMember", "Accept or reject a shared image", MEMBER)
        .takes(Takes::Document("MemberStatus")).refuses(&[404]),
    operation("DELETE", "/v2/images/{image_id}/members/{member_id}", "removeMember", "End the sharing with a project", DONE)
        .refuses(&[404]),
    operation("DELETE", "/v2/stores/{store_id}/{image_id}", "deleteFromStore", "Remove the data of an image from one store", DONE)
        .refuses(&[404, 409]),
    operation("GET", "/v2/info/import", "showImportMethods", "The import methods", &[(200, Document("ImportMethods"), &[])]),
    operation("GET", "/v2/info/stores", "listStores", "The stores", &[(200, Document("Stores"), &[])]).refuses(&[404]),
    operation("GET", "/v2/info/usage", "showUsage", "What the project has and may have", &[(200, Document("Usage"), &[])]),
    operation("GET", "/v2/info/stores/detail", "listStoresDetail", "The stores with all that is known of them", &[(200, Document("Stores"), &[])])
        .refuses(&[404]),
];

/// What answers before the routes; nobody has to say who they are.
pub(super) const OPEN: &[Operation] = &[
    operation("GET", "/", "listVersions", "The versions of the API", &[(300, Document("Versions"), &[])]),
    operation("GET", "/versions", "showVersions", "The versions of the API", &[(200, Document("Versions"), &[])]),
    operation(
        "GET",
        "/healthcheck",
        "showHealth",
        "Whether the service can work",
        &[(200, Text, &[]), (503, Text, &[])],
    ),
    operation("GET", super::PATH, "showOpenApi", "This document", &[(200, Document("Schema"), &[])]),
];

/// A parameter outside the path.
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) place: &'static str,
    pub(super) what: &'static str,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    Text,
    /// Text, any number of times.
    Texts,
    /// A whole number from 0.
    Number,
    /// One of these words.
    Word(&'static [&'static str]),
}

impl Parameter {
    pub(super) fn schema(&self) -> Value {
        match self.kind {
            Kind::Text => json!({"type": "string"}),
            Kind::Texts => json!({"type": "array", "items": {"type": "string"}}),
            Kind::Number => json!({"type": "integer", "minimum": 0}),
            Kind::Word(words) => json!({"type": "string", "enum": words}),
        }
    }
}

const fn query(name: &'static str, what: &'static str, kind: Kind) -> Parameter {
    Parameter { name, place: "query", what, kind }
}

const fn header(name: &'static str, what: &'static str, kind: Kind) -> Parameter {
    Parameter { name, place: "header", what, kind }
}

const BOOLEAN: Kind = Kind::Word(&["true", "false"]);

const LIST: &[Parameter] = &[
    query("limit", "Length of the page", Kind::Number),
    query("marker", "The image before the page", Kind::Text),
    query("sort", "Keys with directions, such as name:asc,size:desc", Kind::Text),
    query("sort_key", "Key of the older syntax", Kind::Texts),
    query("sort_dir", "Direction of the older syntax", Kind::Texts),
    query("visibility", "Who may see the images", Kind::Word(&["public", "private", "shared", "community", "all"])),
    query(
        "member_status",
        "What the caller's project says of shared images",
        Kind::Word(&["pending", "accepted", "rejected", "all"]),
    ),
    query("name", "The name, or in: and a list of names", Kind::Text),
    query("id", "The id, or in: and a list of ids", Kind::Text),
    query("status", "The status, or in: and a list of them", Kind::Text),
    query("disk_format", "The format, or in: and a list of them", Kind::Text),
    query("container_format", "The format, or in: and a list of them", Kind::Text),
    query("owner", "The owning project", Kind::Text),
    query("protected", "Whether the image refuses to be deleted", BOOLEAN),
    query("os_hidden", "Hidden images instead of the others", BOOLEAN),
    query("tag", "A tag that the image has", Kind::Texts),
    query("size_min", "Least bytes of data", Kind::Number),
    query("size_max", "Most bytes of data", Kind::Number),
    query("created_at", "A moment, perhaps after gt:, gte:, lt:, lte:, eq: or neq:", Kind::Text),
    query("updated_at", "A moment, as in created_at", Kind::Text),
];

const DOWNLOAD: &[Parameter] = &[
    query("prefer", "Stores to read from first, separated by commas", Kind::Text),
    header("Range", "One range of bytes, such as bytes=0-1023", Kind::Text),
];

const UPLOAD: &[Parameter] = &[
    header("X-Image-Meta-Store", "The store; the default store, if none is named", Kind::Text),
    header("X-OpenStack-Image-Size", "Bytes to come; other amounts are refused", Kind::Number),
];

impl Takes {
    pub(super) fn parameters(self) -> &'static [Parameter] {
        match self {
            Self::ListQuery => LIST,
            Self::Download => DOWNLOAD,
            Self::Upload => UPLOAD,
            Self::Nothing | Self::Document(_) | Self::Patch => &[],
        }
    }

    /// The media types of the body with their schemas.
    pub(super) fn bodies(self) -> Vec<(&'static str, Value)> {
        match self {
            Self::Nothing | Self::ListQuery | Self::Download => Vec::new(),
            Self::Document(schema) => vec![("application/json", super::reference(schema))],
            Self::Patch => vec![
                ("application/openstack-images-v2.1-json-patch", super::reference("Patch")),
                ("application/openstack-images-v2.0-json-patch", super::reference("OldPatch")),
            ],
            Self::Upload => vec![("application/octet-stream", json!({"type": "string", "format": "binary"}))],
        }
    }
}

impl Content {
    /// The media type with its schema.
    pub(super) fn body(self) -> Option<(&'static str, Value)> {
        match self {
            Self::Nothing => None,
            Self::Text => Some(("text/plain", json!({"type": "string"}))),
            Self::Data => Some(("application/octet-stream", json!({"type": "string", "format": "binary"}))),
            Self::Document(schema) => Some(("application/json", super::reference(schema))),
        }
    }
}
