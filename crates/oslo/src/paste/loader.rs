//! From sections to the description of an application.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use super::{App, Composites, Error, Part, Route};
use crate::configparser::{Document, Section, parse};

/// Longest chain of sections that lead to each other.
const MAX_DEPTH: usize = 32;
/// Most sections that one description is made from, repetitions included.
const MAX_PARTS: usize = 10_000;

/// The kinds of sections that describe an application, and those that describe a filter.
const APP: &[&str] = &["app", "application", "composite", "composit", "pipeline", "filter-app"];
const FILTER: &[&str] = &["filter"];

/// The options whose value is the factory.
const FACTORIES: &[&str] = &[
    "paste.app_factory",
    "paste.composite_factory",
    "paste.composit_factory",
    "paste.filter_factory",
    "paste.filter_app_factory",
];

/// Options that hold for everything below a section.
type Global = HashMap<String, String>;

/// How the loader came to where it is.
#[derive(Default)]
pub(super) struct Trail {
    /// The files and sections that it is inside of, outermost first.
    inside: Vec<(PathBuf, String)>,
    /// How many sections it has been in.
    visited: usize,
}

pub(super) struct Loader<'a> {
    document: Document,
    path: PathBuf,
    composites: &'a Composites<'a>,
    /// `here` and `__file__`.
    given: HashMap<String, String>,
}

/// A section with its values filled in.
struct Read<'a> {
    section: &'a Section,
    local: BTreeMap<String, String>,
    global: Global,
}

impl<'a> Loader<'a> {
    pub(super) fn new(text: &str, path: &Path, composites: &'a Composites<'a>) -> Result<Self, Error> {
        let document = parse(text).map_err(|(line, reason)| Error::Invalid { path: path.to_owned(), line, reason })?;
        let here = path.parent().map(|parent| parent.display().to_string()).unwrap_or_default();
        let given = [("here", here), ("__file__", path.display().to_string())];
        let given = given.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Ok(Self { document, path: path.to_owned(), composites, given })
    }

    /// The application of this name.
    pub(super) fn app(&self, name: &str, global: &Global, trail: &mut Trail) -> Result<App, Error> {
        let section = self.find(APP, name)?;
        let section = section.ok_or_else(|| Error::NoApp { path: self.path.clone(), name: name.to_owned() })?;
        self.enter(section, trail)?;
        let app = self.app_of(section, global, trail);
        trail.inside.pop();
        app
    }

    fn app_of(&self, section: &Section, global: &Global, trail: &mut Trail) -> Result<App, Error> {
        let mut read = self.read(section, global)?;
        let wrapper = read.local.remove("filter-with");
        let app = match section.name.split(':').next() {
            Some("pipeline") => self.pipeline(read, trail)?,
            Some("filter-app") => self.filter_app(read, trail)?,
            _ => self.used_or_made(read, trail)?,
        };
        let Some(name) = wrapper else { return Ok(app) };
        Ok(App::Pipeline { filters: vec![self.filter(section, &name, global, trail)?], app: Box::new(app) })
    }

    /// `[pipeline:x]`: words, of which the last is the application.
    fn pipeline(&self, mut read: Read<'_>, trail: &mut Trail) -> Result<App, Error> {
        let words = self.take(&mut read, "pipeline")?;
        if let Some(option) = read.local.keys().next() {
            return Err(self.invalid(read.section, option, format!("a pipeline has no option {option}")));
        }
        self.words(read.section, "pipeline", &words, &read.global, trail)
    }

    fn words(
        &self,
        section: &Section,
        option: &str,
        words: &str,
        global: &Global,
        trail: &mut Trail,
    ) -> Result<App, Error> {
        let mut names: Vec<&str> = words.split_whitespace().collect();
        let app = names.pop().ok_or_else(|| self.invalid(section, option, "the pipeline is empty".to_owned()))?;
        let mut filters = Vec::with_capacity(names.len());
        for name in names {
            filters.push(self.filter(section, name, global, trail)?);
        }
        let app = Box::new(self.named(section, option, app, global, trail)?);
        Ok(App::Pipeline { filters, app })
    }

    /// `[filter-app:x]`: a filter with the application behind it in `next`.
    fn filter_app(&self, mut read: Read<'_>, trail: &mut Trail) -> Result<App, Error> {
        let next = self.take(&mut read, "next")?;
        let app = Box::new(self.named(read.section, "next", &next, &read.global, trail)?);
        let filter = self.filter_of(read, trail)?;
        Ok(App::Pipeline { filters: vec![filter], app })
    }

