//! Who may create, read, change and delete which custom properties (`property_protection_file`).
//!
//! A section of the file is a regular expression; the first one that is found in a property's name counts. Each of the
//! four operations lists roles, or names one rule of the policy, as `property_protection_rule_format` says. `@` is
//! everybody, `!` nobody. A property that no section covers is nobody's.

mod pattern;

use std::collections::HashMap;

use oslo::configparser::{self, Document, Section};
use regex::Regex;

/// What somebody wants to do with a property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Attach one that is not there, or that the caller cannot see.
    Create,
    /// See it.
    Read,
    /// Give it another value.
    Update,
    /// Take it away.
    Delete,
}

/// The operations with their keys in the file.
const OPERATIONS: [(&str, Operation); 4] = [
    ("create", Operation::Create),
    ("read", Operation::Read),
    ("update", Operation::Update),
    ("delete", Operation::Delete),
];

/// What permissions in the file are (`property_protection_rule_format`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Lists of roles.
    Roles,
    /// Names of policy rules.
    Policies,
}

/// Who may do something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Every caller.
    Everybody,
    /// No caller, whatever their roles.
    Nobody,
    /// Who has one of these roles, which are in lower case.
    Roles(Vec<String>),
    /// Whom this rule of the policy lets pass.
    Rule(String),
}

/// Why a file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct Unusable {
    /// Number of the line, from 1.
    pub line: usize,
    /// What is wrong; names section and key.
    pub reason: String,
}

/// The rules of a file, in its order.
#[derive(Debug, Default)]
pub struct Protections {
    sections: Vec<(Regex, [Permission; 4])>,
    warnings: Vec<String>,
}

/// Names of the service's own properties begin like this; no section may be about them.
const OWN: &str = "os_glance";

impl Protections {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// Text that is not in the format, an expression that is not supported, a section without one of the operations,
    /// `@` beside `!`, several rules where one is meant.
    pub fn parse(text: &str, format: Format) -> Result<Self, Unusable> {
        let unusable = |(line, reason)| Unusable { line, reason };
        let document = configparser::parse(text).map_err(unusable)?;
        let mut this = Self::default();
        for section in document.sections.iter().filter(|section| !section.name.starts_with(OWN)) {
            let named = |reason| Unusable { line: section.line, reason: format!("[{}]: {reason}", section.name) };
            let pattern = pattern::compile(&section.name).map_err(named)?;
            let mut permissions = [const { Permission::Nobody }; 4];
            for (slot, (key, _)) in permissions.iter_mut().zip(OPERATIONS) {
                *slot = this.permission(&document, section, key, format)?;
            }
            this.sections.push((pattern, permissions));
        }
        Ok(this)
    }

    fn permission(
        &mut self,
        document: &Document,
        section: &Section,
        key: &str,
        format: Format,
    ) -> Result<Permission, Unusable> {
        let name = &section.name;
        let at = |line, reason: &str| Unusable { line, reason: format!("[{name}] {key}: {reason}") };
        let fits = |entry: &&configparser::Entry| entry.key.to_lowercase() == key;
        let mut entries = section.entries.iter().filter(fits);
        let entry = match (entries.next(), entries.next()) {
            (Some(_), Some(second)) => return Err(at(second.line, "the key occurs twice")),
            (Some(entry), None) => Some(entry),
            (None, _) => document.defaults.entries.iter().find(fits),
        };
        let entry = entry.ok_or_else(|| at(section.line, "the key is missing"))?;
        let value = document.interpolate(section, entry, &HashMap::new());
        let value = value.map_err(|(line, reason)| at(line, &reason))?;
        if value.is_empty() {
            self.warnings.push(format!("[{name}] {key} is empty: nobody may"));
        }
        permission(&value, format).map_err(|reason| at(entry.line, reason))
    }

    /// Who may do `operation` with the property called `name`.
    #[must_use]
    pub fn of(&self, name: &str, operation: Operation) -> &Permission {
        if name.contains(OWN) {
            return &Permission::Everybody;
        }
        let permissions = self.sections.iter().find(|(pattern, _)| pattern.is_match(name));
        permissions.map_or(&Permission::Nobody, |(_, permissions)| &permissions[operation as usize])
    }

