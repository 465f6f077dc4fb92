//! Tables with the borders of Python's PrettyTable, left aligned.

use super::wrap;

/// A table of `rows` under a header; a cell wider than `max_width` columns is wrapped.
pub(super) fn render(header: &[&str], rows: &[Vec<String>], max_width: Option<usize>) -> String {
    let rows: Vec<Vec<Vec<&str>>> =
        rows.iter().map(|row| row.iter().map(|cell| cell.split('\n').collect()).collect()).collect();
    let widths: Vec<_> = (0..header.len())
        .map(|column| {
            let cells = rows.iter().map(|row| row[column].iter().map(|line| wrap::width(line)).max().unwrap_or(0));
            let widest = cells.map(|width| max_width.map_or(width, |max| width.min(max.max(1)))).max().unwrap_or(0);
            widest.max(wrap::width(header[column]))
        })
        .collect();
    let rule: String = widths.iter().map(|width| format!("+{}", "-".repeat(width + 2))).collect::<String>() + "+\n";
    let mut table = rule.clone();
    push_line(&mut table, header, &widths);
    table.push_str(&rule);
    for row in &rows {
        push_row(&mut table, row, &widths);
    }
    table.push_str(&rule);
    table
}

fn push_row(table: &mut String, row: &[Vec<&str>], widths: &[usize]) {
    let cells: Vec<Vec<String>> = row.iter().zip(widths).map(|(lines, width)| fit(lines, *width)).collect();
    let height = cells.iter().map(Vec::len).max().unwrap_or(0);
    for line in 0..height {
        let line: Vec<_> = cells.iter().map(|cell| cell.get(line).map_or("", String::as_str)).collect();
        push_line(table, &line, widths);
    }
}

fn fit(lines: &[&str], width: usize) -> Vec<String> {
    let wrapped = |line: &&str| match wrap::width(line) > width {
        true => {
            let pieces = wrap::wrap(line, width);
            if pieces.is_empty() { vec![String::new()] } else { pieces }
        }
        false => vec![(*line).to_owned()],
    };
    lines.iter().flat_map(wrapped).collect()
}

fn push_line(table: &mut String, cells: &[&str], widths: &[usize]) {
    for (cell, width) in cells.iter().zip(widths) {
        table.push_str("| ");
        table.push_str(cell);
        table.push_str(&" ".repeat(width.saturating_sub(wrap::width(cell)) + 1));
    }
    table.push_str("|\n");
}

/// `text` with tabulators as blanks, up to the next multiple of eight columns.
pub(super) fn without_tabs(text: &str) -> String {
    let mut expanded = String::with_capacity(text.len());
    let mut column = 0;
    for c in text.chars() {
        match c {
            '\t' => {
                let blanks = 8 - column % 8;
                expanded.extend(std::iter::repeat_n(' ', blanks));
                column += blanks;
            }
            '\n' => {
                expanded.push(c);
                column = 0;
            }
            c => {
                expanded.push(c);
                column += 1;
            }
        }
    }
    expanded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(cells: &[&[&str]]) -> Vec<Vec<String>> {
        cells.iter().map(|row| row.iter().map(|cell| (*cell).to_owned()).collect()).collect()
    }

    #[test]
    fn an_empty_table_shows_its_header() {
        assert_eq!(render(&["ID", "Name"], &[], None), "+----+------+\n| ID | Name |\n+----+------+\n+----+------+\n");
    }

    #[test]
    fn wide_characters_count_twice() {
        let expected = "+----+------+\n| ID | Name |\n+----+------+\n| 1  | 日本 |\n| 2  | é    |\n+----+------+\n";
        assert_eq!(render(&["ID", "Name"], &rows(&[&["1", "日本"], &["2", "é"]]), None), expected);
    }

    #[test]
    fn long_cells_are_wrapped() {
        let expected = "+----------+-------+\n| Property | Value |\n+----------+-------+\n| k        | aaaa  |\n|          | bb    |\n\
                        |          | c     |\n+----------+-------+\n";
        assert_eq!(render(&["Property", "Value"], &rows(&[&["k", "aaaa bb\nc"]]), Some(5)), expected);
    }

    #[test]
    fn tabulators_become_blanks() {
        assert_eq!(without_tabs("a\tb\n\tc"), "a       b\n        c");
    }
}
