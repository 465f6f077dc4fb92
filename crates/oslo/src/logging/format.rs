//! Format strings: the three styles of Python's `logging.Formatter`, compiled once and filled in for every record.
//!
//! A field that a record does not have, or a conversion that does not fit its value, never loses a line: the field is
//! left empty, or shown as text.

use std::fmt::Write as _;

use super::record::{Field, Fields};
use crate::python::float_repr;

/// Widest field, in characters: a format string must not be able to exhaust memory.
const MAX_WIDTH: usize = 1000;

/// How fields are marked in a format string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// `%(name)s`.
    Percent,
    /// `{name}`.
    Brace,
    /// `$name` or `${name}`.
    Dollar,
}

impl Style {
    /// The style that a configuration file calls `%`, `{` or `$`.
    #[must_use]
    pub fn named(text: &str) -> Option<Self> {
        match text {
            "%" => Some(Self::Percent),
            "{" => Some(Self::Brace),
            "$" => Some(Self::Dollar),
            _ => None,
        }
    }

    /// The format string that shows the message alone.
    #[must_use]
    pub fn message(self) -> &'static str {
        match self {
            Self::Percent => "%(message)s",
            Self::Brace => "{message}",
            Self::Dollar => "${message}",
        }
    }
}

/// A compiled format string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Format {
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Field { name: String, spec: Spec },
}

/// How one field is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Spec {
    fill: Option<char>,
    align: Option<Align>,
    sign: Option<char>,
    width: usize,
    precision: Option<usize>,
    /// The letter of the conversion; `None` for text as it comes.
    conversion: Option<char>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Align {
    Left,
    Right,
    Center,
    /// Zeroes between sign and digits.
    Zeroes,
}

impl Format {
    /// Compiles a format string.
    ///
    /// # Errors
    /// What is wrong with it; a string without any field is wrong, too.
    pub fn new(text: &str, style: Style) -> Result<Self, String> {
        let format = Self::fragment(text, style)?;
        if format.pieces.iter().any(|piece| matches!(piece, Piece::Field { .. })) {
            return Ok(format);
        }
        Err(format!("the format '{text}' has no field of the style {}", style.message()))
    }

    /// Compiles a part of a line, which needs no field.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn fragment(text: &str, style: Style) -> Result<Self, String> {
        let pieces = match style {
            Style::Percent => percent(text)?,
            Style::Brace => brace(text)?,
            Style::Dollar => dollar(text)?,
        };
        Ok(Self { pieces })
    }

    /// Whether the field occurs.
    #[must_use]
    pub fn has(&self, wanted: &str) -> bool {
        self.pieces.iter().any(|piece| matches!(piece, Piece::Field { name, .. } if name == wanted))
    }

    /// Appends the string with the fields of a record filled in.
    pub fn push(&self, out: &mut String, fields: &dyn Fields) {
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Field { name, spec } => {
                    if let Some(field) = fields.field(name) {
                        spec.push(out, &field);
                    }
                }
            }
        }
    }
}

fn percent(text: &str) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(position) = rest.find('%') {
        push_text(&mut pieces, &rest[..position]);
        rest = &rest[position + 1..];
        if let Some(after) = rest.strip_prefix('%') {
            push_text(&mut pieces, "%");
            rest = after;
            continue;
        }
        let inner = rest.strip_prefix('(').and_then(|inner| inner.split_once(')'));
        let (name, after) = inner.ok_or("% must be followed by (name) or by another %")?;
        let (spec, after) = percent_spec(after)?;
        pieces.push(Piece::Field { name: name.to_owned(), spec });
        rest = after;
    }
    push_text(&mut pieces, rest);
    Ok(pieces)
}

/// Flags, width, precision and conversion, and what follows them.
fn percent_spec(text: &str) -> Result<(Spec, &str), String> {
    let end = text.find(|c: char| !matches!(c, '#' | '0' | '+' | ' ' | '-')).unwrap_or(text.len());
    let (flags, rest) = text.split_at(end);
    let (width, rest) = digits(rest)?;
    let (precision, rest) = match rest.strip_prefix('.') {
        Some(rest) => digits(rest).map(|(number, rest)| (Some(number.unwrap_or(0)), rest))?,
        None => (None, rest),
    };
    let conversion = rest.chars().next().filter(|c| "diouxXeEfFgGcrsa".contains(*c));
    let conversion = conversion.ok_or("a field must end with a conversion such as s or d")?;
    let align = match (flags.contains('-'), flags.contains('0')) {
        (true, _) => Align::Left,
        (false, true) if !matches!(conversion, 's' | 'r' | 'a' | 'c') => Align::Zeroes,
        _ => Align::Right,
    };
    let sign = ['+', ' '].into_iter().find(|sign| flags.contains(*sign));
    let spec = Spec {
        fill: None,
        align: Some(align),
        sign,
        width: width.unwrap_or(0),
        precision,
        conversion: Some(conversion),
    };
    Ok((spec, &rest[1..]))
}

