//! The format of Python's configparser, which is not that of oslo.config: paste files and property protections have it.
//!
//! A line continues a value if it is indented deeper than the line before it; sections and keys occur once;
//! `%(name)s` stands for another option of the section or of `[DEFAULT]`.

use std::cell::Cell;
use std::collections::HashMap;

use crate::python::{lines, strip, strip_end, strip_start};

/// Deepest chain of options that stand for each other.
const MAX_DEPTH: usize = 10;
/// Most options that may stand for others in one value.
const MAX_NAMES: usize = 1 << 10;
/// Longest value after interpolation, in bytes.
const MAX_LENGTH: usize = 1 << 16;

/// One `key = value`.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key as it is written.
    pub key: String,
    /// The value before interpolation.
    pub value: String,
    /// Number of the line with the key, from 1.
    pub line: usize,
}

/// What stands under one `[name]`.
#[derive(Clone, Debug)]
pub struct Section {
    /// The name as it is written.
    pub name: String,
    /// Number of the line with the name, from 1; 0 for `[DEFAULT]`.
    pub line: usize,
    /// In their order.
    pub entries: Vec<Entry>,
}

impl Section {
    fn find(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }
}

/// A file: its sections, with `[DEFAULT]` apart.
#[derive(Clone, Debug)]
pub struct Document {
    /// `[DEFAULT]`, whose entries every section has.
    pub defaults: Section,
    /// All others, in their order.
    pub sections: Vec<Section>,
}

/// A line number, from 1, and what is wrong there.
pub type Fault = (usize, String);

/// Reads a whole file.
///
/// # Errors
/// The first line that is not understood, and a section or key that occurs twice.
pub fn parse(text: &str) -> Result<Document, Fault> {
    let defaults = Section { name: "DEFAULT".to_owned(), line: 0, entries: Vec::new() };
    let mut parser = Parser { sections: vec![defaults], index: HashMap::new(), current: None, indent: 0, open: false };
    for (position, line) in lines(text).enumerate() {
        parser.line(line, position + 1).map_err(|reason| (position + 1, reason))?;
    }
    let mut sections = parser.sections;
    for entry in sections.iter_mut().flat_map(|section| &mut section.entries) {
        entry.value.truncate(strip_end(&entry.value).len());
    }
    let defaults = sections.remove(0);
    Ok(Document { defaults, sections })
}

struct Parser {
    /// `[DEFAULT]` first.
    sections: Vec<Section>,
    index: HashMap<String, usize>,
    current: Option<usize>,
    indent: usize,
    /// Whether the last value may still be continued.
    open: bool,
}

impl Parser {
    fn line(&mut self, line: &str, number: usize) -> Result<(), String> {
        let text = strip(line);
        if text.starts_with(['#', ';']) {
            return Ok(());
        }
        let indent = line.chars().count() - strip_start(line).chars().count();
        if text.is_empty() || (self.open && indent > self.indent) {
            if let Some(value) = self.open_value() {
                value.push('\n');
                value.push_str(text);
            }
            return Ok(());
        }
        self.indent = indent;
        self.open = false;
        match text.strip_prefix('[').and_then(|rest| rest.rfind(']').map(|end| &rest[..end])) {
            Some("") | None => self.entry(text, number),
            Some(name) => self.section(name, number),
        }
    }

    fn open_value(&mut self) -> Option<&mut String> {
        let section = self.sections.get_mut(self.current.filter(|_| self.open)?)?;
        section.entries.last_mut().map(|entry| &mut entry.value)
    }

    fn section(&mut self, name: &str, number: usize) -> Result<(), String> {
        if name == "DEFAULT" {
            self.current = Some(0);
            return Ok(());
        }
        let next = self.sections.len();
        if self.index.insert(name.to_owned(), next).is_some() {
            return Err(format!("the section [{name}] occurs twice"));
        }
        self.sections.push(Section { name: name.to_owned(), line: number, entries: Vec::new() });
        self.current = Some(next);
        Ok(())
    }

    fn entry(&mut self, text: &str, line: usize) -> Result<(), String> {
        let section = self.current.and_then(|current| self.sections.get_mut(current));
        let section = section.ok_or("a section such as [name] must come first")?;
        let (key, value) = text.split_once(['=', ':']).ok_or("neither = nor : after the name of an option")?;
        let key = strip_end(key);
        if key.is_empty() {
            return Err("the name of the option is missing".to_owned());
        }
        if section.find(key).is_some() {
            return Err(format!("the option {key} occurs twice in [{}]", section.name));
        }
        section.entries.push(Entry { key: key.to_owned(), value: strip_start(value).to_owned(), line });
        self.open = true;
        Ok(())
    }
}

