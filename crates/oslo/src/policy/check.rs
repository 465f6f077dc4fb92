//! A rule as a tree of checks.

use std::fmt;

use super::literal::literal;
use super::template::Template;

/// A rule that was understood once and can be evaluated any number of times.
#[derive(Clone, Debug, PartialEq)]
pub struct Check(pub(super) Node);

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    /// `@` and the empty rule.
    True,
    /// `!` and whatever is not understood.
    False,
    Not(Box<Node>),
    And(Vec<Node>),
    Or(Vec<Node>),
    /// `rule:name`.
    Rule(String),
    /// `role:name`.
    Role(Template),
    /// `http:…` and `https:…`: the whole URL.
    Remote(Template),
    /// Anything else before the colon.
    Compare(Comparison),
}

/// A constant or a credential on the left, a text on the right.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Comparison {
    kind: String,
    pub(super) left: Left,
    pub(super) right: Template,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Left {
    Constant(String),
    /// The way through nested credentials.
    Credential(Vec<String>),
}

impl Node {
    /// A single check, `kind:match`.
    pub(super) fn single(text: &str) -> Result<Self, &'static str> {
        if text == "!" {
            return Ok(Self::False);
        }
        if text == "@" {
            return Ok(Self::True);
        }
        let (kind, right) = text.split_once(':').ok_or("a check has a colon, as in role:admin")?;
        Ok(match kind {
            "rule" => Self::Rule(right.to_owned()),
            "role" => Self::Role(Template::parse(right)),
            "http" | "https" => Self::Remote(Template::parse(text)),
            _ => Self::Compare(Comparison {
                kind: kind.to_owned(),
                left: Left::parse(kind),
                right: Template::parse(right),
            }),
        })
    }

    /// Calls `visit` for this node and all below it.
    pub(super) fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Self)) {
        visit(self);
        match self {
            Self::Not(inner) => inner.walk(visit),
            Self::And(all) | Self::Or(all) => all.iter().for_each(|node| node.walk(visit)),
            _ => {}
        }
    }

    /// The names of the rules that it refers to.
    pub(super) fn references(&self) -> Vec<&str> {
        let mut found = Vec::new();
        self.walk(&mut |node| {
            if let Self::Rule(name) = node {
                found.push(name.as_str());
            }
        });
        found
    }

    /// Why parts of it can never be evaluated.
    pub(super) fn problems(&self) -> Vec<&'static str> {
        let mut found = Vec::new();
        self.walk(&mut |node| {
            if let Self::Role(template) | Self::Remote(template) | Self::Compare(Comparison { right: template, .. }) =
                node
            {
                found.extend(template.problem());
            }
        });
        found
    }
}

impl Left {
    fn parse(kind: &str) -> Self {
        match literal(kind) {
            Some(text) => Self::Constant(text),
            None => Self::Credential(kind.split('.').map(str::to_owned).collect()),
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::True => f.write_str("@"),
            Self::False => f.write_str("!"),
            Self::Not(inner) => write!(f, "not {inner}"),
            Self::And(all) => join(f, all, " and "),
            Self::Or(all) => join(f, all, " or "),
            Self::Rule(name) => write!(f, "rule:{name}"),
            Self::Role(name) => write!(f, "role:{}", name.source()),
            Self::Remote(url) => f.write_str(url.source()),
            Self::Compare(comparison) => write!(f, "{}:{}", comparison.kind, comparison.right.source()),
        }
    }
}

fn join(f: &mut fmt::Formatter<'_>, all: &[Node], between: &str) -> fmt::Result {
    f.write_str("(")?;
    for (position, node) in all.iter().enumerate() {
        f.write_str(if position == 0 { "" } else { between })?;
        write!(f, "{node}")?;
    }
    f.write_str(")")
}