/// The number that a text begins with.
fn digits(text: &str) -> Result<(Option<usize>, &str), String> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    if digits.is_empty() {
        return Ok((None, rest));
    }
    match digits.parse() {
        Ok(number) if number <= MAX_WIDTH => Ok((Some(number), rest)),
        _ => Err(format!("a field is wider than {MAX_WIDTH}")),
    }
}

fn brace(text: &str) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(position) = rest.find(['{', '}']) {
        push_text(&mut pieces, &rest[..position]);
        let mark = &rest[position..=position];
        rest = &rest[position + 1..];
        if let Some(after) = rest.strip_prefix(mark) {
            push_text(&mut pieces, mark);
            rest = after;
            continue;
        }
        if mark == "}" {
            return Err("a single } must be doubled".to_owned());
        }
        let (inner, after) = rest.split_once('}').ok_or("a { has no }")?;
        pieces.push(brace_field(inner)?);
        rest = after;
    }
    push_text(&mut pieces, rest);
    Ok(pieces)
}

fn brace_field(inner: &str) -> Result<Piece, String> {
    let (name, spec) = inner.split_once(':').unwrap_or((inner, ""));
    let (name, conversion) = name.split_once('!').unwrap_or((name, "s"));
    if name.is_empty() || !name.chars().all(|c| c.is_alphanumeric() || c == '_') {
        return Err(format!("'{name}' is not the name of a field"));
    }
    if !matches!(conversion, "s" | "r" | "a") {
        return Err(format!("!{conversion} is not a conversion"));
    }
    Ok(Piece::Field { name: name.to_owned(), spec: brace_spec(spec)? })
}

/// `[[fill]align][sign][#][0][width][.precision][letter]`.
fn brace_spec(text: &str) -> Result<Spec, String> {
    let mut spec = Spec::default();
    let mut chars = text.chars();
    let first = chars.next();
    let mut rest = text;
    if let (Some(first), Some(align)) = (first, chars.next().and_then(align)) {
        spec.fill = Some(first);
        spec.align = Some(align);
        rest = chars.as_str();
    } else if let Some(found) = first.and_then(align) {
        spec.align = Some(found);
        rest = &text[1..];
    }
    spec.sign = rest.chars().next().filter(|c| matches!(c, '+' | '-' | ' '));
    rest = spec.sign.map_or(rest, |_| &rest[1..]);
    rest = rest.strip_prefix('#').unwrap_or(rest);
    if let Some(after) = rest.strip_prefix('0') {
        spec.align = spec.align.or(Some(Align::Zeroes));
        spec.fill = spec.fill.or(Some('0'));
        rest = after;
    }
    let (width, after) = digits(rest)?;
    spec.width = width.unwrap_or(0);
    rest = after;
    if let Some(after) = rest.strip_prefix('.') {
        let (precision, after) = digits(after)?;
        spec.precision = Some(precision.ok_or("a precision is missing after the dot")?);
        rest = after;
    }
    let mut letters = rest.chars();
    spec.conversion = letters.next();
    let known = spec.conversion.is_none_or(|letter| "bcdeEfFgGnosxX%".contains(letter));
    if known && letters.next().is_none() { Ok(spec) } else { Err(format!("'{text}' does not format a field")) }
}

fn align(mark: char) -> Option<Align> {
    match mark {
        '<' => Some(Align::Left),
        '>' => Some(Align::Right),
        '^' => Some(Align::Center),
        '=' => Some(Align::Zeroes),
        _ => None,
    }
}