impl Document {
    /// The value of an entry with `%(name)s` filled in. `given` are the values that come from outside, such as `here`.
    ///
    /// # Errors
    /// Names that mean nothing, that refer to each other too often, or that make the value too long.
    pub fn interpolate(
        &self,
        section: &Section,
        entry: &Entry,
        given: &HashMap<String, String>,
    ) -> Result<String, Fault> {
        let scope = Scope { document: self, section, given, names_left: Cell::new(MAX_NAMES) };
        let mut out = String::new();
        scope.fill(&mut out, &entry.value, MAX_DEPTH).map_err(|reason| (entry.line, reason))?;
        Ok(out)
    }
}

struct Scope<'a> {
    document: &'a Document,
    section: &'a Section,
    given: &'a HashMap<String, String>,
    /// How many more options may be looked up: if ten options each name the next one ten times, the work explodes.
    names_left: Cell<usize>,
}

impl Scope<'_> {
    fn fill(&self, out: &mut String, text: &str, depth: usize) -> Result<(), String> {
        const BAD: &str = "% must be followed by (name)s or by another %";
        let mut rest = text;
        while let Some(position) = rest.find('%') {
            out.push_str(&rest[..position]);
            rest = &rest[position + 1..];
            if let Some(after) = rest.strip_prefix('%') {
                out.push('%');
                rest = after;
                continue;
            }
            let (name, after) = rest.strip_prefix('(').and_then(|inner| inner.split_once(")s")).ok_or(BAD)?;
            self.fill_name(out, name, depth)?;
            rest = after;
        }
        out.push_str(rest);
        if out.len() > MAX_LENGTH { Err(format!("the value is longer than {MAX_LENGTH} bytes")) } else { Ok(()) }
    }

    fn fill_name(&self, out: &mut String, name: &str, depth: usize) -> Result<(), String> {
        const TOO_OFTEN: &str = "options refer to each other too often";
        let depth = depth.checked_sub(1).ok_or(TOO_OFTEN)?;
        self.names_left.set(self.names_left.get().checked_sub(1).ok_or(TOO_OFTEN)?);
        if let Some(entry) = self.section.find(name).or_else(|| self.document.defaults.find(name)) {
            return self.fill(out, &entry.value, depth);
        }
        let given =
            self.given.get(name).ok_or_else(|| format!("%({name})s is neither in the section nor in [DEFAULT]"))?;
        out.push_str(given);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values() {
        let text = "[DEFAULT]\nroot = /r\n[a]\n/: x\n/v2 = y\nlong = one\n  two ; three\n\n  four\n# c\n  # d\n  five\n\nlast = %(root)s/%%\n";
        let document = parse(text).unwrap();
        let section = &document.sections[0];
        let pairs: Vec<(&str, &str)> = section.entries.iter().map(|e| (e.key.as_str(), e.value.as_str())).collect();
        assert_eq!(
            pairs,
            [("/", "x"), ("/v2", "y"), ("long", "one\ntwo ; three\n\nfour\nfive"), ("last", "%(root)s/%%")]
        );
        let last = document.interpolate(section, &section.entries[3], &HashMap::new());
        assert_eq!(last, Ok("/r/%".to_owned()));
    }

    #[test]
    fn faults_name_the_line() {
        for (text, line) in [
            ("a = b", 1),
            ("[a]\nb", 2),
            ("[a]\n= b", 2),
            ("[a]\nb = 1\nb = 2", 3),
            ("[a]\n[b]\n[a]", 3),
            ("[a\nb = c", 1),
            ("[]", 1),
        ] {
            assert_eq!(parse(text).unwrap_err().0, line, "{text}");
        }
        for value in ["%", "%x", "%(nix)s", "%(b)s", "%(b"] {
            let document = parse(&format!("[a]\n\nb = {value}")).unwrap();
            let section = &document.sections[0];
            assert_eq!(
                document.interpolate(section, &section.entries[0], &HashMap::new()).unwrap_err().0,
                3,
                "{value}"
            );
        }
    }

    #[test]
    fn options_that_name_others_again_and_again_are_refused() {
        let chain = |times| (0..8).map(move |at| format!("a{at} = {}\n", format!("%(a{})s", at + 1).repeat(times)));
        for (times, good) in [(1, true), (10, false)] {
            let document = parse(&format!("[s]\n{}a8 =\n", chain(times).collect::<String>())).unwrap();
            let section = &document.sections[0];
            assert_eq!(document.interpolate(section, &section.entries[0], &HashMap::new()).is_ok(), good, "{times}");
        }
    }
}
