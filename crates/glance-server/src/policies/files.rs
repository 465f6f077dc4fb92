//! The policy files, and whether they have changed since they were read.

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use oslo::policy::{FileError, Rules, policy_files};

/// How often the files are looked at, at most.
const INTERVAL: Duration = Duration::from_millis(200);

/// `policy.yaml` and the files of `policy.d`.
#[derive(Debug)]
pub struct Files {
    file: PathBuf,
    directories: Vec<PathBuf>,
    seen: Mutex<Vec<Stamp>>,
    begun: Instant,
    /// Milliseconds after `begun` at which the files are looked at again.
    due: AtomicU64,
}

/// A file as it was when it was read. A change keeps none of this, unless it comes within the clock's resolution and
/// has the same length.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    path: PathBuf,
    modified: Option<SystemTime>,
    length: u64,
}

impl Files {
    /// A file, which need not exist, and directories of files that override it.
    #[must_use]
    pub fn new(file: PathBuf, directories: Vec<PathBuf>) -> Self {
        let (seen, due) = (Mutex::default(), AtomicU64::new(millis(INTERVAL)));
        Self { file, directories, seen, begun: Instant::now(), due }
    }

    /// The rules of the files as they are now.
    ///
    /// # Errors
    /// The first file that cannot be used.
    pub fn load(&self) -> Result<Rules, FileError> {
        let (paths, stamps) = self.look()?;
        *self.seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = stamps;
        Rules::load(&paths)
    }

    /// The rules of the files if they have changed since they were read last. A file that cannot be used is reported
    /// once, not at each look.
    ///
    /// # Errors
    /// The first file that cannot be used.
    pub fn load_if_changed(&self) -> Result<Option<Rules>, FileError> {
        let (paths, stamps) = self.look()?;
        let mut seen = self.seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if *seen == stamps {
            return Ok(None);
        }
        *seen = stamps;
        drop(seen);
        Rules::load(&paths).map(Some)
    }

    /// Whether it is time to look again. Of callers at the same time one is told so.
    pub(super) fn is_due(&self) -> bool {
        let now = millis(self.begun.elapsed());
        let due = self.due.load(Ordering::Relaxed);
        let next = now + millis(INTERVAL);
        now >= due && self.due.compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    fn look(&self) -> Result<(Vec<PathBuf>, Vec<Stamp>), FileError> {
        let paths = policy_files(&self.file, &self.directories)?;
        let stamps = paths.iter().map(|path| {
            let metadata = std::fs::metadata(path).ok();
            let modified = metadata.as_ref().and_then(|metadata| metadata.modified().ok());
            Stamp { path: path.clone(), modified, length: metadata.map_or(0, |metadata| metadata.len()) }
        });
        let stamps = stamps.collect();
        Ok((paths, stamps))
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_seen_and_mistakes_reported_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("policy.yaml");
        let files = Files::new(file.clone(), vec![folder.path().join("policy.d")]);
        assert_eq!(files.load().unwrap().names().count(), 0);
        assert!(files.load_if_changed().unwrap().is_none());
        std::fs::write(&file, "get_image: role:a").unwrap();
        assert_eq!(files.load_if_changed().unwrap().unwrap().names().collect::<Vec<_>>(), ["get_image"]);
        std::fs::create_dir(folder.path().join("policy.d")).unwrap();
        std::fs::write(folder.path().join("policy.d/more.json"), r#"{"get_images": "!"}"#).unwrap();
        assert_eq!(files.load_if_changed().unwrap().unwrap().names().count(), 2);
        std::fs::write(&file, "get_image: [").unwrap();
        assert!(files.load_if_changed().is_err());
        assert!(files.load_if_changed().unwrap().is_none());
        std::fs::remove_file(&file).unwrap();
        assert_eq!(files.load_if_changed().unwrap().unwrap().names().count(), 1);
    }
}
