//! Where the texts of options come from: the command line, the environment and files, in this order of precedence.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Error;
use super::ini;

/// Where a text stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// On the command line.
    CommandLine,
    /// In the environment variable of this name.
    Environment(String),
    /// In a file, at a line counted from 1.
    File(Arc<str>, usize),
    /// In the table of options.
    Default,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CommandLine => f.write_str("command line"),
            Self::Environment(name) => write!(f, "environment variable {name}"),
            Self::File(name, line) => write!(f, "{name}:{line}"),
            Self::Default => f.write_str("default"),
        }
    }
}

/// A group and a name as they are looked up: the group in lower case, except for `DEFAULT`.
pub(super) type Key = (String, String);

pub(super) fn normalize(group: &str) -> String {
    if group == "DEFAULT" { group.to_owned() } else { group.to_lowercase() }
}

#[derive(Clone, Debug)]
pub(super) struct Text {
    pub(super) text: String,
    pub(super) place: Place,
}

#[derive(Clone, Debug)]
pub(super) struct File {
    pub(super) options: HashMap<Key, Vec<Text>>,
    /// The keys in the order of the file, for reports.
    pub(super) order: Vec<Key>,
}

/// Everything that was said about options, before anyone knows which options there are.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    pub(super) files: Vec<File>,
    pub(super) environment: BTreeMap<String, String>,
    pub(super) command_line: HashMap<Key, Vec<String>>,
    paths: Vec<PathBuf>,
    directories: Vec<PathBuf>,
}

impl Sources {
    /// No source at all.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file; it takes precedence over those before it.
    ///
    /// # Errors
    /// [`Error::Read`] and [`Error::Syntax`].
    pub fn add_file(&mut self, path: &Path) -> Result<(), Error> {
        let text = std::fs::read_to_string(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
        self.add_text(&path.display().to_string(), &text)?;
        self.paths.push(path.to_owned());
        Ok(())
    }

    /// Adds the files `*.conf` of a directory, sorted by name; hidden ones are skipped.
    ///
    /// # Errors
    /// [`Error::Read`] and [`Error::Syntax`].
    pub fn add_directory(&mut self, path: &Path) -> Result<(), Error> {
        let failed = |source| Error::Read { path: path.to_owned(), source };
        let mut files = Vec::new();
        for entry in std::fs::read_dir(path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.ends_with(".conf") && !name.starts_with('.') {
                files.push(entry.path());
            }
        }
        files.sort();
        self.directories.push(path.to_owned());
        files.iter().try_for_each(|file| self.add_file(file))
    }

    /// Adds the content of a file, known by the name in messages.
    ///
    /// # Errors
    /// [`Error::Syntax`].
    pub fn add_text(&mut self, name: &str, text: &str) -> Result<(), Error> {
        let name: Arc<str> = name.into();
        let parsed = ini::parse(text).map_err(|source| Error::Syntax { file: Arc::clone(&name), source })?;
        let mut file = File { options: HashMap::new(), order: Vec::new() };
        for assignment in parsed {
            let key = (normalize(&assignment.section), assignment.key);
            let place = Place::File(Arc::clone(&name), assignment.line);
            let values = file.options.entry(key.clone()).or_default();
            if values.is_empty() {
                file.order.push(key);
            }
            values.push(Text { text: assignment.value, place });
        }
        self.files.push(file);
        Ok(())
    }

    /// Takes the variables named `OS_<GROUP>__<OPTION>`, with `DEFAULT` for options without a group.
    pub fn set_environment(&mut self, variables: impl IntoIterator<Item = (String, String)>) {
        let ours = variables.into_iter().filter(|(name, _)| name.starts_with("OS_") && name.contains("__"));
        self.environment.extend(ours);
    }

    /// Adds a value from the command line, which takes precedence over everything else.
    pub fn add_command_line(&mut self, group: &str, name: &str, value: impl Into<String>) {
        self.command_line.entry((normalize(group), name.to_owned())).or_default().push(value.into());
    }

    /// The files that were read, in order.
    #[must_use]
    pub fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    /// Where files such as `policy.yaml` are searched: the directories that were added, then those of the files, last first.
    #[must_use]
    pub fn search_path(&self) -> Vec<PathBuf> {
        let beside = self.paths.iter().rev().filter_map(|path| path.parent()).map(Path::to_owned);
        let mut found: Vec<PathBuf> = Vec::new();
        for directory in self.directories.iter().cloned().chain(beside) {
            if !found.contains(&directory) {
                found.push(directory);
            }
        }
        found
    }
}

/// The name of the environment variable that sets an option.
pub(super) fn variable(group: &str, name: &str) -> String {
    format!("OS_{}__{}", group.to_uppercase(), name.to_uppercase())
}

/// The variables of this process that are text. Nothing else in this crate reads the environment.
#[must_use]
pub fn process_environment() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}
