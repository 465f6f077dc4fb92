//! Texts made from the tables: a sample file and a list for `--help`.

use std::fmt::Write as _;

use super::options::{Kind, OptionDef};

/// Width of a line of a sample, in characters.
const WIDTH: usize = 79;

/// A sample configuration file: every option, commented out, with its default. Each table has a name for its heading.
#[must_use]
pub fn sample(tables: &[(&str, &[OptionDef])]) -> String {
    let mut out = String::new();
    for group in groups(tables) {
        let _ = write!(out, "[{group}]\n\n");
        for (source, table) in tables {
            let mut options = table.iter().filter(|def| def.group == group).peekable();
            if options.peek().is_some() {
                let _ = write!(out, "#\n# From {source}\n#\n\n");
            }
            options.for_each(|def| push_option(&mut out, def));
        }
        out.push('\n');
    }
    out
}

/// The groups of the tables: `DEFAULT` first, the others by name.
fn groups<'a>(tables: &[(&str, &'a [OptionDef])]) -> Vec<&'a str> {
    let mut groups: Vec<&str> = tables.iter().flat_map(|(_, table)| table.iter().map(|def| def.group)).collect();
    groups.sort_by_key(|group| (*group != "DEFAULT", *group));
    groups.dedup();
    groups
}

fn push_option(out: &mut String, def: &OptionDef) {
    push_comment(out, def.help);
    push_comment(out, &format!("Type: {}{}", def.kind.name(), range(def)));
    if !def.choices.is_empty() {
        push_comment(out, &format!("One of: {}", def.choices.join(", ")));
    }
    if def.mutable {
        push_comment(out, "A reload changes it.");
    }
    for old in def.old_names {
        push_comment(out, &format!("Old name: [{}] {}", old.group.unwrap_or(def.group), old.name));
    }
    if let Some(reason) = def.deprecated {
        push_comment(out, &format!("Deprecated: {reason}"));
    }
    let shown = def.sample.or(def.default);
    match shown {
        Some(text) if def.kind == Kind::MultiStr => {
            text.lines().for_each(|line| push_assignment(out, def.name, line));
        }
        Some(text) => push_assignment(out, def.name, text),
        None => push_assignment(out, def.name, "<none>"),
    }
    out.push('\n');
}

/// Quotes keep white space at the ends of a value.
fn push_assignment(out: &mut String, name: &str, text: &str) {
    let quote = if text.trim() == text { "" } else { "\"" };
    let _ = writeln!(out, "#{name} = {quote}{text}{quote}");
}

fn range(def: &OptionDef) -> String {
    match (def.min, def.max) {
        (Some(min), Some(max)) => format!(", {min} to {max}"),
        (Some(min), None) => format!(", at least {min}"),
        (None, Some(max)) => format!(", at most {max}"),
        (None, None) => String::new(),
    }
}

fn push_comment(out: &mut String, text: &str) {
    for paragraph in text.lines() {
        for line in wrap(paragraph, WIDTH - 2) {
            let _ = writeln!(out, "# {line}");
        }
    }
}

/// Breaks a paragraph into lines of at most `width` characters, except for longer words.
fn wrap(paragraph: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in paragraph.split_whitespace() {
        let last = lines.last_mut();
        match last {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// One line for each option, for `--help`: group, name, kind, default, and the first line of its explanation.
#[must_use]
pub fn help(tables: &[&[OptionDef]]) -> String {
    let mut out = String::new();
    for def in tables.iter().copied().flatten() {
        let default = def.default.filter(|_| !def.secret).map(|text| format!(", default {text}")).unwrap_or_default();
        let summary = def.help.lines().next().unwrap_or_default();
        let _ = writeln!(out, "[{}] {} ({}{default})\n    {summary}", def.group, def.name, def.kind.name());
    }
    out
}
