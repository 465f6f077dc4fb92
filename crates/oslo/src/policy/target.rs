//! What a rule is asked about.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value};

use crate::python::text_of;

/// One attribute of a target.
#[derive(Clone, Debug)]
pub enum Attribute<'a> {
    /// Text.
    Text(Cow<'a, str>),
    /// Anything; it is compared by the text that Python makes of it, such as `True` and `None`.
    Json(Cow<'a, Value>),
}

impl<'a> Attribute<'a> {
    /// The text that Python's `str` makes of it.
    pub(super) fn into_text(self) -> Cow<'a, str> {
        match self {
            Self::Text(text) => text,
            Self::Json(Cow::Borrowed(value)) => text_of(value),
            Self::Json(Cow::Owned(Value::String(text))) => Cow::Owned(text),
            Self::Json(Cow::Owned(value)) => Cow::Owned(text_of(&value).into_owned()),
        }
    }
}

impl<'a> From<&'a str> for Attribute<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Attribute<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl From<bool> for Attribute<'_> {
    fn from(flag: bool) -> Self {
        Self::Json(Cow::Owned(Value::Bool(flag)))
    }
}

impl<'a> From<&'a Value> for Attribute<'a> {
    fn from(value: &'a Value) -> Self {
        Self::Json(Cow::Borrowed(value))
    }
}

/// The attributes of a target by name, dots included: `%(target.owner)s` asks for `target.owner`.
///
/// A missing attribute makes the check that names it fail; one without a value is [`Value::Null`].
pub trait Attributes {
    /// The attribute of this name.
    fn get(&self, name: &str) -> Option<Attribute<'_>>;
}

/// No attributes.
impl Attributes for () {
    fn get(&self, _name: &str) -> Option<Attribute<'_>> {
        None
    }
}

impl Attributes for Map<String, Value> {
    fn get(&self, name: &str) -> Option<Attribute<'_>> {
        self.get(name).map(Attribute::from)
    }
}

impl Attributes for BTreeMap<String, Value> {
    fn get(&self, name: &str) -> Option<Attribute<'_>> {
        self.get(name).map(Attribute::from)
    }
}

impl Attributes for HashMap<String, Value> {
    fn get(&self, name: &str) -> Option<Attribute<'_>> {
        self.get(name).map(Attribute::from)
    }
}
