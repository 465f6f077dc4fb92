//! The language of rules: a shift-reduce parser with the grammar, and the leniency, of `oslo_policy._parser`.

use serde_json::Value;

use super::check::{Check, Node};
use crate::python::is_space;

/// Longest rule, in bytes.
const MAX_LENGTH: usize = 1 << 16;
/// Deepest nesting of `and`, `or` and `not` within one rule.
const MAX_DEPTH: usize = 64;

const NOT_UNDERSTOOD: &str = "the rule is not understood: nobody passes it";
const TOO_LARGE: &str = "the rule is too long or too deeply nested: nobody passes it";

/// A rule and what is wrong with it. Whatever is not understood denies.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Parsed {
    pub(super) check: Check,
    pub(super) problems: Vec<String>,
}

impl Check {
    /// Understands a rule such as `role:admin or project_id:%(project_id)s`.
    ///
    /// The empty rule allows everything. What is not understood denies: a whole rule that is no expression, or the
    /// single check in it that has no colon.
    #[must_use]
    pub fn parse(rule: &str) -> Self {
        parse_text(rule).check
    }
}

/// Understands the value of a rule in a policy file: a text, or the old list of lists.
///
/// # Errors
/// Why it is no rule.
pub(super) fn parse_value(value: &Value) -> Result<Parsed, &'static str> {
    match value {
        Value::Null => Ok(Parsed { check: Check(Node::True), problems: Vec::new() }),
        Value::String(text) => Ok(parse_text(text)),
        Value::Array(lists) => parse_lists(lists),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => {
            Err("a rule is a text: put it in quotes, \"\" for everybody and \"!\" for nobody")
        }
    }
}

pub(super) fn parse_text(rule: &str) -> Parsed {
    let mut problems = Vec::new();
    let check = match parse_expression(rule, &mut problems) {
        Ok(node) => node,
        Err(problem) => {
            problems = vec![problem.to_owned()];
            Node::False
        }
    };
    problems.extend(check.problems().into_iter().map(str::to_owned));
    Parsed { check: Check(check), problems }
}

fn parse_expression(rule: &str, problems: &mut Vec<String>) -> Result<Node, &'static str> {
    if rule.is_empty() {
        return Ok(Node::True);
    }
    if rule.len() > MAX_LENGTH {
        return Err(TOO_LARGE);
    }
    let mut stack = Stack::default();
    for word in rule.split(is_space).filter(|word| !word.is_empty()) {
        stack.shift_word(word, problems)?;
    }
    stack.result()
}

/// The outer list is joined by `or`, the inner ones by `and`.
fn parse_lists(lists: &[Value]) -> Result<Parsed, &'static str> {
    const NO_TEXT: &str = "a rule in the form of lists consists of lists of texts";
    let mut problems = Vec::new();
    let mut alternatives = Vec::new();
    for inner in lists {
        let mut all = match inner {
            Value::String(text) if text.is_empty() => continue,
            Value::String(text) => vec![single(text, &mut problems)],
            Value::Array(texts) => {
                let texts: Option<Vec<&str>> = texts.iter().map(Value::as_str).collect();
                texts.ok_or(NO_TEXT)?.into_iter().map(|text| single(text, &mut problems)).collect()
            }
            Value::Null => continue,
            _ => return Err(NO_TEXT),
        };
        match all.len() {
            0 => {}
            1 => alternatives.append(&mut all),
            _ => alternatives.push(Node::And(all)),
        }
    }
    let check = match alternatives.len() {
        0 if lists.is_empty() => Node::True,
        0 => Node::False,
        1 => alternatives.remove(0),
        _ => Node::Or(alternatives),
    };
    problems.extend(check.problems().into_iter().map(str::to_owned));
    Ok(Parsed { check: Check(check), problems })
}

fn single(text: &str, problems: &mut Vec<String>) -> Node {
    Node::single(text).unwrap_or_else(|problem| {
        problems.push(format!("{text}: {problem}"));
        Node::False
    })
}

#[derive(Debug)]
enum Token {
    /// A finished check.
    Check(Node),
    /// `a and b`, which a further `and` extends.
    AndChain(Vec<Node>),
    /// `a or b`, which a further `or` extends and a further `and` binds to its last part.
    OrChain(Vec<Node>),
    And,
    Or,
    Not,
    Open,
    Close,
    /// A text in quotes, which no expression has a place for.
    Quoted,
}

impl Token {
    fn into_node(self) -> Option<Node> {
        match self {
            Self::Check(node) => Some(node),
            Self::AndChain(all) => Some(Node::And(all)),
            Self::OrChain(all) => Some(Node::Or(all)),
            _ => None,
        }
    }

