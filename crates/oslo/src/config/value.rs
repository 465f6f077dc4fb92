//! From the text of an option to its value, and from the value to what the caller asked for.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::host::{check_host, check_uri};
use super::options::{Kind, OptionDef};
use crate::python::{float_repr, push_str_repr, strip, text_of};

/// The value of an option.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Of [`Kind::Str`], [`Kind::Uri`] and [`Kind::HostAddress`].
    Str(String),
    /// Of [`Kind::Int`] and [`Kind::Port`].
    Int(i64),
    /// Of [`Kind::Float`].
    Float(f64),
    /// Of [`Kind::Bool`].
    Bool(bool),
    /// Of [`Kind::List`], [`Kind::BoundedList`] and [`Kind::MultiStr`].
    List(Vec<String>),
    /// Of [`Kind::Dict`], in the order of the text.
    Dict(Vec<(String, String)>),
}

impl Value {
    /// The text that takes the place of `$name` in another option: Python's `str(value)`.
    #[must_use]
    pub fn to_text(&self) -> String {
        match self {
            Self::Str(text) => text.clone(),
            Self::Int(number) => number.to_string(),
            Self::Float(number) => float_repr(*number),
            Self::Bool(true) => "True".to_owned(),
            Self::Bool(false) => "False".to_owned(),
            Self::List(items) => text_of(&items.as_slice().into()).into_owned(),
            Self::Dict(pairs) => {
                let pairs: Vec<String> = pairs.iter().map(|(key, value)| repr(key) + ": " + &repr(value)).collect();
                format!("{{{}}}", pairs.join(", "))
            }
        }
    }
}

fn repr(text: &str) -> String {
    let mut out = String::new();
    push_str_repr(&mut out, text);
    out
}

/// Understands the text of an option; `None` if it counts as unset.
///
/// # Errors
/// What is wrong and what is accepted, without the text itself if the option is secret.
pub(super) fn convert(option: &OptionDef, text: &str) -> Result<Option<Value>, String> {
    let shown = || if option.secret { "the value".to_owned() } else { repr(text) };
    let value = match option.kind {
        Kind::Str | Kind::MultiStr => Value::Str(text.to_owned()),
        Kind::Bool => Value::Bool(boolean(text).ok_or_else(|| {
            format!("{} is neither true nor false: use true, 1, on, yes or false, 0, off, no", shown())
        })?),
        Kind::Int | Kind::Port => {
            if strip(text).is_empty() {
                return Ok(None);
            }
            let number = integer(text).ok_or_else(|| format!("{} is not a whole number", shown()))?;
            Value::Int(within(option, number)?)
        }
        Kind::Float => {
            if strip(text).is_empty() {
                return Ok(None);
            }
            let number = float(text).ok_or_else(|| format!("{} is not a number", shown()))?;
            Value::Float(float_within(option, number)?)
        }
        Kind::List => Value::List(list(option, text)?),
        Kind::BoundedList => Value::List(bounded_list(option, text)?),
        Kind::Dict => Value::Dict(pairs(option, text)?),
        Kind::Uri => check_uri(text).map(|()| Value::Str(text.to_owned())).map_err(|e| format!("{}: {e}", shown()))?,
        Kind::HostAddress => {
            check_host(text).map(|host| Value::Str(host.to_owned())).map_err(|e| format!("{}: {e}", shown()))?
        }
    };
    if !matches!(value, Value::List(_) | Value::Dict(_)) {
        check_choice(option, &value.to_text())?;
    }
    Ok(Some(value))
}

fn check_choice(option: &OptionDef, text: &str) -> Result<(), String> {
    let is = |choice: &&str| *choice == text || option.ignore_case && choice.to_lowercase() == text.to_lowercase();
    if option.choices.is_empty() || option.choices.iter().any(is) {
        return Ok(());
    }
    let shown = if option.secret { "the value".to_owned() } else { repr(text) };
    Err(format!("{shown} is not accepted: use one of {}", option.choices.join(", ")))
}

