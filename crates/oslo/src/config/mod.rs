//! Configuration as oslo.config has it: INI files, environment and command line behind constant tables of options.
//!
//! [`Sources`] collect what was said, tables of [`OptionDef`] say what there is, and [`Config`] is the immutable
//! meeting of the two. Texts are understood when they are asked for, so an option that nobody asks for cannot fail;
//! [`Config::problems`] asks for all of them.
//!
//! Deliberately different from oslo.config: `$DEFAULT.name` is a reference; an option that may repeat and stands in the
//! environment has one value there instead of one for each letter; a reference to a broken option of the own group is an
//! error and never falls back to `[DEFAULT]`; hosts and URIs are checked to their last character; whole numbers fit 64
//! bits and are written with the digits 0–9. The comparison in `tests/upstream` holds the list.

mod host;
mod ini;
mod options;
mod report;
mod sample;
mod search;
mod sources;
mod substitute;
mod value;

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

pub use ini::{Assignment, SyntaxError, parse};
pub use options::{Kind, OldName, OptionDef};
pub use report::{Assigned, Deprecation, Shown, UnknownOption};
pub use sample::{help, sample};
pub use search::{config_directories, default_config_directories, default_config_files};
pub use sources::{Place, Sources, process_environment};
pub use value::{FromValue, Pairs, Value};

use sources::{Key, Text, normalize, variable};

/// What can be wrong with a configuration. Messages name the place and never show secrets.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or directory cannot be read.
    #[error("{}: cannot read: {source}", path.display())]
    Read {
        /// The file or directory.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A file is not of the format.
    #[error("{file}: {source}")]
    Syntax {
        /// The file.
        file: Arc<str>,
        /// Where and why.
        source: SyntaxError,
    },
    /// An option has a value that is not accepted, or none although it must have one.
    #[error("{place}: [{group}] {option}: {reason}")]
    Invalid {
        /// Where the value stands.
        place: Place,
        /// The group of the option.
        group: String,
        /// The name of the option.
        option: String,
        /// What is wrong and what is accepted.
        reason: String,
    },
    /// Somebody asked for an option that is in no table: a mistake in the program.
    #[error("[{group}] {option}: no such option")]
    NoSuchOption {
        /// The group that was asked for.
        group: String,
        /// The name that was asked for.
        option: String,
    },
}

/// One option of one group.
#[derive(Clone, Debug)]
struct Registered {
    def: &'static OptionDef,
    /// The group that answers if this one says nothing.
    fallback: Option<String>,
}

/// A snapshot of the configuration.
///
/// ```
/// use oslo::config::{Config, Kind, OptionDef, Sources};
///
/// const OPTIONS: &[OptionDef] = &[
///     OptionDef::new("DEFAULT", "api_limit_max", Kind::Int, "Longest page of a list.").default("1000"),
/// ];
/// let mut sources = Sources::new();
/// sources.add_text("glance-api.conf", "[DEFAULT]\napi_limit_max = 50\n")?;
/// let config = Config::new(sources, &[OPTIONS]);
/// assert_eq!(config.get::<u64>("DEFAULT", "api_limit_max")?, 50);
/// # Ok::<(), oslo::config::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Config {
    sources: Sources,
    options: BTreeMap<String, BTreeMap<&'static str, Registered>>,
    /// Every name of every option, old ones included: what a file may contain.
    names: HashMap<Key, Key>,
}

