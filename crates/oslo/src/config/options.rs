//! What options there are: constant tables, one entry for each option.

/// How the text of an option is understood. The rules are those of `oslo_config.types`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Str,
    /// A whole number that fits 64 bits; nothing at all counts as unset.
    Int,
    /// A number; nothing at all counts as unset.
    Float,
    /// `true`, `1`, `on`, `yes` or `false`, `0`, `off`, `no`.
    Bool,
    /// Items separated by commas.
    List,
    /// Items separated by commas between `[` and `]`; an item may stand in quotes.
    BoundedList,
    /// `key:value` pairs separated by commas.
    Dict,
    /// One text for each time that the option is given.
    MultiStr,
    /// A port, 0–65535.
    Port,
    /// A URI with a scheme and a host (RFC 3986).
    Uri,
    /// An IP address or a host name (RFC 1123).
    HostAddress,
}

impl Kind {
    /// What a person calls it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Str => "text",
            Self::Int => "whole number",
            Self::Float => "number",
            Self::Bool => "true or false",
            Self::List => "list: a,b",
            Self::BoundedList => "list: [a,b]",
            Self::Dict => "pairs: key:value,key:value",
            Self::MultiStr => "text, may be repeated",
            Self::Port => "port",
            Self::Uri => "URI",
            Self::HostAddress => "host name or IP address",
        }
    }
}

/// A name that an option had before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OldName {
    /// The group, or `None` for the group of the option.
    pub group: Option<&'static str>,
    /// The name in that group.
    pub name: &'static str,
}

/// One option.
///
/// ```
/// use oslo::config::{Kind, OptionDef};
///
/// const OPTIONS: &[OptionDef] = &[
///     OptionDef::new("DEFAULT", "api_limit_max", Kind::Int, "Longest page of a list.").default("1000").min(1),
///     OptionDef::new("database", "connection", Kind::Str, "Where the database is.").secret(),
/// ];
/// assert_eq!(OPTIONS[0].default, Some("1000"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OptionDef {
    /// The section; `DEFAULT` is the one without a name of its own.
    pub group: &'static str,
    /// The name, with `_` and never `-`.
    pub name: &'static str,
    /// How its text is understood.
    pub kind: Kind,
    /// What it does, for operators.
    pub help: &'static str,
    /// Its text if nobody gives any; one line for each value of a [`Kind::MultiStr`].
    pub default: Option<&'static str>,
    /// What the generated sample shows instead of the default.
    pub sample: Option<&'static str>,
    /// The accepted values; empty for any.
    pub choices: &'static [&'static str],
    /// Whether choices are the same in capitals.
    pub ignore_case: bool,
    /// Smallest accepted number.
    pub min: Option<i64>,
    /// Largest accepted number.
    pub max: Option<i64>,
    /// Names that it had before, which still work.
    pub old_names: &'static [OldName],
    /// Why it should no longer be used.
    pub deprecated: Option<&'static str>,
    /// Whether its value must not be shown.
    pub secret: bool,
    /// Whether a reload changes it in a running service.
    pub mutable: bool,
}

impl OptionDef {
    /// An option without a default.
    #[must_use]
    pub const fn new(group: &'static str, name: &'static str, kind: Kind, help: &'static str) -> Self {
        Self {
            group,
            name,
            kind,
            help,
            default: None,
            sample: None,
            choices: &[],
            ignore_case: false,
            min: None,
            max: None,
            old_names: &[],
            deprecated: None,
            secret: false,
            mutable: false,
        }
    }

    /// Sets the default, as it would stand in a file.
    #[must_use]
    pub const fn default(mut self, text: &'static str) -> Self {
        self.default = Some(text);
        self
    }

    /// Sets what the generated sample shows instead of the default.
    #[must_use]
    pub const fn sample(mut self, text: &'static str) -> Self {
        self.sample = Some(text);
        self
    }

    /// Accepts nothing but these values.
    #[must_use]
    pub const fn choices(mut self, choices: &'static [&'static str]) -> Self {
        self.choices = choices;
        self
    }

    /// Accepts the choices in capitals or small letters alike.
    #[must_use]
    pub const fn ignore_case(mut self) -> Self {
        self.ignore_case = true;
        self
    }

    /// Accepts no smaller number.
    #[must_use]
    pub const fn min(mut self, min: i64) -> Self {
        self.min = Some(min);
        self
    }

    /// Accepts no larger number.
    #[must_use]
    pub const fn max(mut self, max: i64) -> Self {
        self.max = Some(max);
        self
    }

    /// Accepts these names, too, and reports their use.
    #[must_use]
    pub const fn old_names(mut self, names: &'static [OldName]) -> Self {
        self.old_names = names;
        self
    }

    /// Reports every use of the option, with this reason.
    #[must_use]
    pub const fn deprecated(mut self, reason: &'static str) -> Self {
        self.deprecated = Some(reason);
        self
    }

    /// Keeps the value out of messages and dumps.
    #[must_use]
    pub const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    /// Lets a reload change the option.
    #[must_use]
    pub const fn mutable(mut self) -> Self {
        self.mutable = true;
        self
    }
}
