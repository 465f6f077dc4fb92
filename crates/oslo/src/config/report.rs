//! What the operator should know about the configuration: mistakes, old names, and what is in force.

use std::collections::BTreeSet;

use super::sources::{Key, variable};
use super::{Config, Error, OptionDef, Place};

/// Something that was set and that no table knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownOption {
    /// Where it stands.
    pub place: Place,
    /// Its group; empty if it comes from the environment.
    pub group: String,
    /// Its name.
    pub name: String,
}

/// A use of an old name, or of an option that is to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deprecation {
    /// Where it stands.
    pub place: Place,
    /// The group and the name that were used.
    pub used: (String, String),
    /// What to do, for operators.
    pub advice: String,
}

/// An option and its value, fit to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The group.
    pub group: String,
    /// The name.
    pub name: &'static str,
    /// The value as text; stars for a secret, and the message for a value that is not accepted.
    pub value: String,
    /// Where it comes from.
    pub place: Place,
}

/// An option as a file sets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assigned {
    /// Where its first text stands.
    pub place: Place,
    /// The group and the name that were used.
    pub used: (String, String),
    /// The group in its present form and the option; `None` when no table knows it.
    pub option: Option<(String, &'static OptionDef)>,
}

/// What is shown in place of a secret.
const MASK: &str = "****";

impl Config {
    /// The values that are not accepted, of all options.
    #[must_use]
    pub fn problems(&self) -> Vec<Error> {
        self.each().filter_map(|(group, def)| self.value(group, def.name).err()).collect()
    }

    /// What was set and is in no table, in the order of the sources.
    #[must_use]
    pub fn unknown_options(&self) -> Vec<UnknownOption> {
        let mut found = Vec::new();
        for file in &self.sources.files {
            for key in file.order.iter().filter(|key| !self.names.contains_key(*key)) {
                let place = file.options.get(key).and_then(|texts| texts.first()).map(|text| text.place.clone());
                let (group, name) = key.clone();
                found.extend(place.map(|place| UnknownOption { place, group, name }));
            }
        }
        let known: BTreeSet<String> = self.each().map(|(group, def)| variable(group, def.name)).collect();
        for name in self.sources.environment.keys().filter(|name| !known.contains(*name)) {
            let place = Place::Environment(name.clone());
            found.push(UnknownOption { place, group: String::new(), name: name.clone() });
        }
        found
    }

    /// Everything that files set, in their order.
    #[must_use]
    pub fn assigned(&self) -> Vec<Assigned> {
        let mut found = Vec::new();
        for file in &self.sources.files {
            for used in &file.order {
                let Some(text) = file.options.get(used).and_then(|texts| texts.first()) else { continue };
                let known = self.names.get(used);
                let option = known.and_then(|(group, name)| {
                    let registered = self.registered(group, name).ok()?;
                    Some((group.clone(), registered.def))
                });
                found.push(Assigned { place: text.place.clone(), used: used.clone(), option });
            }
        }
        found
    }

    /// The uses of old names and of options that are to go, in the order of the files.
    #[must_use]
    pub fn deprecations(&self) -> Vec<Deprecation> {
        let mut found = Vec::new();
        for file in &self.sources.files {
            for used in &file.order {
                let place = file.options.get(used).and_then(|texts| texts.first()).map(|text| text.place.clone());
                if let (Some(advice), Some(place)) = (self.advice(used), place) {
                    found.push(Deprecation { place, used: used.clone(), advice });
                }
            }
        }
        found
    }

    fn advice(&self, used: &Key) -> Option<String> {
        let (group, name) = self.names.get(used)?;
        if (group, name) != (&used.0, &used.1) {
            return Some(format!("use [{group}] {name} instead"));
        }
        self.registered(group, name).ok()?.def.deprecated.map(str::to_owned)
    }

    /// Every option with its value, sorted by group and name, with secrets masked.
    #[must_use]
    pub fn shown(&self) -> Vec<Shown> {
        self.each()
            .map(|(group, def)| {
                let place = self.place(group, def.name).unwrap_or(Place::Default);
                Shown { group: group.to_owned(), name: def.name, value: self.shown_value(group, def), place }
            })
            .collect()
    }

    fn shown_value(&self, group: &str, def: &OptionDef) -> String {
        match self.value(group, def.name) {
            Ok(None) => "None".to_owned(),
            Ok(Some(_)) if def.secret => MASK.to_owned(),
            Ok(Some(value)) => mask_password(value.to_text()),
            Err(error) => format!("(invalid: {error})"),
        }
    }

    /// The options whose value differs in `other`: what a reload would change.
    pub fn changed<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = (&'a str, &'static OptionDef)> {
        self.each().filter(move |(group, def)| {
            let [before, after] = [self, other].map(|config| config.value(group, def.name).ok());
            before != after
        })
    }

    fn each(&self) -> impl Iterator<Item = (&str, &'static OptionDef)> {
        self.options.iter().flat_map(|(group, options)| options.values().map(|found| (group.as_str(), found.def)))
    }
}

/// Hides the password of a URL such as that of a database.
fn mask_password(text: String) -> String {
    let Some(start) = text.find("://").map(|position| position + 3) else { return text };
    let authority_end = text[start..].find(['/', '?', '#']).map_or(text.len(), |end| start + end);
    let Some(at) = text[start..authority_end].rfind('@').map(|position| start + position) else { return text };
    match text[start..at].find(':') {
        Some(colon) => format!("{}:{MASK}{}", &text[..start + colon], &text[at..]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::mask_password;

    #[test]
    fn passwords_of_urls_are_hidden() {
        for (text, shown) in [
            ("mysql://glance:a:b@db/glance", "mysql://glance:****@db/glance"),
            ("http://host/a:b@c", "http://host/a:b@c"),
            ("rabbit://user@host:1", "rabbit://user@host:1"),
            ("plain", "plain"),
        ] {
            assert_eq!(mask_password(text.to_owned()), shown);
        }
    }
}
