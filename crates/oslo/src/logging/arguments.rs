//! The arguments of a handler: Python expressions such as `('/var/log/api.log', 'a', 10*1024*1024, 5)`.
//!
//! Python evaluates them; here only what a handler can need is understood: constants, names, tuples, lists, dictionaries,
//! products and sums. Anything else is an error, never code.

use std::iter::Peekable;
use std::str::Chars;

/// Deepest nesting of brackets.
const MAX_DEPTH: usize = 16;

/// The value of an expression.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expression {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(String),
    /// A tuple or a list.
    Sequence(Vec<Expression>),
    Map(Vec<(Expression, Expression)>),
    /// A dotted name, such as `sys.stdout`.
    Name(String),
}

/// Understands an expression.
///
/// # Errors
/// What is wrong with it, for operators.
pub(super) fn evaluate(text: &str) -> Result<Expression, String> {
    let mut parser = Parser { rest: text.chars().peekable(), depth: 0 };
    let value = parser.sum()?;
    parser.skip_space();
    match parser.rest.next() {
        None => Ok(value),
        Some(c) => Err(format!("'{c}' is not expected in the arguments")),
    }
}

struct Parser<'a> {
    rest: Peekable<Chars<'a>>,
    depth: usize,
}

impl Parser<'_> {
    fn skip_space(&mut self) {
        while self.rest.next_if(|c| c.is_whitespace()).is_some() {}
    }

    /// Whether `wanted` comes next; it is taken if so.
    fn take(&mut self, wanted: char) -> bool {
        self.skip_space();
        self.rest.next_if_eq(&wanted).is_some()
    }

    fn sum(&mut self) -> Result<Expression, String> {
        let mut value = self.product()?;
        loop {
            if self.take('+') {
                value = arithmetic(&value, &self.product()?, i64::checked_add)?;
            } else if self.take('-') {
                value = arithmetic(&value, &self.product()?, i64::checked_sub)?;
            } else {
                return Ok(value);
            }
        }
    }

    fn product(&mut self) -> Result<Expression, String> {
        let mut value = self.atom()?;
        while self.take('*') {
            value = arithmetic(&value, &self.atom()?, i64::checked_mul)?;
        }
        Ok(value)
    }

    fn atom(&mut self) -> Result<Expression, String> {
        self.skip_space();
        match self.rest.peek().copied() {
            Some('(') => self.nested(Self::tuple),
            Some('[') => self.nested(|parser| Ok(Expression::Sequence(parser.items(']')?.0))),
            Some('{') => self.nested(Self::map),
            Some('\'' | '"') => self.strings(),
            Some('-') => {
                self.rest.next();
                match self.atom()? {
                    Expression::Int(number) => Ok(Expression::Int(-number)),
                    Expression::Float(number) => Ok(Expression::Float(-number)),
                    _ => Err("only a number can be negative".to_owned()),
                }
            }
            Some(c) if c.is_ascii_digit() => self.number(),
            Some(c) if c.is_alphabetic() || c == '_' => Ok(self.name()),
            Some(c) => Err(format!("'{c}' is not expected in the arguments")),
            None => Err("the arguments end too early".to_owned()),
        }
    }

    /// What stands in brackets, whose opening one is next.
    fn nested(&mut self, inner: fn(&mut Self) -> Result<Expression, String>) -> Result<Expression, String> {
        self.rest.next();
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("the arguments are nested too deeply".to_owned());
        }
        let value = inner(self);
        self.depth -= 1;
        value
    }

    fn tuple(&mut self) -> Result<Expression, String> {
        let (mut items, comma) = self.items(')')?;
        match (items.len(), comma) {
            (1, false) => Ok(items.remove(0)),
            _ => Ok(Expression::Sequence(items)),
        }
    }

    /// Items up to `end`, and whether a comma was among them.
    fn items(&mut self, end: char) -> Result<(Vec<Expression>, bool), String> {
        let mut items = Vec::new();
        let mut comma = false;
        while !self.take(end) {
            if !items.is_empty() && !comma_before(self, &mut comma) {
                return Err("a comma is missing in the arguments".to_owned());
            }
            if self.take(end) {
                break;
            }
            items.push(self.sum()?);
        }
        Ok((items, comma))
    }

    fn map(&mut self) -> Result<Expression, String> {
        let mut entries = Vec::new();
        while !self.take('}') {
            if !entries.is_empty() && !self.take(',') {
                return Err("a comma is missing in the arguments".to_owned());
            }
            if self.take('}') {
                break;
            }
            let key = self.sum()?;
            if !self.take(':') {
                return Err("a colon is missing after a key".to_owned());
            }
            entries.push((key, self.sum()?));
        }
        Ok(Expression::Map(entries))
    }

    /// Adjacent strings are one.
    fn strings(&mut self) -> Result<Expression, String> {
        let mut text = String::new();
        while let Some(quote) = self.next_quote() {
            self.string(quote, &mut text)?;
        }
        Ok(Expression::Str(text))
    }

    fn next_quote(&mut self) -> Option<char> {
        self.skip_space();
        self.rest.next_if(|c| matches!(c, '\'' | '"'))
    }

    fn string(&mut self, quote: char, text: &mut String) -> Result<(), String> {
        const OPEN: &str = "a text in the arguments does not end";
        loop {
            match self.rest.next().ok_or(OPEN)? {
                c if c == quote => return Ok(()),
                '\\' => match self.rest.next().ok_or(OPEN)? {
                    'n' => text.push('\n'),
                    't' => text.push('\t'),
                    'r' => text.push('\r'),
                    '\n' => {}
                    c @ ('\\' | '\'' | '"') => text.push(c),
                    c => return Err(format!("the escape \\{c} is not understood")),
                },
                '\n' => return Err(OPEN.to_owned()),
                c => text.push(c),
            }
        }
    }

    fn number(&mut self) -> Result<Expression, String> {
        let mut digits = String::new();
        while let Some(c) = self.rest.next_if(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_')) {
            digits.push(c);
        }
        let plain = digits.replace('_', "");
        let whole = match plain.get(..2) {
            Some("0o") => i64::from_str_radix(&plain[2..], 8).ok(),
            Some("0x") => i64::from_str_radix(&plain[2..], 16).ok(),
            _ => plain.parse().ok(),
        };
        match (whole, plain.parse()) {
            (Some(number), _) => Ok(Expression::Int(number)),
            (None, Ok(number)) => Ok(Expression::Float(number)),
            (None, Err(_)) => Err(format!("{digits} is not a number")),
        }
    }

    fn name(&mut self) -> Expression {
        let mut name = String::new();
        while let Some(c) = self.rest.next_if(|c| c.is_alphanumeric() || matches!(c, '_' | '.')) {
            name.push(c);
        }
        match name.as_str() {
            "None" => Expression::None,
            "True" => Expression::Bool(true),
            "False" => Expression::Bool(false),
            _ => Expression::Name(name),
        }
    }
}

