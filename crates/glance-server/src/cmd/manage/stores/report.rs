//! What audits and scrubs find, for people and for programs.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use glance_domain::ImageId;
use serde_json::{Map, Value, json};

use super::super::progress::Progress;
use super::FOUND;

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Wrong {
    /// An object that nothing names.
    Orphan,
    /// What an unfinished upload has left, and nothing names.
    Draft,
    /// Something that neither this service nor Glance has written.
    Foreign,
    /// A location without an object.
    Missing,
    /// An object with fewer bytes than its image.
    Short,
    /// An object with more bytes than its image.
    Long,
    /// An object whose bytes are not those of its image.
    Different,
    /// A location that no store reads, or that was encrypted with another key.
    Unreadable,
    /// A store that does not answer.
    Unreachable,
    /// An image that should have data and has no location.
    Dataless,
}

impl Wrong {
    fn name(self) -> &'static str {
        match self {
            Self::Orphan => "orphan",
            Self::Draft => "draft",
            Self::Foreign => "foreign",
            Self::Missing => "missing",
            Self::Short => "short",
            Self::Long => "long",
            Self::Different => "different",
            Self::Unreadable => "unreadable",
            Self::Unreachable => "unreachable",
            Self::Dataless => "dataless",
        }
    }

    fn meaning(self) -> &'static str {
        match self {
            Self::Orphan => "objects that no location and no record names",
            Self::Draft => "remains of uploads that no record names",
            Self::Foreign => "files that are not the service's",
            Self::Missing => "locations without an object",
            Self::Short => "objects with fewer bytes than their image",
            Self::Long => "objects with more bytes than their image",
            Self::Different => "objects with other bytes than their image",
            Self::Unreadable => "locations that cannot be read",
            Self::Unreachable => "objects or stores that cannot be reached",
            Self::Dataless => "images without a location",
        }
    }
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) wrong: Wrong,
    pub(super) store: Option<String>,
    /// The name of the object, which is not its location.
    pub(super) object: Option<String>,
    pub(super) image: Option<ImageId>,
    /// Bytes that are there.
    pub(super) bytes: Option<u64>,
    /// Bytes that should be there.
    pub(super) expected: Option<u64>,
    pub(super) age: Option<Duration>,
    pub(super) is_removed: bool,
    /// More about it, without locations and secrets.
    pub(super) note: Option<String>,
}

impl Finding {
    pub(super) fn new(wrong: Wrong) -> Self {
        Self {
            wrong,
            store: None,
            object: None,
            image: None,
            bytes: None,
            expected: None,
            age: None,
            is_removed: false,
            note: None,
        }
    }

    /// What is wrong with the data of an image.
    pub(super) fn about(wrong: Wrong, image: &ImageId, store: Option<String>) -> Self {
        Self { image: Some(image.clone()), store, ..Self::new(wrong) }
    }

    fn json(&self) -> Value {
        let mut fields = Map::from_iter([("finding".to_owned(), json!(self.wrong.name()))]);
        let mut add = |name: &str, value: Value| {
            if !value.is_null() {
                fields.insert(name.to_owned(), value);
            }
        };
        add("store", json!(self.store));
        add("object", json!(self.object));
        add("image", json!(self.image.as_ref().map(ImageId::as_str)));
        add("bytes", json!(self.bytes));
        add("expected_bytes", json!(self.expected));
        add("age_seconds", json!(self.age.map(|age| age.as_secs())));
        add("removed", if self.is_removed { json!(true) } else { Value::Null });
        add("note", json!(self.note));
        Value::Object(fields)
    }

    fn line(&self) -> String {
        let mut line = format!("{:12}", self.wrong.name());
        let mut add = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                line += &format!(" {name}={value}");
            }
        };
        add("store", self.store.clone());
        add("object", self.object.clone());
        add("image", self.image.as_ref().map(ToString::to_string));
        add("bytes", self.bytes.map(|bytes| bytes.to_string()));
        add("expected", self.expected.map(|bytes| bytes.to_string()));
        add("age", self.age.map(super::super::spell));
        if self.is_removed {
            line += " removed";
        }
        if let Some(note) = &self.note {
            line += &format!(": {note}");
        }
        line
    }
}

