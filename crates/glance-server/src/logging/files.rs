//! Log files: appended to, opened anew when somebody moved them away, and moved away when they are full or old.
//!
//! Names of old files are those of Python's handlers, so that what cleans up after Python cleans up here.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Datelike as _, Days, Local, NaiveTime, TimeDelta, TimeZone as _, Utc};
use oslo::logging::{Rotation, When};

/// One log file.
pub(super) struct LogFile {
    path: String,
    watched: bool,
    truncate: bool,
    rotation: Option<Rotation>,
    backups: u32,
    file: Option<File>,
    /// When the file is moved away by time, in seconds since 1970.
    due: i64,
}

impl LogFile {
    pub(super) fn new(path: String, watched: bool, truncate: bool) -> Self {
        Self { path, watched, truncate, rotation: None, backups: 0, file: None, due: 0 }
    }

    pub(super) fn rotating(path: String, rotation: Rotation, backups: u32) -> Self {
        Self { path, watched: true, truncate: false, rotation: Some(rotation), backups, file: None, due: 0 }
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Opens the file; its folder must exist.
    pub(super) fn reopen(&mut self) -> std::io::Result<()> {
        self.file = None;
        let before = std::fs::metadata(&self.path).ok().map(|metadata| metadata.mtime());
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        if std::mem::take(&mut self.truncate) {
            File::create(&self.path)?;
        }
        self.file = Some(options.open(&self.path)?);
        if let Some(Rotation::Time { when, interval, utc }) = self.rotation {
            self.due = next_rotation(before.unwrap_or_else(seconds_now), when, interval, utc);
        }
        Ok(())
    }

    /// Appends a line.
    pub(super) fn write(&mut self, text: &str) -> std::io::Result<()> {
        let line = format!("{text}\n");
        if self.is_elsewhere() {
            self.reopen()?;
        }
        if self.is_due(line.len() as u64) {
            self.rotate()?;
        }
        match &mut self.file {
            Some(file) => file.write_all(line.as_bytes()),
            None => Err(std::io::Error::other("the file is not open")),
        }
    }

    /// Whether the open file is no longer the one at the path.
    fn is_elsewhere(&self) -> bool {
        let Some(file) = &self.file else { return true };
        if !self.watched {
            return false;
        }
        match (file.metadata(), std::fs::metadata(&self.path)) {
            (Ok(open), Ok(there)) => (open.dev(), open.ino()) != (there.dev(), there.ino()),
            _ => true,
        }
    }

    fn is_due(&self, more: u64) -> bool {
        match self.rotation {
            Some(Rotation::Size(most)) if most > 0 && self.backups > 0 => {
                let metadata = self.file.as_ref().and_then(|file| file.metadata().ok());
                metadata.is_some_and(|metadata| metadata.is_file() && metadata.len() + more >= most)
            }
            Some(Rotation::Time { .. }) => seconds_now() >= self.due,
            _ => false,
        }
    }

    fn rotate(&mut self) -> std::io::Result<()> {
        self.file = None;
        match self.rotation {
            Some(Rotation::Time { when, interval, utc }) => self.move_by_time(when, interval, utc),
            _ => self.move_by_number(),
        }
        self.reopen()
    }

    /// `api.log.1` is the youngest.
    fn move_by_number(&self) {
        for number in (1..self.backups).rev() {
            let _ = std::fs::rename(self.old(&number.to_string()), self.old(&(number + 1).to_string()));
        }
        let _ = std::fs::rename(&self.path, self.old("1"));
    }

    /// `api.log.2026-11-22` holds that day.
    fn move_by_time(&self, when: When, interval: u32, utc: bool) {
        let began = self.due - length(when, interval);
        let format = suffix(when);
        let name = match (utc, DateTime::from_timestamp(began, 0)) {
            (true, Some(time)) => time.format(format).to_string(),
            (false, Some(time)) => time.with_timezone(&Local).format(format).to_string(),
            (_, None) => return,
        };
        let _ = std::fs::rename(&self.path, self.old(&name));
        if self.backups > 0 {
            let mut old = self.old_files(format);
            old.sort();
            let surplus = old.len().saturating_sub(self.backups as usize);
            old.iter().take(surplus).for_each(|file| drop(std::fs::remove_file(file)));
        }
    }

    fn old(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("{}.{name}", self.path))
    }

    /// The files beside the log whose names end with a time.
    fn old_files(&self, format: &str) -> Vec<PathBuf> {
        let path = Path::new(&self.path);
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let Some(prefix) = path.file_name().map(|name| format!("{}.", name.to_string_lossy())) else {
            return Vec::new();
        };
        let is_old = |path: &PathBuf| {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            name.strip_prefix(&prefix).is_some_and(|time| is_time(time, format))
        };
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).filter(is_old).collect()
    }
}

fn is_time(text: &str, format: &str) -> bool {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let example = DateTime::<Utc>::UNIX_EPOCH.format(format).to_string();
    shape == example.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect::<String>()
}