    /// `[app:x]` and `[composite:x]`: by reference to something else, or with a factory.
    fn used_or_made(&self, mut read: Read<'_>, trail: &mut Trail) -> Result<App, Error> {
        let section = read.section;
        let used = read.local.remove("use");
        let (factory, option) = match used.as_deref() {
            Some(used) if used.starts_with("egg:") || used.starts_with("call:") => (used.to_owned(), "use"),
            Some(used) => {
                let app = self.named(section, "use", used, &read.global, trail)?;
                return Ok(with_options(app, &read));
            }
            None => self.factory(&mut read)?,
        };
        if factory == "egg:Paste#urlmap" || self.composites.url_maps.contains(&factory.as_str()) {
            return self.url_map(read, trail);
        }
        if self.composites.flavored.contains(&factory.as_str()) {
            return self.flavored(&read, trail);
        }
        if section.name.starts_with("composit") {
            return Err(self.invalid(section, option, format!("the composite factory {factory} is not known")));
        }
        Ok(App::Endpoint(self.part(factory, read)))
    }

    fn url_map(&self, mut read: Read<'_>, trail: &mut Trail) -> Result<App, Error> {
        if read.local.remove("not_found_app").is_some() {
            let reason = "an application for unknown paths is not supported".to_owned();
            return Err(self.invalid(read.section, "not_found_app", reason));
        }
        let mut routes = Vec::new();
        for entry in read.section.entries.iter().filter(|entry| read.local.contains_key(&entry.key)) {
            let path = route_path(&entry.key)
                .ok_or_else(|| self.invalid(read.section, &entry.key, "a path starts with a slash".to_owned()))?;
            let name = read.local.get(&entry.key).map(String::as_str).unwrap_or_default();
            routes.push(Route { path, app: self.named(read.section, &entry.key, name, &read.global, trail)? });
        }
        Ok(App::UrlMap(routes))
    }

    fn flavored(&self, read: &Read<'_>, trail: &mut Trail) -> Result<App, Error> {
        let flavor = if self.composites.flavor.is_empty() { "default" } else { self.composites.flavor };
        let Some(words) = read.local.get(flavor) else {
            let known: Vec<&str> = read.local.keys().map(String::as_str).collect();
            let reason = format!("there is no pipeline for the flavor {flavor}, only for {}", known.join(", "));
            return Err(self.invalid(read.section, "", reason));
        };
        self.words(read.section, flavor, words, &read.global, trail)
    }

    /// The application that an option names: a section of this file, or `config:file#name`.
    fn named(
        &self,
        section: &Section,
        option: &str,
        name: &str,
        global: &Global,
        trail: &mut Trail,
    ) -> Result<App, Error> {
        let Some(reference) = name.strip_prefix("config:") else {
            return self.app(name, global, trail).map_err(|error| self.placed(section, option, error));
        };
        let (file, name) = reference.split_once('#').unwrap_or((reference, "main"));
        let path = self.path.parent().unwrap_or(Path::new("")).join(file);
        let text = std::fs::read_to_string(&path).map_err(|source| Error::Read { path: path.clone(), source })?;
        Loader::new(&text, &path, self.composites)?.app(name, global, trail)
    }

    /// The filter that an option of `from` names.
    fn filter(&self, from: &Section, name: &str, global: &Global, trail: &mut Trail) -> Result<Part, Error> {
        let missing = || self.invalid(from, "pipeline", format!("there is no section [filter:{name}]"));
        let section = self.find(FILTER, name)?.ok_or_else(missing)?;
        self.enter(section, trail)?;
        let filter = self.read(section, global).and_then(|read| self.filter_of(read, trail));
        trail.inside.pop();
        filter
    }

    fn filter_of(&self, mut read: Read<'_>, trail: &mut Trail) -> Result<Part, Error> {
        if read.local.contains_key("filter-with") {
            let reason = "a filter in front of a filter is not supported: name both in the pipeline".to_owned();
            return Err(self.invalid(read.section, "filter-with", reason));
        }
        let Some(used) = read.local.remove("use") else {
            let (factory, _) = self.factory(&mut read)?;
            return Ok(self.part(factory, read));
        };
        if used.starts_with("egg:") || used.starts_with("call:") {
            return Ok(self.part(used, read));
        }
        let mut part = self.filter(read.section, &used, &read.global, trail)?;
        part.local.extend(read.local);
        Ok(part)
    }

    fn part(&self, factory: String, read: Read<'_>) -> Part {
        Part {
            section: read.section.name.clone(),
            factory,
            local: read.local,
            global: read.global.into_iter().collect(),
            file: self.path.clone(),
            line: read.section.line,
        }
    }

