//! Pipelines as paste.deploy has them: which application answers below which path, and the filters in front of it.
//!
//! Python would import and call the factories that the file names. Here they stay names: [`load`] describes the
//! application and the service maps each name to what it has in its place.

mod context;
mod loader;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use context::Kind;
use loader::{Loader, Options, Trail};

/// Which factories of composite applications do what. `egg:Paste#urlmap` is known without being named.
#[derive(Clone, Copy, Debug)]
pub struct Composites<'a> {
    /// Factories that map paths to applications.
    pub url_maps: &'a [&'a str],
    /// Factories whose section has a pipeline for each flavor.
    pub flavored: &'a [&'a str],
    /// The flavor; empty for the pipeline called `default`.
    pub flavor: &'a str,
}

/// A filter, or an application that answers by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The section that describes it, such as `filter:cors`.
    pub section: String,
    /// What makes it: `module:name` or `egg:Package#name`.
    pub factory: String,
    /// Its own options.
    pub local: BTreeMap<String, String>,
    /// The options of `[DEFAULT]`, and those that were `set` on the way to it.
    pub global: BTreeMap<String, String>,
    /// The file that describes it.
    pub file: PathBuf,
    /// The line of its section, from 1.
    pub line: usize,
}

/// What answers requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum App {
    /// An application of its own.
    Endpoint(Part),
    /// Applications by path, each path once.
    UrlMap(Vec<Route>),
    /// An application behind filters. The first filter sees the request first.
    Pipeline {
        /// The filters.
        filters: Vec<Part>,
        /// The application.
        app: Box<App>,
    },
}

/// One path of a URL map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The path, with a slash in front and none at the end; the root is empty.
    pub path: String,
    /// What answers at and below it.
    pub app: App,
}

impl App {
    /// The application that answers a path, and the part of the path that led there. The longest path wins.
    #[must_use]
    pub fn route<'a>(routes: &'a [Route], path: &str) -> Option<&'a Route> {
        let leads = |route: &&Route| {
            path.strip_prefix(&route.path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        routes.iter().filter(leads).max_by_key(|route| route.path.len())
    }
}

/// Why a file describes no application.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be read.
    #[error("{}: cannot read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// Something in it is wrong.
    #[error("{}:{line}: {reason}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// It has no section of the name that was asked for.
    #[error("{}: there is no section {sections}", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// The sections that would do.
        sections: String,
    },
}

/// Reads a file and describes the application of this name.
///
/// # Errors
/// A file that cannot be read, or that does not describe the application.
pub fn load(path: &Path, name: &str, composites: &Composites<'_>) -> Result<App, Error> {
    let text = std::fs::read_to_string(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
    load_text(&text, path, name, composites)
}

/// Describes the application of this name from the content of a file. The path serves messages, `%(here)s` and
/// `use = config:`.
///
/// # Errors
/// As [`load`].
pub fn load_text(text: &str, path: &Path, name: &str, composites: &Composites<'_>) -> Result<App, Error> {
    let (loader, mut trail) = (Rc::new(Loader::new(text, path, composites)?), Trail::default());
    loader.context(Kind::App, name, &Options::new(), None, &mut trail)?.app(&mut trail)
}

#[cfg(test)]
mod tests;