fn dollar(text: &str) -> Result<Vec<Piece>, String> {
    const BAD: &str = "$ must be followed by a name, {name} or another $";
    let is_name = |c: char| c == '_' || c.is_ascii_alphanumeric();
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(position) = rest.find('$') {
        push_text(&mut pieces, &rest[..position]);
        rest = &rest[position + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            push_text(&mut pieces, "$");
            rest = after;
            continue;
        }
        let (name, after) = match rest.strip_prefix('{') {
            Some(inner) => inner.split_once('}').ok_or(BAD)?,
            None => rest.split_at(rest.find(|c| !is_name(c)).unwrap_or(rest.len())),
        };
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) || !name.chars().all(is_name) {
            return Err(BAD.to_owned());
        }
        pieces.push(Piece::Field { name: name.to_owned(), spec: Spec::default() });
        rest = after;
    }
    push_text(&mut pieces, rest);
    Ok(pieces)
}

fn push_text(pieces: &mut Vec<Piece>, text: &str) {
    match pieces.last_mut() {
        _ if text.is_empty() => {}
        Some(Piece::Text(last)) => last.push_str(text),
        _ => pieces.push(Piece::Text(text.to_owned())),
    }
}

impl Spec {
    fn push(&self, out: &mut String, field: &Field<'_>) {
        let Some(number) = self.number(field) else { return self.push_text(out, field) };
        let (sign, digits) = match number.strip_prefix('-') {
            Some(digits) => ("-", digits),
            None if self.sign == Some('+') => ("+", number.as_str()),
            None if self.sign == Some(' ') => (" ", number.as_str()),
            None => ("", number.as_str()),
        };
        if self.align == Some(Align::Zeroes) {
            let missing = self.width.saturating_sub(sign.len() + digits.len());
            out.push_str(sign);
            out.extend(std::iter::repeat_n(self.fill.unwrap_or('0'), missing));
            out.push_str(digits);
        } else {
            self.pad(out, &format!("{sign}{digits}"), Align::Right);
        }
    }

    fn push_text(&self, out: &mut String, field: &Field<'_>) {
        let text = field.to_text();
        let text = match (self.precision, self.conversion) {
            (Some(most), None | Some('s' | 'r' | 'a')) => {
                text.char_indices().nth(most).map_or(&*text, |(end, _)| &text[..end])
            }
            _ => &*text,
        };
        let usual = if matches!(field, Field::Int(_) | Field::Float(_)) { Align::Right } else { Align::Left };
        self.pad(out, text, usual);
    }

    /// The digits, if the conversion asks for a number and the field is one.
    fn number(&self, field: &Field<'_>) -> Option<String> {
        let conversion = self.conversion.or_else(|| self.precision.map(|_| 'g'));
        match (conversion?, field) {
            ('d' | 'i' | 'u' | 'n', Field::Int(number)) => Some(self.at_least(number.to_string())),
            ('d' | 'i' | 'u', Field::Float(number)) if number.is_finite() => {
                Some(self.at_least(format!("{:.0}", number.trunc())))
            }
            ('x', Field::Int(number)) => Some(format!("{number:x}")),
            ('X', Field::Int(number)) => Some(format!("{number:X}")),
            ('o', Field::Int(number)) => Some(format!("{number:o}")),
            ('b', Field::Int(number)) => Some(format!("{number:b}")),
            ('f' | 'F' | 'e' | 'E' | 'g' | 'G', field) => Some(self.float(field.as_float()?)),
            _ => None,
        }
    }

    /// In the style `%` the precision of a whole number is its least number of digits.
    fn at_least(&self, digits: String) -> String {
        let (sign, digits) = digits.strip_prefix('-').map_or(("", &*digits), |digits| ("-", digits));
        format!("{sign}{digits:0>width$}", width = self.precision.unwrap_or(0))
    }

    fn float(&self, number: f64) -> String {
        let precision = self.precision.unwrap_or(6);
        match self.conversion {
            Some('e' | 'E') => {
                let text = format!("{number:.precision$e}");
                let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
                let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |digits| ('-', digits));
                format!("{mantissa}e{sign}{exponent:0>2}")
            }
            Some('f' | 'F') => format!("{number:.precision$}"),
            _ => float_repr(number),
        }
    }

    fn pad(&self, out: &mut String, text: &str, usual: Align) {
        let missing = self.width.saturating_sub(text.chars().count());
        let before = match self.align.unwrap_or(usual) {
            Align::Left => 0,
            Align::Right | Align::Zeroes => missing,
            Align::Center => missing / 2,
        };
        let fill = self.fill.unwrap_or(' ');
        out.extend(std::iter::repeat_n(fill, before));
        let _ = out.write_str(text);
        out.extend(std::iter::repeat_n(fill, missing - before));
    }
}
