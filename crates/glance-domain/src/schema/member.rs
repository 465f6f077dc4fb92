//! The schema of members and of lists of members.

use serde_json::{Value, json};

use super::image::UUID_PATTERN;

/// The document at `/v2/schemas/member`.
#[must_use]
pub fn member() -> Value {
    json!({
        "name": "member",
        "properties": {
            "member_id": {"type": "string", "description": "The project that the image is shared with"},
            "image_id": {"type": "string", "description": "The shared image", "pattern": UUID_PATTERN},
            "created_at": {"type": "string", "description": "When the image was shared"},
            "updated_at": {"type": "string", "description": "When the member's status changed last"},
            "status": {
                "type": "string",
                "description": "What the project has said about the image",
                "enum": ["pending", "accepted", "rejected"],
            },
            "schema": {"readOnly": true, "type": "string"},
        },
    })
}

/// The document at `/v2/schemas/members`.
#[must_use]
pub fn members() -> Value {
    json!({
        "name": "members",
        "properties": {
            "members": {"type": "array", "items": member()},
            "schema": {"type": "string"},
        },
        "links": [{"rel": "describedby", "href": "{schema}"}],
    })
}