fn boolean(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "true" | "1" | "on" | "yes" => Some(true),
        "false" | "0" | "off" | "no" => Some(false),
        _ => None,
    }
}

/// Python's `int(text)`: white space around, a sign, single underscores between digits.
fn integer(text: &str) -> Option<i64> {
    without_underscores(strip(text))?.parse().ok()
}

/// Python's `float(text)`.
fn float(text: &str) -> Option<f64> {
    without_underscores(strip(text))?.parse().ok()
}

/// Drops the underscores; `None` if one does not stand between two digits.
fn without_underscores(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let is_digit = |position: Option<usize>| position.and_then(|p| bytes.get(p)).is_some_and(u8::is_ascii_digit);
    for (position, _) in text.match_indices('_') {
        if !is_digit(position.checked_sub(1)) || !is_digit(position.checked_add(1)) {
            return None;
        }
    }
    Some(text.replace('_', ""))
}

/// The bounds of the option; a port has its own.
fn bounds(option: &OptionDef) -> (Option<i64>, Option<i64>) {
    match option.kind {
        Kind::Port => (option.min.or(Some(0)), option.max.or(Some(65535))),
        _ => (option.min, option.max),
    }
}

fn within(option: &OptionDef, number: i64) -> Result<i64, String> {
    let (min, max) = bounds(option);
    match (min, max) {
        (Some(min), _) if number < min => Err(format!("{number} is too small: the least is {min}")),
        (_, Some(max)) if number > max => Err(format!("{number} is too large: the most is {max}")),
        _ => Ok(number),
    }
}

#[expect(clippy::cast_precision_loss, reason = "bounds of fractional options are small numbers")]
fn float_within(option: &OptionDef, number: f64) -> Result<f64, String> {
    match (option.min, option.max) {
        (Some(min), _) if number < min as f64 => Err(format!("{number} is too small: the least is {min}")),
        (_, Some(max)) if number > max as f64 => Err(format!("{number} is too large: the most is {max}")),
        _ => Ok(number),
    }
}

/// An item that is not accepted is tried again together with the next, because an item may hold a comma.
fn list(option: &OptionDef, text: &str) -> Result<Vec<String>, String> {
    let text = strip(text).trim_end_matches(',');
    split_items(text, |item| check_choice(option, item).map(|()| item.to_owned()))
}

fn bounded_list(option: &OptionDef, text: &str) -> Result<Vec<String>, String> {
    let text = strip(text).trim_end_matches(',');
    let inner = text.strip_prefix('[').ok_or("the list must start with [")?;
    // A lone `[` is no pair, but a lone `]` would have failed above.
    let inner = inner.strip_suffix(']').ok_or("the list must end with ]")?;
    split_items(inner, |item| {
        let item = unquote(item)?;
        check_choice(option, item).map(|()| item.to_owned())
    })
}

fn unquote(item: &str) -> Result<&str, String> {
    let Some(quote) = item.chars().next().filter(|c| matches!(c, '"' | '\'')) else { return Ok(item) };
    let inner = item.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    inner.ok_or_else(|| "an item starts with a quote and does not end with it".to_owned())
}

/// Splits at commas; `accept` may refuse an item, which is then tried together with what follows.
fn split_items<T>(text: &str, accept: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, String> {
    let mut found = Vec::new();
    let mut rest = (!text.is_empty()).then_some(text);
    while let Some(text) = rest {
        let mut end = 0;
        loop {
            end += text[end..].find(',').unwrap_or(text.len() - end);
            match accept(strip(&text[..end])) {
                Ok(item) => {
                    found.push(item);
                    rest = text.get(end + 1..);
                    break;
                }
                Err(reason) if end == text.len() => return Err(reason),
                Err(_) => end += 1,
            }
        }
    }
    Ok(found)
}

fn pairs(option: &OptionDef, text: &str) -> Result<Vec<(String, String)>, String> {
    let found = split_items(strip(text), |item| {
        let (key, value) = item.split_once(':').ok_or("pairs look like key:value, separated by commas")?;
        let value = strip(value);
        check_choice(option, value)?;
        Ok((strip(key).to_owned(), value.to_owned()))
    })?;
    let mut seen = HashMap::new();
    for (key, value) in &found {
        if key.is_empty() {
            return Err("a pair has no key before its colon".to_owned());
        }
        if seen.insert(key, value).is_some() {
            return Err(format!("the key {key} occurs twice"));
        }
    }
    Ok(found)
}

/// What a caller can ask for: the value in a type of its own.
pub trait FromValue: Sized {
    /// Turns the value of an option, or its absence, into this type.
    ///
    /// # Errors
    /// What is wrong with the value, for operators.
    fn from_value(value: Option<Value>) -> Result<Self, String>;
}

const UNSET: &str = "this option must be set";

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: Option<Value>) -> Result<Self, String> {
        value.map(|value| T::from_value(Some(value))).transpose()
    }
}