    fn and(self, right: Node) -> Option<Self> {
        Some(match self {
            Self::Check(left) => Self::AndChain(vec![left, right]),
            Self::AndChain(mut all) => {
                all.push(right);
                Self::AndChain(all)
            }
            Self::OrChain(mut all) => {
                let last = match all.pop()? {
                    Node::And(mut inner) => {
                        inner.push(right);
                        Node::And(inner)
                    }
                    left => Node::And(vec![left, right]),
                };
                all.push(last);
                Self::OrChain(all)
            }
            _ => return None,
        })
    }

    fn or(self, right: Node) -> Option<Self> {
        Some(match self {
            Self::OrChain(mut all) => {
                all.push(right);
                Self::OrChain(all)
            }
            left => Self::OrChain(vec![left.into_node()?, right]),
        })
    }
}

#[derive(Default)]
struct Stack(Vec<Token>);

impl Stack {
    /// Takes one word: parentheses at its ends, and an operator or a check between them.
    fn shift_word(&mut self, word: &str, problems: &mut Vec<String>) -> Result<(), &'static str> {
        let inner = word.trim_start_matches('(');
        for _ in 0..word.len() - inner.len() {
            self.shift(Token::Open)?;
        }
        let clean = inner.trim_end_matches(')');
        if !clean.is_empty() {
            self.shift(word_token(clean, inner, problems))?;
        }
        for _ in 0..inner.len() - clean.len() {
            self.shift(Token::Close)?;
        }
        Ok(())
    }

    fn shift(&mut self, token: Token) -> Result<(), &'static str> {
        self.0.push(token);
        while self.reducible() {
            self.reduce()?;
        }
        Ok(())
    }

    fn reducible(&self) -> bool {
        use Token::{And, AndChain, Check, Close, Not, Open, Or, OrChain};
        matches!(
            self.0.as_slice(),
            [.., Open, Check(_) | AndChain(_) | OrChain(_), Close]
                | [.., Check(_) | AndChain(_) | OrChain(_), And | Or, Check(_)]
                | [.., Not, Check(_)]
        )
    }

    /// Replaces the tokens of a pattern by what they mean.
    fn reduce(&mut self) -> Result<(), &'static str> {
        let (last, middle) = (self.0.pop(), self.0.pop());
        let reduced = match (middle, last) {
            (Some(inner), Some(Token::Close)) => {
                self.0.pop();
                inner.into_node().map(Token::Check)
            }
            (Some(Token::Not), Some(Token::Check(node))) => Some(Token::Check(not(node))),
            (Some(Token::And), Some(Token::Check(right))) => self.0.pop().and_then(|left| left.and(right)),
            (Some(Token::Or), Some(Token::Check(right))) => self.0.pop().and_then(|left| left.or(right)),
            _ => None,
        };
        let reduced = reduced.ok_or(NOT_UNDERSTOOD)?;
        if let Token::Check(node) = &reduced {
            check_depth(node, MAX_DEPTH)?;
        }
        self.0.push(reduced);
        Ok(())
    }

    fn result(mut self) -> Result<Node, &'static str> {
        let last = self.0.pop().filter(|_| self.0.is_empty());
        let node = last.and_then(Token::into_node).ok_or(NOT_UNDERSTOOD)?;
        check_depth(&node, MAX_DEPTH)?;
        Ok(node)
    }
}

fn word_token(clean: &str, inner: &str, problems: &mut Vec<String>) -> Token {
    match clean.to_lowercase().as_str() {
        "and" => Token::And,
        "or" => Token::Or,
        "not" => Token::Not,
        _ if is_quoted(inner) => Token::Quoted,
        _ => Token::Check(single(clean, problems)),
    }
}

fn is_quoted(word: &str) -> bool {
    ['\'', '"'].iter().any(|quote| word.len() >= 2 && word.starts_with(*quote) && word.ends_with(*quote))
}

/// Two negations cancel each other.
fn not(node: Node) -> Node {
    match node {
        Node::Not(inner) => *inner,
        node => Node::Not(Box::new(node)),
    }
}

/// Fails before a tree becomes so deep that walking it could exhaust the stack.
fn check_depth(node: &Node, left: usize) -> Result<(), &'static str> {
    let left = left.checked_sub(1).ok_or(TOO_LARGE)?;
    match node {
        Node::Not(inner) => check_depth(inner, left),
        Node::And(all) | Node::Or(all) => all.iter().try_for_each(|node| check_depth(node, left)),
        _ => Ok(()),
    }
}