/// How many there are of a kind, and how many were removed.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    found: u64,
    removed: u64,
}

/// Prints findings as they come, and what they add up to.
pub(super) struct Report {
    is_json: bool,
    counts: BTreeMap<Wrong, Count>,
    /// Findings of earlier runs that this one goes on from.
    earlier: u64,
    pub(super) progress: Progress,
}

impl Report {
    pub(super) fn new(is_json: bool, earlier: u64) -> Self {
        Self { is_json, counts: BTreeMap::new(), earlier, progress: Progress::new() }
    }

    pub(super) fn add(&mut self, finding: &Finding) -> std::io::Result<()> {
        let count = self.counts.entry(finding.wrong).or_default();
        count.found += 1;
        count.removed += u64::from(finding.is_removed);
        let mut out = std::io::stdout().lock();
        if self.is_json { writeln!(out, "{}", finding.json()) } else { writeln!(out, "{}", finding.line()) }
    }

    /// What is still wrong, that of earlier runs included.
    pub(super) fn left(&self) -> u64 {
        self.earlier + self.counts.values().map(|count| count.found - count.removed).sum::<u64>()
    }

    /// Prints the sums beside those `about` the work, and says how the command ends.
    pub(super) fn end(self, about: &[(&str, u64)]) -> std::io::Result<ExitCode> {
        let mut out = std::io::stdout().lock();
        if self.is_json {
            let counts = self.counts.iter().map(|(wrong, count)| {
                (wrong.name().to_owned(), json!({"found": count.found, "removed": count.removed}))
            });
            let mut summary: Map<String, Value> =
                about.iter().map(|(name, number)| (name.replace(' ', "_"), json!(number))).collect();
            summary.insert("findings".to_owned(), Value::Object(counts.collect()));
            writeln!(out, "{}", json!({ "summary": summary }))?;
        } else {
            for (wrong, count) in &self.counts {
                let removed = if count.removed > 0 { format!(", {} removed", count.removed) } else { String::new() };
                writeln!(out, "{} {}{removed}", count.found, wrong.meaning())?;
            }
            let about: Vec<_> = about.iter().map(|(name, number)| format!("{number} {name}")).collect();
            let verdict = if self.left() == 0 { "nothing is wrong" } else { "something is wrong" };
            writeln!(out, "{}: {verdict}", about.join(", "))?;
        }
        Ok(if self.left() == 0 { ExitCode::SUCCESS } else { ExitCode::from(FOUND) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_told_in_both_forms() {
        let finding = Finding {
            object: Some("one".to_owned()),
            bytes: Some(3),
            age: Some(Duration::from_secs(7300)),
            is_removed: true,
            note: Some("why".to_owned()),
            ..Finding::about(Wrong::Orphan, &ImageId::parse("one").unwrap(), Some("fast".to_owned()))
        };
        assert_eq!(finding.line(), "orphan       store=fast object=one image=one bytes=3 age=2h removed: why");
        let expected = json!({
            "finding": "orphan", "store": "fast", "object": "one", "image": "one", "bytes": 3, "age_seconds": 7300,
            "removed": true, "note": "why"
        });
        assert_eq!(finding.json(), expected);
    }

    #[test]
    fn what_was_removed_is_no_longer_wrong() {
        let mut report = Report::new(true, 0);
        let orphan = Finding::new(Wrong::Orphan);
        report.add(&Finding { is_removed: true, ..orphan.clone() }).unwrap();
        assert_eq!(report.left(), 0);
        report.add(&orphan).unwrap();
        assert_eq!(report.left(), 1);
        assert_eq!(Report::new(true, 2).left(), 2);
    }
}
