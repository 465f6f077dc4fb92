//! The right side of a check: text with `%(name)s` where an attribute of the target goes.

use std::borrow::Cow;

use super::evaluate::Stop;
use super::target::Attributes;

/// A text in the part of Python's `%` notation that rules use.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Template {
    source: String,
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq)]
enum Piece {
    Text(String),
    /// `%(name)s`.
    Attribute(String),
    /// Anything else after a percent sign. It fails when it is reached, as in Python, where the attribute that it
    /// may name is looked up before.
    Broken(Option<String>),
}

impl Template {
    pub(super) fn parse(source: &str) -> Self {
        let mut pieces = Vec::new();
        let mut text = String::new();
        let mut rest = source;
        while let Some(position) = rest.find('%') {
            text.push_str(&rest[..position]);
            rest = &rest[position + 1..];
            if let Some(after) = rest.strip_prefix('%') {
                text.push('%');
                rest = after;
                continue;
            }
            flush(&mut text, &mut pieces);
            let name = attribute(rest).map(str::to_owned);
            // Behind the name come the two parentheses and the `s`.
            match name.as_ref().and_then(|name| rest[name.len() + 2..].strip_prefix('s')) {
                Some(after) => rest = after,
                None => {
                    pieces.push(Piece::Broken(name));
                    rest = "";
                    break;
                }
            }
            pieces.extend(name.map(Piece::Attribute));
        }
        text.push_str(rest);
        flush(&mut text, &mut pieces);
        Self { source: source.to_owned(), pieces }
    }

    pub(super) fn source(&self) -> &str {
        &self.source
    }

    /// Why the template can never be filled in.
    pub(super) fn problem(&self) -> Option<&'static str> {
        let broken = self.pieces.iter().any(|piece| matches!(piece, Piece::Broken(_)));
        broken.then_some("% must be followed by (name)s or by another %")
    }

    /// Fills in the attributes; allocates only where text and attributes are mixed.
    pub(super) fn render<'a>(&'a self, target: &'a dyn Attributes) -> Result<Cow<'a, str>, Stop> {
        match self.pieces.as_slice() {
            [] => Ok(Cow::Borrowed("")),
            [piece] => piece.render(target),
            pieces => {
                let mut out = String::new();
                for piece in pieces {
                    out.push_str(&piece.render(target)?);
                }
                Ok(Cow::Owned(out))
            }
        }
    }
}

impl Piece {
    fn render<'a>(&'a self, target: &'a dyn Attributes) -> Result<Cow<'a, str>, Stop> {
        match self {
            Self::Text(text) => Ok(Cow::Borrowed(text)),
            Self::Attribute(name) => target.get(name).map(super::Attribute::into_text).ok_or(Stop::MissingAttribute),
            Self::Broken(Some(name)) if target.get(name).is_none() => Err(Stop::MissingAttribute),
            Self::Broken(_) => Err(Stop::Failed("a % is followed neither by (name)s nor by another %")),
        }
    }
}

fn flush(text: &mut String, pieces: &mut Vec<Piece>) {
    if !text.is_empty() {
        pieces.push(Piece::Text(std::mem::take(text)));
    }
}

/// The name between parentheses at the start of the text, where those inside the name are paired.
fn attribute(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('(')?;
    let mut depth = 1;
    let end = inner.find(|c| {
        depth += match c {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        depth == 0
    })?;
    Some(&inner[..end])
}