impl Config {
    /// Brings the sources and the tables together.
    #[must_use]
    pub fn new(sources: Sources, tables: &[&'static [OptionDef]]) -> Self {
        let mut config = Self { sources, options: BTreeMap::new(), names: HashMap::new() };
        for def in tables.iter().copied().flatten() {
            config.register(def.group, def, None);
        }
        config
    }

    /// Adds a table for a group that the configuration itself names, such as a store.
    ///
    /// The groups of the table are ignored. What `group` leaves open is taken from the group `fallback`.
    #[must_use]
    pub fn with_group(mut self, group: &str, table: &'static [OptionDef], fallback: Option<&str>) -> Self {
        for def in table {
            self.register(group, def, fallback);
            if let Some(fallback) = fallback {
                self.register(fallback, def, None);
            }
        }
        self
    }

    /// Adds tables that count where those before them have no entry.
    #[must_use]
    pub fn with_tables(mut self, tables: &[&'static [OptionDef]]) -> Self {
        for def in tables.iter().copied().flatten() {
            self.register(def.group, def, None);
        }
        self
    }

    fn register(&mut self, group: &str, def: &'static OptionDef, fallback: Option<&str>) {
        let group = normalize(group);
        let key = (group.clone(), def.name.to_owned());
        for old in def.old_names {
            let alias = (old.group.map_or_else(|| group.clone(), normalize), old.name.to_owned());
            self.names.entry(alias).or_insert_with(|| key.clone());
        }
        self.names.insert(key.clone(), key);
        let registered = Registered { def, fallback: fallback.map(normalize) };
        self.options.entry(group).or_default().entry(def.name).or_insert(registered);
    }

    /// The value of an option in the type that the caller wants; an `Option` where it may be unset.
    ///
    /// # Errors
    /// [`Error::Invalid`], or [`Error::NoSuchOption`] for a name that is in no table.
    pub fn get<T: FromValue>(&self, group: &str, option: &str) -> Result<T, Error> {
        let (value, place) = self.value_at(group, option)?;
        T::from_value(value).map_err(|reason| self.invalid(place, group, option, reason))
    }

    /// The value of an option; `None` if it is unset and has no default.
    ///
    /// # Errors
    /// As [`Config::get`].
    pub fn value(&self, group: &str, option: &str) -> Result<Option<Value>, Error> {
        self.value_at(group, option).map(|(value, _)| value)
    }

    /// Whether somebody gave the option a value, be it that of the default.
    #[must_use]
    pub fn is_set(&self, group: &str, option: &str) -> bool {
        self.registered(group, option).is_ok_and(|registered| self.raw(&normalize(group), registered).is_some())
    }

    /// Where the value of an option stands.
    ///
    /// # Errors
    /// [`Error::NoSuchOption`].
    pub fn place(&self, group: &str, option: &str) -> Result<Place, Error> {
        let registered = self.registered(group, option)?;
        Ok(self.raw(&normalize(group), registered).map_or(Place::Default, |raw| raw.place))
    }

    /// Whether there is a section of this name in any file.
    #[must_use]
    pub fn has_section(&self, group: &str) -> bool {
        let group = normalize(group);
        self.sources.files.iter().any(|file| file.options.keys().any(|(section, _)| *section == group))
    }

    /// What the tables say about an option.
    #[must_use]
    pub fn definition(&self, group: &str, option: &str) -> Option<&'static OptionDef> {
        self.registered(group, option).ok().map(|registered| registered.def)
    }

    /// What the snapshot was made from.
    #[must_use]
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    fn registered(&self, group: &str, option: &str) -> Result<&Registered, Error> {
        let found = self.options.get(&normalize(group)).and_then(|options| options.get(option));
        found.ok_or_else(|| Error::NoSuchOption { group: group.to_owned(), option: option.to_owned() })
    }

    fn invalid(&self, place: Place, group: &str, option: &str, reason: String) -> Error {
        Error::Invalid { place, group: group.to_owned(), option: option.to_owned(), reason }
    }

    fn value_at(&self, group: &str, option: &str) -> Result<(Option<Value>, Place), Error> {
        let registered = self.registered(group, option)?;
        let raw = self.raw(&normalize(group), registered);
        let place = raw.as_ref().map_or(Place::Default, |raw| raw.place.clone());
        match self.resolve(registered, &normalize(group), raw, &mut Vec::new()) {
            Ok(value) => Ok((value, place)),
            Err(reason) => Err(self.invalid(place, group, option, reason)),
        }
    }

    /// Substitutes and converts. `path` holds the options whose values are being worked out.
    fn resolve(
        &self,
        registered: &Registered,
        group: &str,
        raw: Option<Raw<'_>>,
        path: &mut Vec<Key>,
    ) -> Result<Option<Value>, String> {
        let def = registered.def;
        let raw = match raw {
            Some(raw) => raw,
            None => match def.default {
                Some(text) => Raw::default(def, text, group),
                None => return Ok(None),
            },
        };
        let key = (raw.group.clone(), def.name.to_owned());
        if path.contains(&key) {
            return Err("the value refers to itself".to_owned());
        }
        path.push(key);
        let substituted: Result<Vec<String>, String> = raw
            .texts
            .iter()
            .map(|text| substitute::substitute(text, |name| self.reference(&raw.group, name, path)))
            .collect();
        path.pop();
        let texts = substituted?;
        if def.kind == Kind::MultiStr {
            return Ok(Some(Value::List(texts)));
        }
        texts.last().map_or(Ok(None), |text| value::convert(def, text))
    }

    /// The text for `$name` in a value of `group`: an option of that group, else of `[DEFAULT]`.
    fn reference(&self, group: &str, name: &str, path: &mut Vec<Key>) -> Result<String, String> {
        let (group, option) = name.split_once('.').unwrap_or((group, name));
        let here = (normalize(group), option);
        let key = if self.options.get(&here.0).is_some_and(|options| options.contains_key(option)) {
            here
        } else {
            ("DEFAULT".to_owned(), name)
        };
        let registered = self.registered(&key.0, key.1);
        let registered = registered.map_err(|_| format!("${name} is no option: write $$ for a dollar sign"))?;
        let value = self.resolve(registered, &key.0, self.raw(&key.0, registered), path)?;
        Ok(value.map(|value| value.to_text()).unwrap_or_default())
    }

    /// The texts that were given for an option, by the order of precedence of the sources.
    fn raw(&self, group: &str, registered: &Registered) -> Option<Raw<'_>> {
        let own = self.raw_of(group, registered.def);
        own.or_else(|| self.raw_of(registered.fallback.as_deref()?, registered.def))
    }