    /// Takes the factory out of the options.
    fn factory(&self, read: &mut Read<'_>) -> Result<(String, &'static str), Error> {
        let mut found = FACTORIES.iter().filter_map(|option| Some((read.local.remove(*option)?, *option)));
        match (found.next(), found.next()) {
            (Some(factory), None) => Ok(factory),
            (Some(_), Some((_, option))) => {
                Err(self.invalid(read.section, option, "the section has two factories".to_owned()))
            }
            (None, _) => Err(self.invalid(read.section, "", "the section has neither a factory nor use =".to_owned())),
        }
    }

    fn take(&self, read: &mut Read<'_>, option: &str) -> Result<String, Error> {
        let found = read.local.remove(option);
        found.ok_or_else(|| self.invalid(read.section, "", format!("the option {option} is missing")))
    }

    /// Fills in values and sorts options: `set x` holds below the section, `get x` takes a global value, what
    /// `[DEFAULT]` has is global, and the rest belongs to the section.
    fn read<'s>(&self, section: &'s Section, outer: &Global) -> Result<Read<'s>, Error> {
        let fault = |(line, reason)| Error::Invalid { path: self.path.clone(), line, reason };
        let mut global = self.given.clone();
        for entry in &self.document.defaults.entries {
            let value = self.document.interpolate(&self.document.defaults, entry, &self.given).map_err(fault)?;
            global.insert(entry.key.clone(), value);
        }
        let defaults: Vec<String> = global.keys().cloned().collect();
        global.extend(outer.clone());
        let (mut local, mut taken) = (BTreeMap::new(), Vec::new());
        for entry in &section.entries {
            let value = self.document.interpolate(section, entry, &self.given).map_err(fault)?;
            if let Some(name) = entry.key.strip_prefix("set ") {
                global.insert(name.trim().to_owned(), value);
            } else if let Some(name) = entry.key.strip_prefix("get ") {
                taken.push((name.trim().to_owned(), value, &entry.key));
            } else if !defaults.contains(&entry.key) {
                local.insert(entry.key.clone(), value);
            }
        }
        for (name, from, option) in taken {
            let missing = || self.invalid(section, option, format!("there is no global option {from}"));
            let value = global.get(&from).cloned().ok_or_else(missing)?;
            local.insert(name, value);
        }
        Ok(Read { section, local, global })
    }

    fn find(&self, kinds: &[&str], name: &str) -> Result<Option<&Section>, Error> {
        let matches = |section: &&Section| {
            let found = section.name.split_once(':');
            let found = found.or_else(|| (name == "main").then_some((section.name.as_str(), "main")));
            found.is_some_and(|(kind, found)| kinds.contains(&kind) && found.trim() == name)
        };
        let mut found = self.document.sections.iter().filter(matches);
        match (found.next(), found.next()) {
            (Some(first), Some(second)) => {
                let reason = format!("[{}] and [{}] have the same name", first.name, second.name);
                Err(self.invalid(second, "", reason))
            }
            (first, _) => Ok(first),
        }
    }

    /// Notes that the loader is inside the section.
    fn enter(&self, section: &Section, trail: &mut Trail) -> Result<(), Error> {
        let key = (self.path.clone(), section.name.clone());
        trail.visited += 1;
        let reason = match () {
            () if trail.inside.contains(&key) => "the section leads to itself",
            () if trail.inside.len() >= MAX_DEPTH => "too many sections lead to each other",
            () if trail.visited > MAX_PARTS => "the application has too many parts",
            () => {
                trail.inside.push(key);
                return Ok(());
            }
        };
        Err(self.invalid(section, "", reason.to_owned()))
    }

    /// An error at an option of a section, or at the section.
    fn invalid(&self, section: &Section, option: &str, reason: String) -> Error {
        let entry = section.entries.iter().find(|entry| entry.key == option);
        let line = entry.map_or(section.line, |entry| entry.line);
        Error::Invalid { path: self.path.clone(), line, reason: format!("[{}]: {reason}", section.name) }
    }

    /// Says where the name of a missing application stands.
    fn placed(&self, section: &Section, option: &str, error: Error) -> Error {
        match error {
            Error::NoApp { path, name } if path == self.path => {
                self.invalid(section, option, format!("there is no application {name}"))
            }
            error => error,
        }
    }
}

/// The options of a section that uses another one go on top of those of the other.
fn with_options(mut app: App, read: &Read<'_>) -> App {
    if let App::Endpoint(part) = &mut app {
        part.local.extend(read.local.clone());
    }
    app
}

/// A path of a URL map without repeated slashes and without one at the end.
fn route_path(text: &str) -> Option<String> {
    if !text.starts_with('/') || text.contains(char::is_whitespace) {
        return None;
    }
    let words = text.split('/').filter(|word| !word.is_empty());
    Some(words.fold(String::new(), |path, word| path + "/" + word))
}
