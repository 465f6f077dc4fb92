//! Python's regular expressions in Rust's: what means the same is passed on, what means something else is written anew,
//! and what Rust's cannot say (look-around, references to groups, possessive quantifiers) is refused.

use std::iter::Peekable;
use std::str::Chars;

use regex::Regex;

/// Escapes of letters that mean the same in both.
const COMMON: &str = "dDwWsSntrfvaxuU";

/// Compiles an expression of Python's `re`.
///
/// # Errors
/// What is wrong with it, or cannot be said here.
pub(super) fn compile(pattern: &str) -> Result<Regex, String> {
    let mut translation = Translation { rest: pattern.chars().peekable(), out: String::with_capacity(pattern.len()) };
    translation.run()?;
    Regex::new(&translation.out).map_err(|error| {
        let text = error.to_string();
        text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
    })
}

struct Translation<'a> {
    rest: Peekable<Chars<'a>>,
    out: String,
}

impl Translation<'_> {
    fn run(&mut self) -> Result<(), String> {
        while let Some(c) = self.rest.next() {
            match c {
                '\\' => self.escape(Place::Outside)?,
                '[' => self.class()?,
                '(' => self.group()?,
                // Before a line feed at the very end it is the end, too.
                '$' => self.out.push_str(r"(?:\n?\z)"),
                '*' | '+' | '?' => {
                    self.out.push(c);
                    self.quantified()?;
                }
                '{' => self.count()?,
                '}' => self.out.push_str(r"\}"),
                other => self.out.push(other),
            }
        }
        Ok(())
    }

    fn escape(&mut self, place: Place) -> Result<(), String> {
        let c = self.rest.next().ok_or("the expression ends with a backslash")?;
        let braced = self.rest.peek() == Some(&'{');
        match (c, place) {
            ('x' | 'u' | 'U' | 'b' | 'B', _) if braced => return Err(format!("\\{c}{{ means nothing in Python")),
            ('Z', Place::Outside) => self.out.push_str(r"\z"),
            ('A' | 'b' | 'B', Place::Outside) => self.out.extend(['\\', c]),
            ('b', Place::Class) => self.out.push_str(r"\x08"),
            (c, _) if COMMON.contains(c) => self.out.extend(['\\', c]),
            (c, _) if c.is_ascii_alphanumeric() => return Err(format!("\\{c} is not supported")),
            ('<' | '>', _) => self.out.push(c),
            (c, _) if c.is_ascii_punctuation() => self.out.extend(['\\', c]),
            (c, _) => self.out.push(c),
        }
        Ok(())
    }

    fn class(&mut self) -> Result<(), String> {
        self.out.push('[');
        if self.rest.next_if_eq(&'^').is_some() {
            self.out.push('^');
        }
        if self.rest.next_if_eq(&']').is_some() {
            self.out.push_str(r"\]");
        }
        loop {
            match self.rest.next().ok_or("a [ has no ]")? {
                ']' => break,
                '\\' => self.escape(Place::Class)?,
                // Rust's classes can be nested, united and intersected; Python's cannot.
                c @ ('[' | '&' | '~') => self.out.extend(['\\', c]),
                '-' if self.rest.peek() == Some(&'-') => return Err("-- in [ ] is not supported".to_owned()),
                other => self.out.push(other),
            }
        }
        self.out.push(']');
        Ok(())
    }

    fn group(&mut self) -> Result<(), String> {
        self.out.push('(');
        if self.rest.next_if_eq(&'?').is_none() {
            return Ok(());
        }
        self.out.push('?');
        let rest: String = self.rest.clone().take_while(|c| !matches!(c, ')' | ':')).collect();
        let named = rest.strip_prefix('P').is_some_and(|rest| rest.starts_with('<'));
        let known = named || rest.chars().all(|flag| matches!(flag, 'i' | 's' | '-'));
        if known { Ok(()) } else { Err(format!("(?{} is not supported", rest.chars().next().unwrap_or_default())) }
    }

    /// `{2}`, `{2,}`, `{,3}`, `{2,3}`; any other brace is one.
    fn count(&mut self) -> Result<(), String> {
        let inside: String = self.rest.clone().take_while(|c| c.is_ascii_digit() || *c == ',').collect();
        let closed = self.rest.clone().nth(inside.len()) == Some('}');
        if !closed || inside.matches(',').count() > 1 || !inside.contains(|c: char| c.is_ascii_digit()) {
            self.out.push_str(r"\{");
            return Ok(());
        }
        self.out.push('{');
        if inside.starts_with(',') {
            self.out.push('0');
        }
        self.out.extend(self.rest.by_ref().take(inside.len() + 1));
        self.quantified()
    }

    /// After a quantifier: `?` makes it lazy, another quantifier makes it possessive or is wrong.
    fn quantified(&mut self) -> Result<(), String> {
        if self.rest.next_if_eq(&'?').is_some() {
            self.out.push('?');
        }
        match self.rest.peek() {
            Some(c @ ('*' | '+' | '?')) => Err(format!("{c} after another quantifier is not supported")),
            _ => Ok(()),
        }
    }
}

/// Where an escape stands.
#[derive(Clone, Copy)]
enum Place {
    Outside,
    Class,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_python_finds_is_found() {
        for (pattern, text, found) in [
            ("colour", "my_colours", true),
            ("^x_.*", "x_owner", true),
            ("^x_.*", "my_x_owner", false),
            ("^x$", "x\n", true),
            ("^x$", "x\ny", false),
            (r"x\Z", "x\n", false),
            ("a{,2}b{2}", "bb", true),
            ("a{b", "a{b", true),
            ("a{,}", "a{,}", true),
            ("[[a]x", "[x", true),
            ("[^]a]", "]", false),
            ("[a&&b]", "&", true),
            (r"\<a\>", "<a>", true),
            (r"[\d_-]+\.\w", "1-2.ö", true),
            ("(?i)COLOUR|(?:shape)|(?P<n>size)", "Colour", true),
            ("a+?b*?", "a", true),
            (r"[\b]", "\u{8}", true),
        ] {
            assert_eq!(compile(pattern).unwrap().is_match(text), found, "{pattern} {text:?}");
        }
    }

    #[test]
    fn what_cannot_be_said_is_refused() {
        for (pattern, reason) in [
            ("^(?!os_)", "(?! is not supported"),
            ("(?<=a)b", "(?< is not supported"),
            (r"(a)\1", r"\1 is not supported"),
            ("(?P=n)", "(?P is not supported"),
            ("a++", "+ after another quantifier is not supported"),
            ("(?x) a", "(?x is not supported"),
            (r"\p{L}", r"\p is not supported"),
            (r"\b{start}", r"\b{ means nothing in Python"),
            ("[a--b]", "-- in [ ] is not supported"),
            ("[a", "a [ has no ]"),
            ("a\\", "the expression ends with a backslash"),
            ("(a", "unclosed group"),
            ("*", "repetition operator missing expression"),
        ] {
            assert_eq!(compile(pattern).unwrap_err(), reason, "{pattern}");
        }
    }
}