    fn raw_of(&self, group: &str, def: &'static OptionDef) -> Option<Raw<'_>> {
        let group = group.to_owned();
        let key = (group.clone(), def.name.to_owned());
        if let Some(texts) = self.sources.command_line.get(&key) {
            let skipped = if def.kind == Kind::MultiStr { 0 } else { texts.len().saturating_sub(1) };
            let texts = texts.iter().skip(skipped).map(String::as_str).collect();
            return Some(Raw { texts, place: Place::CommandLine, group });
        }
        let variable = variable(&group, def.name);
        if let Some(text) = self.sources.environment.get(&variable) {
            return Some(Raw { texts: vec![text], place: Place::Environment(variable), group });
        }
        let found = self.texts_of(key, def);
        let place = found.last()?.place.clone();
        Some(Raw { texts: found.iter().map(|text| text.text.as_str()).collect(), place, group })
    }

    /// Those of the files: a later file counts for more, and within a file the present name for more than an old one.
    fn texts_of(&self, key: Key, def: &'static OptionDef) -> Vec<&Text> {
        let mut keys = vec![key];
        for old in def.old_names {
            let group = old.group.map_or_else(|| keys[0].0.clone(), normalize);
            keys.push((group, old.name.to_owned()));
        }
        let mut found: Vec<&Text> = Vec::new();
        for file in self.sources.files.iter().rev() {
            for texts in keys.iter().filter_map(|key| file.options.get(key)) {
                if def.kind != Kind::MultiStr {
                    return texts.last().into_iter().collect();
                }
                found.splice(0..0, texts);
            }
        }
        found
    }
}

/// The texts of an option and where they were found.
struct Raw<'a> {
    texts: Vec<&'a str>,
    place: Place,
    /// The group whose options `$name` means first.
    group: String,
}

impl Raw<'static> {
    fn default(def: &OptionDef, text: &'static str, group: &str) -> Self {
        let texts = if def.kind == Kind::MultiStr { text.lines().collect() } else { vec![text] };
        Self { texts, place: Place::Default, group: group.to_owned() }
    }
}

#[cfg(test)]
mod tests;
