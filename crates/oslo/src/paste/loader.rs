//! From the sections of files to contexts: which factory a name leads to, and with which options.
//!
//! As in paste.deploy, a reference is followed first and what it leads to is made afterwards ([`super::context`]): the
//! options of a section that uses another one go on top of those of the other.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::context::{Context, Kind, Protocol, What};
use super::{Composites, Error};
use crate::configparser::{Document, Entry, Section, parse};

/// Longest chain of sections that lead to each other.
const MAX_DEPTH: usize = 32;
/// Most sections that one description is made from, repetitions included.
const MAX_PARTS: usize = 10_000;

/// The options that name a factory; of an inner list the first counts, of two lists only one may be there.
const APP_FACTORIES: &[&[(&str, Protocol)]] = &[
    &[("paste.app_factory", Protocol::App)],
    &[("paste.composite_factory", Protocol::Composite)],
    &[("paste.composit_factory", Protocol::Composite)],
];
const FILTER_FACTORIES: &[&[(&str, Protocol)]] =
    &[&[("paste.filter_factory", Protocol::Filter), ("paste.filter_app_factory", Protocol::Filter)]];

/// What sections begin with, in lists as above.
const APP_SECTIONS: &[&[&str]] = &[&["app", "application"], &["composite", "composit"], &["pipeline"], &["filter-app"]];
const FILTER_SECTIONS: &[&[&str]] = &[&["filter"]];

/// Options by name.
pub(super) type Options = BTreeMap<String, String>;
/// Options that those who refer to them may still add to.
pub(super) type Shared = Rc<RefCell<Options>>;

/// How far the loader has gone.
#[derive(Default)]
pub(super) struct Trail {
    depth: usize,
    visited: usize,
}

impl Trail {
    /// Does something one level deeper.
    pub(super) fn deeper<T>(
        &mut self,
        place: &Place,
        action: impl FnOnce(&mut Self) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.visited += 1;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(place.invalid("sections lead to each other without an end"));
        }
        if self.visited > MAX_PARTS {
            return Err(place.invalid("the application has too many parts"));
        }
        let done = action(self);
        self.depth -= 1;
        done
    }
}

/// A section, for messages.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) file: PathBuf,
    /// The line of the section.
    pub(super) line: usize,
    pub(super) section: String,
    /// The line of the option that matters.
    option: Option<usize>,
}

impl Place {
    pub(super) fn invalid(&self, reason: &str) -> Error {
        let reason = format!("[{}]: {reason}", self.section);
        Error::Invalid { path: self.file.clone(), line: self.option.unwrap_or(self.line), reason }
    }
}

/// One file.
pub(super) struct Loader<'a> {
    document: Document,
    path: PathBuf,
    pub(super) composites: &'a Composites<'a>,
    /// What comes from outside: `here`, `__file__`, and the global options of the file that refers to this one.
    given: HashMap<String, String>,
}

/// A section with its values filled in.
struct Read<'s> {
    section: &'s Section,
    place: Place,
    local: Options,
    global: Options,
    /// What the section has `set`.
    set: Options,
}

impl<'a> Loader<'a> {
    pub(super) fn new(text: &str, path: &Path, composites: &'a Composites<'a>) -> Result<Self, Error> {
        let document = parse(text).map_err(|(line, reason)| Error::Invalid { path: path.to_owned(), line, reason })?;
        let here = path.parent().map(|parent| parent.display().to_string()).unwrap_or_default();
        let given = [("here", here), ("__file__", path.display().to_string())];
        let given = given.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Ok(Self { document, path: path.to_owned(), composites, given })
    }

