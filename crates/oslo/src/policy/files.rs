//! The files in which operators override rules: `policy.yaml` and those of `policy.d`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use super::parser::{Parsed, parse_value};

/// Why a policy file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be read.
    #[error("{}: cannot read: {source}", path.display())]
    Read {
        /// The file or directory.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// It is not a mapping of names to rules in YAML or JSON.
    #[error("{file}: {source}")]
    Syntax {
        /// The file.
        file: Arc<str>,
        /// What is wrong, and where.
        source: serde_norway::Error,
    },
    /// A rule is not a text.
    #[error("{file}: {rule}: {reason}")]
    Rule {
        /// The file.
        file: Arc<str>,
        /// The name of the rule.
        rule: String,
        /// What is wrong.
        reason: &'static str,
    },
}

/// A rule from a file.
#[derive(Clone, Debug)]
pub(super) struct FileRule {
    pub(super) parsed: Parsed,
    pub(super) file: Arc<str>,
}

/// The rules of policy files; what comes later overrides what came before.
#[derive(Clone, Debug, Default)]
pub struct Rules(pub(super) BTreeMap<String, FileRule>);

impl Rules {
    /// No rules: the defaults hold.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads files in order. It is cheap enough to be called again whenever one of them changes.
    ///
    /// # Errors
    /// The first file that cannot be used; a service keeps the rules that it has.
    pub fn load(files: &[PathBuf]) -> Result<Self, FileError> {
        let mut rules = Self::new();
        for path in files {
            let text =
                std::fs::read_to_string(path).map_err(|source| FileError::Read { path: path.clone(), source })?;
            rules.add_text(&path.display().to_string(), &text)?;
        }
        Ok(rules)
    }

    /// Adds the content of a file, YAML or JSON, known by the name in messages.
    ///
    /// # Errors
    /// [`FileError::Syntax`] and [`FileError::Rule`].
    pub fn add_text(&mut self, name: &str, text: &str) -> Result<(), FileError> {
        let file: Arc<str> = name.into();
        let parsed = parse_file(text).map_err(|source| FileError::Syntax { file: Arc::clone(&file), source })?;
        for (rule, value) in parsed {
            let parsed = parse_value(&value);
            let parsed =
                parsed.map_err(|reason| FileError::Rule { file: Arc::clone(&file), rule: rule.clone(), reason })?;
            self.0.insert(rule, FileRule { parsed, file: Arc::clone(&file) });
        }
        Ok(())
    }

    /// The names of the rules.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

/// The values by name. Of a name that occurs twice the last counts. JSON is tried, too, because YAML refuses its tabs.
fn parse_file(text: &str) -> Result<BTreeMap<String, Value>, serde_norway::Error> {
    let yaml = serde_norway::from_str::<Option<BTreeMap<String, serde_norway::Value>>>(text);
    match yaml {
        Ok(rules) => Ok(rules.into_iter().flatten().map(|(name, value)| (name, plain(&value))).collect()),
        Err(error) => serde_json::from_str(text).map_err(|_| error),
    }
}

/// The value without what only YAML has; a tag such as an unquoted `!` leaves something that is no rule.
fn plain(value: &serde_norway::Value) -> Value {
    serde_json::to_value(value).unwrap_or(Value::Bool(false))
}

/// The files to load: the policy file if there is one, then those of each directory sorted by name, without hidden
/// ones and subdirectories. Directories that do not exist are skipped.
///
/// # Errors
/// [`FileError::Read`] for a directory that cannot be listed.
pub fn policy_files(file: &Path, directories: &[PathBuf]) -> Result<Vec<PathBuf>, FileError> {
    let mut found = Vec::new();
    if file.exists() {
        found.push(file.to_owned());
    }
    for directory in directories.iter().filter(|directory| directory.exists()) {
        let failed = |source| FileError::Read { path: directory.clone(), source };
        let mut files = Vec::new();
        for entry in std::fs::read_dir(directory).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
            if !hidden && !entry.path().is_dir() {
                files.push(entry.path());
            }
        }
        files.sort();
        found.append(&mut files);
    }
    Ok(found)
}