impl FromValue for String {
    fn from_value(value: Option<Value>) -> Result<Self, String> {
        Ok(value.ok_or(UNSET)?.to_text())
    }
}

impl FromValue for PathBuf {
    fn from_value(value: Option<Value>) -> Result<Self, String> {
        String::from_value(value).map(Self::from)
    }
}

impl FromValue for bool {
    fn from_value(value: Option<Value>) -> Result<Self, String> {
        match value.ok_or(UNSET)? {
            Value::Bool(flag) => Ok(flag),
            other => boolean(&other.to_text()).ok_or_else(|| "neither true nor false".to_owned()),
        }
    }
}

impl FromValue for f64 {
    fn from_value(value: Option<Value>) -> Result<Self, String> {
        match value.ok_or(UNSET)? {
            Value::Float(number) => Ok(number),
            other => float(&other.to_text()).ok_or_else(|| "not a number".to_owned()),
        }
    }
}

impl FromValue for i64 {
    fn from_value(value: Option<Value>) -> Result<Self, String> {
        match value.ok_or(UNSET)? {
            Value::Int(number) => Ok(number),
            other => integer(&other.to_text()).ok_or_else(|| "not a whole number".to_owned()),
        }
    }
}

macro_rules! narrower_integer {
    ($($type:ty)*) => {$(
        impl FromValue for $type {
            fn from_value(value: Option<Value>) -> Result<Self, String> {
                let number = i64::from_value(value)?;
                Self::try_from(number).map_err(|_| format!("{number} is not between {} and {}", Self::MIN, Self::MAX))
            }
        }
    )*};
}
narrower_integer!(i32 u16 u32 u64 usize);

impl FromValue for Duration {
    /// The value counts seconds.
    fn from_value(value: Option<Value>) -> Result<Self, String> {
        let seconds = f64::from_value(value)?;
        Self::try_from_secs_f64(seconds).map_err(|_| format!("{seconds} is no number of seconds"))
    }
}

impl FromValue for IpAddr {
    fn from_value(value: Option<Value>) -> Result<Self, String> {
        let text = String::from_value(value)?;
        text.parse().map_err(|_| "not an IP address".to_owned())
    }
}

impl<T: FromValue> FromValue for Vec<T> {
    fn from_value(value: Option<Value>) -> Result<Self, String> {
        match value.ok_or(UNSET)? {
            Value::List(items) => items.into_iter().map(|item| T::from_value(Some(Value::Str(item)))).collect(),
            other => T::from_value(Some(other)).map(|item| vec![item]),
        }
    }
}

impl FromValue for BTreeMap<String, String> {
    fn from_value(value: Option<Value>) -> Result<Self, String> {
        Ok(Pairs::from_value(value)?.0.into_iter().collect())
    }
}

/// The pairs of a [`Kind::Dict`] in the order of the text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pairs(pub Vec<(String, String)>);

impl FromValue for Pairs {
    fn from_value(value: Option<Value>) -> Result<Self, String> {
        match value.ok_or(UNSET)? {
            Value::Dict(pairs) => Ok(Self(pairs)),
            _ => Err("no pairs of the form key:value".to_owned()),
        }
    }
}