    /// What the operator should know about the file.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

fn permission(value: &str, format: Format) -> Result<Permission, &'static str> {
    let words: Vec<&str> = value.split(',').map(str::trim).collect();
    let [everybody, nobody] = ["@", "!"].map(|sign| words.contains(&sign));
    match format {
        _ if value.is_empty() => Ok(Permission::Nobody),
        Format::Policies if words.len() > 1 => Err("one rule is expected; rules are combined in the policy file"),
        Format::Roles if everybody && nobody => Err("@ and ! exclude each other"),
        _ if nobody => Ok(Permission::Nobody),
        _ if everybody => Ok(Permission::Everybody),
        Format::Policies => Ok(Permission::Rule(value.to_owned())),
        Format::Roles => Ok(Permission::Roles(words.iter().map(|role| role.to_lowercase()).collect())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "[DEFAULT]\ndelete = !\n\
        [^x_.*]\ncreate = Admin, member\nread = @, member\nupdate = \nDELETE = %%odd\n\
        [colou?r]\ncreate = one\nread = !, two\nupdate = a b\n\
        [os_glance.*]\ncreate = !\n";

    #[test]
    fn the_first_section_that_fits_counts() {
        use Operation::{Create, Delete, Read, Update};
        use Permission::{Everybody, Nobody};
        let protections = Protections::parse(FILE, Format::Roles).unwrap();
        let roles = |names: &[&str]| Permission::Roles(names.iter().map(|name| (*name).to_owned()).collect());
        for (name, operation, expected) in [
            ("x_colour", Create, roles(&["admin", "member"])),
            ("x_colour", Read, Everybody),
            ("x_colour", Update, Nobody),
            ("x_colour", Delete, roles(&["%odd"])),
            ("my_color", Create, roles(&["one"])),
            ("my_color", Read, Nobody),
            ("my_color", Update, roles(&["a b"])),
            ("my_color", Delete, Nobody),
            ("shape", Read, Nobody),
            ("os_glance_x", Create, Everybody),
        ] {
            assert_eq!(*protections.of(name, operation), expected, "{name} {operation:?}");
        }
        assert_eq!(protections.warnings(), ["[^x_.*] update is empty: nobody may"]);
    }

    #[test]
    fn permissions_may_be_rules() {
        let text = "[a]\ncreate = @\nread = !\nupdate = some_rule\ndelete =\n";
        let protections = Protections::parse(text, Format::Policies).unwrap();
        let found = OPERATIONS.map(|(_, operation)| protections.of("a", operation).clone());
        let rule = Permission::Rule("some_rule".to_owned());
        assert_eq!(found, [Permission::Everybody, Permission::Nobody, rule, Permission::Nobody]);
    }

    #[test]
    fn mistakes_are_named() {
        let all = "create = @\nread = @\nupdate = @\ndelete = @\n";
        for (text, format, said) in [
            ("x = 1\n".to_owned(), Format::Roles, "line 1: a section such as [name] must come first"),
            ("[a]\ncreate = @\n".to_owned(), Format::Roles, "line 1: [a] read: the key is missing"),
            (format!("[a(]\n{all}"), Format::Roles, "line 1: [a(]: unclosed group"),
            (format!("[^(?!x)]\n{all}"), Format::Roles, "line 1: [^(?!x)]: (?! is not supported"),
            (format!("[a]\n{all}[a]\n{all}"), Format::Roles, "line 6: the section [a] occurs twice"),
            (format!("[a]\n{all}Read = x\n"), Format::Roles, "line 6: [a] read: the key occurs twice"),
            (all.replace("read = @", "read = @, !"), Format::Roles, "line 3: [a] read: @ and ! exclude each other"),
            (all.replace("read = @", "read = %x"), Format::Roles, "line 3: [a] read: % must be followed by (name)s or"),
            (all.replace("read = @", "read = a, b"), Format::Policies, "line 3: [a] read: one rule is expected"),
        ] {
            let text = if text.starts_with("create") { format!("[a]\n{text}") } else { text };
            let found = Protections::parse(&text, format).unwrap_err().to_string();
            assert!(found.starts_with(said), "{text}\n{found}");
        }
    }
}
