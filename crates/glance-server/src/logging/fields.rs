//! The fields of events and spans as texts.

use std::fmt::{Debug, Write as _};

use tracing::field::{Field, Visit};

/// What an event or span carries.
#[derive(Clone, Debug, Default)]
pub(super) struct Collected {
    /// The field `message`.
    pub(super) message: String,
    /// The field `error`.
    pub(super) error: Option<String>,
    /// All others, in their order.
    pub(super) others: Vec<(&'static str, String)>,
}

impl Collected {
    /// The message with the other fields behind it, as ` name=value`.
    pub(super) fn full_message(&self) -> String {
        let mut message = self.message.clone();
        for (name, value) in &self.others {
            let _ = write!(message, " {name}={value}");
        }
        message
    }

    fn put(&mut self, field: &Field, value: String) {
        match field.name() {
            "message" => self.message = value,
            "error" => self.error = Some(value),
            name => match self.others.iter_mut().find(|(known, _)| *known == name) {
                Some((_, known)) => *known = value,
                None => self.others.push((name, value)),
            },
        }
    }
}

impl Visit for Collected {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.put(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.to_owned());
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        let mut text = value.to_string();
        let mut source = value.source();
        while let Some(cause) = source {
            let _ = write!(text, ": {cause}");
            source = cause.source();
        }
        self.put(field, text);
    }
}