fn suffix(when: When) -> &'static str {
    match when {
        When::Second => "%Y-%m-%d_%H-%M-%S",
        When::Minute => "%Y-%m-%d_%H-%M",
        When::Hour => "%Y-%m-%d_%H",
        When::Day | When::Midnight | When::Weekday(_) => "%Y-%m-%d",
    }
}

/// The length of an interval in seconds.
fn length(when: When, interval: u32) -> i64 {
    let interval = i64::from(interval.max(1));
    match when {
        When::Second => interval,
        When::Minute => 60 * interval,
        When::Hour => 3600 * interval,
        When::Day => 86_400 * interval,
        When::Midnight => 86_400,
        When::Weekday(_) => 604_800,
    }
}

/// When a file that was last written to at `from` is moved away.
fn next_rotation(from: i64, when: When, interval: u32, utc: bool) -> i64 {
    let day = match when {
        When::Midnight => None,
        When::Weekday(day) => Some(day),
        _ => return from + length(when, interval),
    };
    let Some(time) = DateTime::from_timestamp(from, 0) else { return i64::MAX };
    let date = if utc { time.date_naive() } else { time.with_timezone(&Local).date_naive() };
    let ahead = match day {
        None => 1,
        Some(day) => (u64::from(day) + 7 - u64::from(date.weekday().num_days_from_monday())) % 7 + 1,
    };
    let midnight = date.checked_add_days(Days::new(ahead)).map(|date| date.and_time(NaiveTime::MIN));
    let Some(midnight) = midnight else { return i64::MAX };
    if utc {
        return midnight.and_utc().timestamp();
    }
    // A midnight that the clocks skip is the first moment after it.
    let local = Local.from_local_datetime(&midnight).earliest();
    let local = local.or_else(|| Local.from_local_datetime(&(midnight + TimeDelta::hours(1))).earliest());
    local.map_or(i64::MAX, |time| time.timestamp())
}

#[expect(clippy::disallowed_methods, reason = "log files are moved by the time of the machine")]
fn seconds_now() -> i64 {
    Utc::now().timestamp()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(folder: &Path) -> Vec<(String, String)> {
        let mut found: Vec<(String, String)> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .map(|path| {
                (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read_to_string(path).unwrap())
            })
            .collect();
        found.sort();
        found
    }

    #[test]
    fn a_file_that_was_moved_away_is_opened_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("api.log");
        let mut file = LogFile::new(path.display().to_string(), true, false);
        file.write("one").unwrap();
        std::fs::rename(&path, folder.path().join("old")).unwrap();
        file.write("two").unwrap();
        std::fs::remove_file(&path).unwrap();
        file.write("three").unwrap();
        let found = texts(folder.path());
        assert_eq!(found, [("api.log".into(), "three\n".into()), ("old".to_owned(), "one\n".to_owned())]);
    }

    #[test]
    fn full_files_are_numbered() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("api.log").display().to_string();
        let mut file = LogFile::rotating(path, Rotation::Size(8), 2);
        for line in ["a", "b", "cccccc", "d", "e", "ffffffffffff"] {
            file.write(line).unwrap();
        }
        let found: Vec<String> =
            texts(folder.path()).into_iter().map(|(name, text)| format!("{name}={text}")).collect();
        assert_eq!(found, ["api.log=ffffffffffff\n", "api.log.1=d\ne\n", "api.log.2=cccccc\n"]);
    }

    #[test]
    fn old_files_carry_their_time_and_the_oldest_go() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("api.log").display().to_string();
        for day in ["2001-01-01", "2001-01-02", "2001-01-03", "notes"] {
            std::fs::write(format!("{path}.{day}"), day).unwrap();
        }
        let rotation = Rotation::Time { when: When::Midnight, interval: 1, utc: true };
        let mut file = LogFile::rotating(path, rotation, 2);
        file.write("yesterday").unwrap();
        file.due = 978_566_400; // 2001-01-04 00:00 UTC
        file.write("today").unwrap();
        let names: Vec<String> = texts(folder.path()).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["api.log", "api.log.2001-01-02", "api.log.2001-01-03", "api.log.notes"]);
        assert_eq!(std::fs::read_to_string(folder.path().join("api.log.2001-01-03")).unwrap(), "yesterday\n");
        assert_eq!(std::fs::read_to_string(folder.path().join("api.log")).unwrap(), "today\n");
    }

    #[test]
    fn rotations_fall_on_midnights() {
        let wednesday = 978_480_000 + 100; // 2001-01-03 00:01:40 UTC
        for (when, days) in [(When::Midnight, 1), (When::Weekday(2), 1), (When::Weekday(3), 2), (When::Weekday(1), 7)] {
            assert_eq!(next_rotation(wednesday, when, 1, true), 978_480_000 + days * 86_400, "{when:?}");
        }
        assert_eq!(next_rotation(wednesday, When::Hour, 2, false), wednesday + 7200);
    }
}
