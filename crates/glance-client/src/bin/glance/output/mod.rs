//! What commands print: a list of rows or the properties of one thing, in the format that was asked for.

mod format;
mod python;
mod table;
mod wrap;

use std::io::{self, Write};

use clap::{Args, ValueEnum};
use glance_client::{Json, Object};

use crate::failure::Failure;

/// How to print.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// A table with borders
    #[default]
    Table,
    /// JSON
    Json,
    /// Bare values
    Value,
    /// Comma-separated values
    Csv,
    /// YAML
    Yaml,
}

/// Options of the commands that print something.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArgs {
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) format: Format,
    /// Print this column or property only; may be repeated
    #[arg(short, long = "column", value_name = "COLUMN")]
    pub(crate) columns: Vec<String>,
}

/// How python-glanceclient shows a cell of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cells {
    /// Null, false, zero and what is empty is left blank.
    BlankWhenFalse,
    /// Everything is shown.
    Plain,
}

/// A list of things, one a row.
pub(crate) struct Listing {
    pub(crate) columns: Vec<&'static str>,
    pub(crate) rows: Vec<Vec<Json>>,
    pub(crate) cells: Cells,
}

impl Listing {
    /// A row for each object, each cell from the attribute that the column is named after.
    pub(crate) fn of<'a>(columns: &[&'static str], objects: impl IntoIterator<Item = &'a Object>) -> Self {
        let attributes: Vec<_> = columns.iter().map(|column| column.to_lowercase().replace(' ', "_")).collect();
        let row = |object: &Object| {
            attributes.iter().map(|name| object.get(name).cloned().unwrap_or(Json::Null)).collect::<Vec<_>>()
        };
        let rows = objects.into_iter().map(row).collect();
        Self { columns: columns.to_vec(), rows, cells: Cells::BlankWhenFalse }
    }

    /// Prints the list.
    pub(crate) fn print(&self, args: &OutputArgs) -> Result<(), Failure> {
        let chosen = choose(&self.columns, &args.columns)?;
        write_text(&format::listing(self, &chosen, args.format)?)
    }
}

/// The properties of one thing.
pub(crate) struct Properties {
    pub(crate) values: Object,
    /// The widest a column of the table may be.
    pub(crate) max_width: usize,
}

impl Properties {
    /// All members of `values`.
    pub(crate) fn new(values: Object) -> Self {
        Self { values, max_width: 80 }
    }

    /// Prints the properties.
    pub(crate) fn print(&self, args: &OutputArgs) -> Result<(), Failure> {
        let mut names: Vec<_> = self.values.iter().map(|(name, _)| name).collect();
        names.sort_unstable();
        let chosen = choose(&names, &args.columns)?;
        let names: Vec<_> = chosen.iter().map(|place| names[*place]).collect();
        write_text(&format::properties(self, &names, args.format)?)
    }
}

/// The places of the `wanted` names in `available`; all when none is wanted.
fn choose(available: &[&str], wanted: &[String]) -> Result<Vec<usize>, Failure> {
    if wanted.is_empty() {
        return Ok((0..available.len()).collect());
    }
    let place = |name: &String| {
        available
            .iter()
            .position(|column| column.eq_ignore_ascii_case(name))
            .ok_or_else(|| Failure::message(format!("No column named {name}; there are: {}", available.join(", "))))
    };
    wanted.iter().map(place).collect()
}

/// Writes to standard output.
pub(crate) fn write_text(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

/// `text` with its control characters made visible: names and messages come from strangers, and a terminal would obey.
pub(crate) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' => shown.push(c),
            c if c.is_control() => shown.extend(c.escape_unicode()),
            c => shown.push(c),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_chosen_by_name_in_any_case() {
        let available = ["ID", "Name", "Size"];
        assert_eq!(choose(&available, &[]).unwrap(), [0, 1, 2]);
        assert_eq!(choose(&available, &["size".to_owned(), "ID".to_owned()]).unwrap(), [2, 0]);
        assert!(choose(&available, &["Colour".to_owned()]).is_err());
    }

    #[test]
    fn a_terminal_does_not_obey_what_others_wrote() {
        assert_eq!(printable("a\x1b[2Jb\u{9b}\n"), "a\\u{1b}[2Jb\\u{9b}\n");
    }
}
