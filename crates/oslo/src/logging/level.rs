//! Levels of severity: the numbers and names of Python's logging, with oslo.log's additions.

/// How severe a record is, or from where on records are kept; greater is worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Level(pub u32);

impl Level {
    /// Nothing said: a logger takes its parent's level, a handler keeps everything.
    pub const NOTSET: Self = Self(0);
    /// More than anyone wants to read (oslo.log).
    pub const TRACE: Self = Self(5);
    /// For developers.
    pub const DEBUG: Self = Self(10);
    /// The normal course of things.
    pub const INFO: Self = Self(20);
    /// What an auditor asks for (oslo.log).
    pub const AUDIT: Self = Self(21);
    /// Something that an operator should look at.
    pub const WARNING: Self = Self(30);
    /// Something failed.
    pub const ERROR: Self = Self(40);
    /// The service cannot go on.
    pub const CRITICAL: Self = Self(50);

    /// The level of this name, which is written in capitals.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "NOTSET" => Self::NOTSET,
            "TRACE" => Self::TRACE,
            "DEBUG" => Self::DEBUG,
            "INFO" => Self::INFO,
            "AUDIT" => Self::AUDIT,
            "WARN" | "WARNING" => Self::WARNING,
            "ERROR" => Self::ERROR,
            "CRITICAL" | "FATAL" => Self::CRITICAL,
            _ => return None,
        })
    }

    /// Its name; `Level n` for a number without one.
    #[must_use]
    pub fn name(self) -> std::borrow::Cow<'static, str> {
        match self {
            Self::NOTSET => "NOTSET".into(),
            Self::TRACE => "TRACE".into(),
            Self::DEBUG => "DEBUG".into(),
            Self::INFO => "INFO".into(),
            Self::AUDIT => "AUDIT".into(),
            Self::WARNING => "WARNING".into(),
            Self::ERROR => "ERROR".into(),
            Self::CRITICAL => "CRITICAL".into(),
            Self(number) => format!("Level {number}").into(),
        }
    }

    /// The priority of syslog (RFC 5424) that stands for it.
    #[must_use]
    pub fn syslog_priority(self) -> u8 {
        match self {
            Self::CRITICAL => 2,
            Self::ERROR => 3,
            Self::WARNING => 4,
            Self::INFO | Self::AUDIT => 6,
            _ => 7,
        }
    }
}