fn comma_before(parser: &mut Parser<'_>, seen: &mut bool) -> bool {
    let found = parser.take(',');
    *seen |= found;
    found
}

fn arithmetic(
    left: &Expression,
    right: &Expression,
    operate: fn(i64, i64) -> Option<i64>,
) -> Result<Expression, String> {
    match (left, right) {
        (Expression::Int(left), Expression::Int(right)) => {
            operate(*left, *right).map(Expression::Int).ok_or_else(|| "a number is too large".to_owned())
        }
        (Expression::Str(left), Expression::Str(right)) if operate(1, 1) == Some(2) => {
            Ok(Expression::Str(format!("{left}{right}")))
        }
        _ => Err("only whole numbers can be computed with".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions() {
        let str = |text: &str| Expression::Str(text.to_owned());
        for (text, expected) in [
            ("()", Expression::Sequence(vec![])),
            ("(sys.stdout,)", Expression::Sequence(vec![Expression::Name("sys.stdout".into())])),
            ("('a\\'b' \"c\")", str("a'bc")),
            ("[10*1024*1024 - 1, 0o17, 1.5]", {
                Expression::Sequence(vec![Expression::Int(10_485_759), Expression::Int(15), Expression::Float(1.5)])
            }),
            ("{'a': None, 'b': (-1, True),}", {
                let pair = Expression::Sequence(vec![Expression::Int(-1), Expression::Bool(true)]);
                Expression::Map(vec![(str("a"), Expression::None), (str("b"), pair)])
            }),
        ] {
            assert_eq!(evaluate(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_constant_is_refused() {
        let deep = "(".repeat(1000);
        for text in ["", "(", "open('x')", "a if b else c", "'x", "(1 2)", "{1}", "1 * 'a'", "__import__('os')", &deep]
        {
            assert!(evaluate(text).is_err(), "{text}");
        }
    }
}