    /// What a name leads to: a section of this file, or `config:file#name`, `egg:Package#name`, `call:module:name`.
    /// `from` is where the name stands.
    pub(super) fn context(
        self: &Rc<Self>,
        kind: Kind,
        name: &str,
        global: &Options,
        from: Option<&Place>,
        trail: &mut Trail,
    ) -> Result<Context<'a>, Error> {
        let is_scheme = |scheme: &str| !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphabetic());
        if let (Some((scheme, target)), Some(from)) = (name.split_once(':').filter(|(s, _)| is_scheme(s)), from) {
            return self.reference(kind, (scheme, target), global, from, trail);
        }
        let section = self.find(kind, name, from)?;
        let read = self.read(section, global)?;
        trail.deeper(&read.place.clone(), |trail| self.section(kind, read, trail))
    }

    fn reference(
        self: &Rc<Self>,
        kind: Kind,
        (scheme, target): (&str, &str),
        global: &Options,
        from: &Place,
        trail: &mut Trail,
    ) -> Result<Context<'a>, Error> {
        let (target, name) = target.split_once('#').unwrap_or((target, "main"));
        let (object, protocol) = match scheme.to_ascii_lowercase().as_str() {
            "config" => {
                let other = self.other(target, global)?;
                return trail.deeper(from, |trail| other.context(kind, name, global, None, trail));
            }
            "egg" => (format!("egg:{target}#{name}"), Some(kind.of_egg(target, name))),
            "call" if target.contains(':') => (target.to_owned(), None),
            "call" => return Err(from.invalid("call: is followed by module:name")),
            _ => return Err(from.invalid("there are only references with egg:, config: and call:")),
        };
        let what = What::Made { kind, object, protocol };
        let (local, global) = (Shared::default(), shared(global.clone()));
        Ok(Context { what, place: from.clone(), local, global, loader: Rc::clone(self) })
    }

    /// Another file. Global options of this one are there what `[DEFAULT]` does not say otherwise.
    fn other(&self, file: &str, global: &Options) -> Result<Rc<Self>, Error> {
        let path = self.path.parent().unwrap_or(Path::new("")).join(file.trim());
        let text = std::fs::read_to_string(&path).map_err(|source| Error::Read { path: path.clone(), source })?;
        let mut loader = Loader::new(&text, &path, self.composites)?;
        for (name, value) in global {
            loader.given.entry(name.clone()).or_insert_with(|| value.clone());
        }
        Ok(Rc::new(loader))
    }

    fn section(self: &Rc<Self>, kind: Kind, mut read: Read<'_>, trail: &mut Trail) -> Result<Context<'a>, Error> {
        let wrapper = read.local.remove("filter-with");
        // Python looks whether the package is installed.
        read.local.remove("require");
        let (section, place) = (read.section, read.place.clone());
        let (global, local) = (shared(std::mem::take(&mut read.global)), Shared::default());
        let context = if section.name.starts_with("filter-app:") {
            self.filter_app(read, (&global, &local), trail)?
        } else if section.name.starts_with("pipeline:") {
            self.pipeline(read, &global, trail)?
        } else {
            self.used_or_made(kind, read, (&global, &local), trail)?
        };
        let Some(name) = wrapper else { return Ok(context) };
        let from = self.place(section, "filter-with");
        let filter = self.context(Kind::Filter, &name, &global.borrow(), Some(&from), trail)?;
        let what = What::FilterWith { filter: Box::new(filter), next: Box::new(context) };
        Ok(Context { what, place, local, global, loader: Rc::clone(self) })
    }

    /// `[pipeline:x]`: words, of which the last is the application.
    fn pipeline(self: &Rc<Self>, mut read: Read<'_>, global: &Shared, trail: &mut Trail) -> Result<Context<'a>, Error> {
        let words = self.take(&mut read, "pipeline")?;
        if let Some(option) = read.local.keys().next() {
            return Err(self.invalid(read.section, option, &format!("a pipeline has no option {option}")));
        }
        let from = self.place(read.section, "pipeline");
        let mut names = words.split_whitespace();
        let app = names.next_back().ok_or_else(|| from.invalid("the pipeline is empty"))?;
        let app = Box::new(self.context(Kind::App, app, &global.borrow(), Some(&from), trail)?);
        let filters = names.map(|name| self.context(Kind::Filter, name, &global.borrow(), Some(&from), trail));
        let what = What::Pipeline { filters: filters.collect::<Result<_, _>>()?, app };
        let (local, global) = (Shared::default(), Rc::clone(global));
        Ok(Context { what, place: read.place, local, global, loader: Rc::clone(self) })
    }

    /// `[filter-app:x]`: a filter with the application behind it in `next`.
    fn filter_app(
        self: &Rc<Self>,
        mut read: Read<'_>,
        (global, local): (&Shared, &Shared),
        trail: &mut Trail,
    ) -> Result<Context<'a>, Error> {
        let (place, from) = (read.place.clone(), self.place(read.section, "next"));
        let next = self.take(&mut read, "next")?;
        let next = Box::new(self.context(Kind::App, &next, &global.borrow(), Some(&from), trail)?);
        let filter = Box::new(self.used_or_made(Kind::Filter, read, (global, local), trail)?);
        let (local, global) = (Rc::clone(local), Rc::clone(global));
        Ok(Context { what: What::FilterApp { filter, next }, place, local, global, loader: Rc::clone(self) })
    }

    /// By reference to something else, or with a factory.
    fn used_or_made(
        self: &Rc<Self>,
        kind: Kind,
        mut read: Read<'_>,
        (global, local): (&Shared, &Shared),
        trail: &mut Trail,
    ) -> Result<Context<'a>, Error> {
        let Some(used) = read.local.remove("use") else {
            let (object, protocol) = self.factory(kind, &mut read)?;
            local.borrow_mut().append(&mut read.local);
            let what = What::Made { kind, object, protocol: Some(protocol) };
            let (local, global) = (Rc::clone(local), Rc::clone(global));
            return Ok(Context { what, place: read.place, local, global, loader: Rc::clone(self) });
        };
        let from = self.place(read.section, "use");
        let mut context = self.context(kind, &used, &global.borrow(), Some(&from), trail)?;
        let file = global.borrow().get("__file__").cloned();
        context.global.borrow_mut().extend(read.set);
        context.global.borrow_mut().extend(file.map(|file| ("__file__".to_owned(), file)));
        context.local.borrow_mut().extend(read.local);
        context.loader = Rc::clone(self);
        if let What::Made { protocol: protocol @ None, .. } = &mut context.what {
            *protocol = Protocol::of_section(&read.section.name);
        }
        Ok(context)
    }

    /// Takes the factory out of the options.
    fn factory(&self, kind: Kind, read: &mut Read<'_>) -> Result<(String, Protocol), Error> {
        let lists = if kind == Kind::App { APP_FACTORIES } else { FILTER_FACTORIES };
        let first = |list: &&[(&'static str, Protocol)]| {
            list.iter().copied().find(|(option, _)| read.local.contains_key(*option))
        };
        let found: Vec<(&str, Protocol)> = lists.iter().filter_map(first).collect();
        match found.as_slice() {
            [(option, protocol)] => Ok((self.take(read, option)?, *protocol)),
            [] => Err(self.invalid(read.section, "", "the section has neither a factory nor use =")),
            [_, (option, _), ..] => Err(self.invalid(read.section, option, "the section has two factories")),
        }
    }

    fn take(&self, read: &mut Read<'_>, option: &str) -> Result<String, Error> {
        let found = read.local.remove(option);
        found.ok_or_else(|| self.invalid(read.section, "", &format!("the option {option} is missing")))
    }

    /// Fills in values and sorts options: `set x` holds below the section, `get x` takes a global value, what
    /// `[DEFAULT]` has is global, and the rest belongs to the section.
    fn read<'s>(&self, section: &'s Section, outer: &Options) -> Result<Read<'s>, Error> {
        let value = |section: &Section, entry: &Entry| {
            let fault = |(line, reason)| Error::Invalid { path: self.path.clone(), line, reason };
            self.document.interpolate(section, entry, &self.given).map_err(fault)
        };
        let defaults = &self.document.defaults;
        let mut global: Options = self.given.clone().into_iter().collect();
        for entry in &defaults.entries {
            global.insert(entry.key.clone(), value(defaults, entry)?);
        }
        let is_default = |key: &str| self.given.contains_key(key) || defaults.entries.iter().any(|e| e.key == key);
        global.extend(outer.clone());
        let (mut local, mut set, mut taken) = (Options::new(), Options::new(), Vec::new());
        let inherited = defaults.entries.iter().filter(|entry| section.entries.iter().all(|own| own.key != entry.key));
        for entry in section.entries.iter().chain(inherited) {
            if let Some(name) = entry.key.strip_prefix("set ") {
                set.insert(name.trim().to_owned(), value(section, entry)?);
            } else if let Some(name) = entry.key.strip_prefix("get ") {
                taken.push((name.trim().to_owned(), value(section, entry)?, &entry.key));
            } else if !is_default(&entry.key) {
                local.insert(entry.key.clone(), value(section, entry)?);
            }
        }
        global.extend(set.clone());
        for (name, from, option) in taken {
            let missing = || self.invalid(section, option, &format!("there is no global option {from}"));
            local.insert(name, global.get(&from).cloned().ok_or_else(missing)?);
        }
        Ok(Read { section, place: self.place(section, ""), local, global, set })
    }

    fn find(&self, kind: Kind, name: &str, from: Option<&Place>) -> Result<&Section, Error> {
        let lists = if kind == Kind::App { APP_SECTIONS } else { FILTER_SECTIONS };
        let of_prefix = |prefix: &str| -> Vec<&Section> {
            let named = |section: &&Section| {
                section.name.strip_prefix(prefix).and_then(|rest| rest.strip_prefix(':')).map(str::trim) == Some(name)
            };
            self.document.sections.iter().filter(named).collect()
        };
        let of_list = |list: &&[&str]| list.iter().map(|prefix| of_prefix(prefix)).find(|found| !found.is_empty());
        match lists.iter().filter_map(of_list).flatten().collect::<Vec<_>>().as_slice() {
            [section] => Ok(section),
            [] => Err(match from {
                Some(from) => from.invalid(&format!("there is no section {}", kind.sections(name))),
                None => Error::Missing { path: self.path.clone(), sections: kind.sections(name) },
            }),
            [first, second, ..] => {
                let reason = format!("[{}] and [{}] have the same name", first.name, second.name);
                Err(self.invalid(second, "", &reason))
            }
        }
    }

    fn place(&self, section: &Section, option: &str) -> Place {
        let entry = section.entries.iter().find(|entry| entry.key == option);
        let option = entry.map(|entry| entry.line);
        Place { file: self.path.clone(), line: section.line, section: section.name.clone(), option }
    }

    /// An error at an option of a section, or at the section.
    fn invalid(&self, section: &Section, option: &str, reason: &str) -> Error {
        self.place(section, option).invalid(reason)
    }
}

fn shared(options: Options) -> Shared {
    Rc::new(RefCell::new(options))
}
