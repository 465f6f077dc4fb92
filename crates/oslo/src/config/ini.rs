//! The line format of oslo.config: keys may repeat, values continue on indented lines, comments stand on their own line.
//!
//! The format is what `oslo_config.iniparser` reads; it is neither that of Python's configparser nor that of other INI files.

use crate::python::{lines, strip, strip_end, strip_start};

/// One `key = value` of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The section as it is written.
    pub section: String,
    /// The key, without white space around it.
    pub key: String,
    /// The value: outer quotes removed, continuation lines joined by `\n`.
    pub value: String,
    /// Number of the line with the key, from 1.
    pub line: usize,
}

/// Why a text is no configuration file. The text of the line is left out: it may hold a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct SyntaxError {
    /// Number of the line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// Reads a whole file.
///
/// # Errors
/// The first line that is not understood.
pub fn parse(text: &str) -> Result<Vec<Assignment>, SyntaxError> {
    let mut parser = Parser::default();
    for (position, line) in lines(text).enumerate() {
        let line_number = position + 1;
        parser.line(strip_end(line), line_number).map_err(|reason| SyntaxError { line: line_number, reason })?;
    }
    Ok(parser.done)
}

#[derive(Default)]
struct Parser {
    section: Option<String>,
    done: Vec<Assignment>,
    /// Whether the last assignment may still be continued.
    open: bool,
}

impl Parser {
    fn line(&mut self, line: &str, number: usize) -> Result<(), &'static str> {
        if line.starts_with([' ', '\t']) {
            return self.continuation(line);
        }
        self.open = false;
        if line.is_empty() || line.starts_with(['#', ';']) {
            return Ok(());
        }
        if line.starts_with('[') {
            self.section = Some(section_name(line)?.to_owned());
            return Ok(());
        }
        let (key, value) = split(line)?;
        let section = self.section.clone().ok_or("a section such as [DEFAULT] must come first")?;
        self.done.push(Assignment { section, key: key.to_owned(), value: value.to_owned(), line: number });
        self.open = true;
        Ok(())
    }

    fn continuation(&mut self, line: &str) -> Result<(), &'static str> {
        let assignment = self.done.last_mut().filter(|_| self.open);
        let assignment = assignment.ok_or("an indented line must continue the value of the line before it")?;
        assignment.value.push('\n');
        assignment.value.push_str(strip_start(line));
        Ok(())
    }
}

fn section_name(line: &str) -> Result<&str, &'static str> {
    let name = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    match name {
        None => Err("a section must end with ]"),
        Some("") => Err("the name of the section is missing"),
        Some(name) => Ok(name),
    }
}

fn split(line: &str) -> Result<(&str, &str), &'static str> {
    let (key, value) = line.split_once(['=', ':']).ok_or("neither = nor : after the name of an option")?;
    let key = strip(key);
    if key.is_empty() {
        return Err("the name of the option is missing");
    }
    Ok((key, unquote(strip(value))))
}

/// Removes one pair of equal quotes; a lone quote counts as both.
fn unquote(value: &str) -> &str {
    for quote in ['"', '\''] {
        if let Some(rest) = value.strip_prefix(quote) {
            return if rest.is_empty() { "" } else { rest.strip_suffix(quote).unwrap_or(value) };
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        parse(text).unwrap().into_iter().map(|a| (a.key, a.value)).collect()
    }

    #[test]
    fn values() {
        for (text, value) in [
            ("a = b", "b"),
            ("a: b=c", "b=c"),
            ("a=b:c", "b:c"),
            ("a =", ""),
            ("a = 'b'", "b"),
            ("a = \"b'", "\"b'"),
            ("a = '", ""),
            ("a = b ; c # d", "b ; c # d"),
            ("a = b\n  c\n\td", "b\nc\nd"),
            ("a = b\r\n c\r\n", "b\nc"),
            ("a = 'b\n c'", "'b\nc'"),
        ] {
            assert_eq!(pairs(&format!("[DEFAULT]\n{text}")), [("a".to_owned(), value.to_owned())], "{text}");
        }
    }

    #[test]
    fn keys_repeat_and_comments_stand_alone() {
        let found = pairs("# c\n[x]\na = 1\n;a = 2\n#a = 3\na = 4\n\n[y]\na=5");
        assert_eq!(found.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>(), ["1", "4", "5"]);
    }

    #[test]
    fn errors_name_the_line() {
        for (text, line) in [
            ("[DEFAULT]\nfoo", 2),
            ("[DEFAULT]\n= foo", 2),
            ("\n[DEFAULT", 2),
            ("[a] # b", 1),
            ("[]", 1),
            ("a = b", 1),
            ("[a]\n b", 2),
            ("[a]\nb = c\n\n d", 4),
            ("[a]\nb = c\n# d\n e", 4),
        ] {
            assert_eq!(parse(text).unwrap_err().line, line, "{text}");
        }
    }
}
