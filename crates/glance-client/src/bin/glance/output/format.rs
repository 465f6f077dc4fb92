//! The output formats.

use std::fmt::Write;

use glance_client::{Json, Object};

use super::{Cells, Format, Listing, Properties, printable, python, table};
use crate::failure::Failure;

/// The `chosen` columns of a list.
pub(super) fn listing(list: &Listing, chosen: &[usize], format: Format) -> Result<String, Failure> {
    let header: Vec<_> = chosen.iter().map(|place| list.columns[*place]).collect();
    let rows = list.rows.iter().map(|row| chosen.iter().map(|place| &row[*place]));
    Ok(match format {
        Format::Table => {
            let cell = |value| match list.cells {
                Cells::BlankWhenFalse if !python::is_true(value) => String::new(),
                _ => cell(&python::text(value)),
            };
            let rows: Vec<Vec<_>> = rows.map(|row| row.map(cell).collect()).collect();
            table::render(&header, &rows, None)
        }
        Format::Value => lines(rows.map(|row| row.map(bare).collect::<Vec<_>>().join(" "))),
        Format::Csv => {
            let head = header.iter().map(|name| csv_text(name)).collect::<Vec<_>>().join(",");
            lines(std::iter::once(head).chain(rows.map(|row| row.map(csv).collect::<Vec<_>>().join(","))))
        }
        Format::Json | Format::Yaml => {
            let named = |row: &mut dyn Iterator<Item = &Json>| {
                header.iter().map(|name| (*name).to_owned()).zip(row.cloned()).collect::<Object>()
            };
            let objects = rows.map(|mut row| Json::Object(named(&mut row))).collect();
            structured(&Json::Array(objects), format)?
        }
    })
}

/// The properties `names`.
pub(super) fn properties(thing: &Properties, names: &[&str], format: Format) -> Result<String, Failure> {
    let values = names.iter().filter_map(|name| thing.values.get(name).map(|value| (*name, value)));
    Ok(match format {
        Format::Table => {
            let shown = |value: &Json| match value {
                Json::Array(_) | Json::Object(_) => python::json(value),
                value => python::text(value),
            };
            let rows: Vec<_> = values.map(|(name, value)| vec![cell(name), cell(&shown(value))]).collect();
            table::render(&["Property", "Value"], &rows, Some(thing.max_width))
        }
        Format::Value => lines(values.map(|(_, value)| bare(value))),
        Format::Csv => {
            let rows = values.map(|(name, value)| format!("{},{}", csv_text(name), csv(value)));
            lines(std::iter::once("\"Property\",\"Value\"".to_owned()).chain(rows))
        }
        Format::Json | Format::Yaml => {
            let object = values.map(|(name, value)| (name.to_owned(), value.clone())).collect();
            structured(&Json::Object(object), format)?
        }
    })
}

fn cell(text: &str) -> String {
    table::without_tabs(&printable(text))
}

/// A value for a script: text as it is, everything else as Python writes it.
fn bare(value: &Json) -> String {
    match value {
        Json::Array(_) | Json::Object(_) => python::json(value),
        value => python::text(value),
    }
}

/// A field: numbers bare, everything else in quotes.
fn csv(value: &Json) -> String {
    match value {
        Json::Number(number) => number.to_string(),
        Json::Null => csv_text(""),
        value => csv_text(&bare(value)),
    }
}

fn csv_text(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

fn lines(lines: impl Iterator<Item = String>) -> String {
    lines.fold(String::new(), |mut text, line| {
        let _ = writeln!(text, "{line}");
        text
    })
}

fn structured(value: &Json, format: Format) -> Result<String, Failure> {
    let failed = |cause: &dyn std::fmt::Display| Failure::message(format!("the output has no such form: {cause}"));
    if format == Format::Yaml {
        return serde_norway::to_string(value).map_err(|cause| failed(&cause));
    }
    serde_json::to_string_pretty(value).map(|text| text + "\n").map_err(|cause| failed(&cause))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list() -> Listing {
        let rows: Json = serde_json::from_str(r#"[["1","a \"b\"",7],["2",null,0]]"#).unwrap();
        let rows = rows.as_array().unwrap().iter().map(|row| row.as_array().unwrap().to_vec()).collect();
        Listing { columns: vec!["ID", "Name", "Size"], rows, cells: Cells::BlankWhenFalse }
    }

    fn shown(format: Format) -> String {
        listing(&list(), &[0, 1, 2], format).unwrap()
    }

    #[test]
    fn lists_in_every_format() {
        assert_eq!(
            shown(Format::Table),
            "+----+-------+------+\n| ID | Name  | Size |\n+----+-------+------+\n| 1  | a \"b\" | 7    |\n| 2  |       |      |\n\
             +----+-------+------+\n"
        );
        assert_eq!(shown(Format::Value), "1 a \"b\" 7\n2 None 0\n");
        assert_eq!(shown(Format::Csv), "\"ID\",\"Name\",\"Size\"\n\"1\",\"a \"\"b\"\"\",7\n\"2\",\"\",0\n");
        assert_eq!(shown(Format::Yaml), "- ID: '1'\n  Name: a \"b\"\n  Size: 7\n- ID: '2'\n  Name: null\n  Size: 0\n");
        let json: Json = serde_json::from_str(&shown(Format::Json)).unwrap();
        assert_eq!(json.as_array().unwrap()[0].as_object().unwrap().get("Size").unwrap().as_u64(), Some(7));
    }

    #[test]
    fn properties_in_a_table() {
        let values: Json = serde_json::from_str(r#"{"b":null,"a":["x","é"],"c":true}"#).unwrap();
        let thing = Properties::new(values.as_object().unwrap().clone());
        assert_eq!(
            properties(&thing, &["a", "b", "c"], Format::Table).unwrap(),
            "+----------+-----------------+\n| Property | Value           |\n+----------+-----------------+\n\
             | a        | [\"x\", \"\\u00e9\"] |\n| b        | None            |\n| c        | True            |\n\
             +----------+-----------------+\n"
        );
        assert_eq!(properties(&thing, &["c"], Format::Value).unwrap(), "True\n");
    }
}
