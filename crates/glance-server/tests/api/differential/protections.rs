//! Protected properties for both servers, and what Python Glance loses of them: whatever the caller may not see is gone
//! from the catalogue once the caller has changed anything about the image.

use std::path::Path;

use serde_json::Value;

use super::{Call, Reply};

/// Which rules there are about properties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protected {
    Nothing,
    ByRoles,
    ByPolicies,
}

/// What a configuration says about them.
#[derive(Default)]
pub(super) struct Files {
    /// Lines of `[DEFAULT]`.
    pub(super) options: String,
    /// Sections of their own.
    pub(super) sections: String,
}

/// The property that administrators alone may see. All others can be seen by everybody who may change images.
const VEILED: &str = "veiled";

const ROLES: &str = "[^veiled$]
create = @
read = Admin
update = admin
delete = !
[^colou?r$]
create = member, admin
read = @
update = manager, nobody
delete = admin
[shape|distro]
create = @
read = member, admin
update = !
delete = MANAGER
[^[pq]\\d$]
create = @
read = @
update = @
delete =
";

const POLICIES: &str = "[^veiled$]
create = @
read = admins
update = admins
delete = !
[^colou?r$]
create = makers
read = @
update = managers
delete = role:admin or rule:managers
[shape|distro]
create = @
read = makers
update = not_defined
delete = managers
[^[pq]\\d$]
create = @
read = @
update = @
delete =
";

const POLICY: &str = "admins: role:admin\nmakers: role:member or role:admin\nmanagers: role:manager\n";

impl Protected {
    /// Writes the files and says how they are named.
    pub(super) fn write(self, folder: &Path) -> Files {
        let (text, format) = match self {
            Self::Nothing => return Files::default(),
            Self::ByRoles => (ROLES, "roles"),
            Self::ByPolicies => (POLICIES, "policies"),
        };
        std::fs::write(folder.join("protections.conf"), text).unwrap();
        std::fs::write(folder.join("policy.yaml"), POLICY).unwrap();
        let place = folder.display();
        Files {
            options: format!(
                "property_protection_file = {place}/protections.conf\nproperty_protection_rule_format = {format}\n"
            ),
            sections: format!("[oslo_policy]\npolicy_file = {place}/policy.yaml\n"),
        }
    }

    /// Whether the answer depends on what Python Glance may have lost, or fails there (what is added must be readable).
    pub(super) fn is_lost(self, call: &Call) -> bool {
        let body = String::from_utf8_lossy(&call.body);
        let names = self != Self::Nothing && body.contains(VEILED);
        match call.method {
            "PATCH" => names && (self.sees_all(call) || body.contains("\"add\"")),
            // What is left out is not counted either.
            "POST" => names && body.contains("\"q6\""),
            _ => false,
        }
    }

    /// Takes what may be lost out of an answer to somebody who would see it.
    pub(super) fn forget_lost(self, call: &Call, reply: &mut Reply) {
        if !self.sees_all(call) {
            return;
        }
        let Ok(mut document) = serde_json::from_slice::<Value>(&reply.body) else { return };
        forget(&mut document);
        reply.body = document.to_string().into_bytes();
    }

    fn sees_all(self, call: &Call) -> bool {
        self != Self::Nothing && call.who.roles.contains(&"admin")
    }
}

fn forget(document: &mut Value) {
    match document {
        Value::Object(members) => {
            members.remove(VEILED);
            members.values_mut().for_each(forget);
        }
        Value::Array(items) => items.iter_mut().for_each(forget),
        _ => {}
    }
}
