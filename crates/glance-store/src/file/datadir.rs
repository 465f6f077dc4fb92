//! The folders of a store: prepared at start, chosen by priority and free space.

use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, CWD, Mode, OFlags, access, openat, statvfs};
use rustix::io::Errno;

use crate::error::{Error, Kind, Result};

use super::errno::failed;
use super::identity::Guard;
use super::options::DataDir;
use super::url::is_expressible;

/// One folder of images.
pub(super) struct Folder {
    pub(super) path: PathBuf,
    pub(super) guard: Guard,
    priority: i64,
}

impl Folder {
    /// Opens the folder for operations on the names in it, if it is the one that the catalogue knows.
    pub(super) fn open(&self) -> Result<OwnedFd> {
        self.guard.admit()?;
        let folder = self.open_whatever_it_is()?;
        self.guard.check(&folder, &self.path)?;
        Ok(folder)
    }

    /// Opens what is at the folder's path.
    pub(super) fn open_whatever_it_is(&self) -> Result<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        openat(CWD, &self.path, flags, Mode::empty()).map_err(|errno| match errno {
            // A folder that has vanished says nothing about the images in it.
            Errno::NOENT | Errno::NOTDIR => unavailable(&self.path, errno),
            _ => failed("open", &self.path, errno),
        })
    }

    /// Bytes that an unprivileged process can still write.
    pub(super) fn free(&self) -> Result<u64> {
        let facts = statvfs(&self.path).map_err(|errno| unavailable(&self.path, errno))?;
        Ok(facts.f_bavail.saturating_mul(facts.f_frsize))
    }

    /// Whether new files can be made.
    pub(super) fn check_writable(&self) -> Result<()> {
        access(&self.path, Access::WRITE_OK | Access::EXEC_OK).map_err(|errno| failed("write to", &self.path, errno))
    }

    /// Makes the folder if it is missing, and lets those through to it who may read its files.
    fn prepare(&self, file_perm: u32) -> Result<()> {
        fs::create_dir_all(&self.path).map_err(|error| config(&self.path, &error))?;
        self.check_writable().map_err(|error| config(&self.path, &error))?;
        if let Err(error) = let_through(&self.path, file_perm) {
            tracing::warn!(datadir = %self.path.display(), %error, "cannot give readers of images access to the folder");
        }
        Ok(())
    }
}

/// The folders of a store, those of greater priority first.
pub(super) struct Folders(Vec<Folder>);

impl Folders {
    /// Checks the configured folders without touching them.
    pub(super) fn new(datadirs: &[DataDir]) -> Result<Self> {
        let mut folders: Vec<Folder> = Vec::new();
        for datadir in datadirs {
            let path = std::path::absolute(&datadir.path).map_err(|error| config(&datadir.path, &error))?;
            if !is_expressible(&path) {
                return Err(config(&path, &"it cannot be part of a location URI"));
            }
            match folders.iter().find(|earlier| earlier.path == path) {
                Some(earlier) if earlier.priority == datadir.priority => {
                    tracing::warn!(datadir = %path.display(), "the folder is configured twice");
                }
                Some(_) => return Err(config(&path, &"it is configured twice with different priorities")),
                None => folders.push(Folder { path, guard: Guard::default(), priority: datadir.priority }),
            }
        }
        if folders.is_empty() {
            return Err(Error::new(Kind::Config, "a file store needs a folder"));
        }
        folders.sort_by_key(|folder| std::cmp::Reverse(folder.priority));
        Ok(Self(folders))
    }

    /// Makes missing folders and checks that all can be written.
    pub(super) fn prepare(&self, file_perm: u32) -> Result<()> {
        self.0.iter().try_for_each(|folder| folder.prepare(file_perm))
    }

    /// As [`Self::prepare`], but folders that cannot be used now are only logged.
    pub(super) fn prepare_if_possible(&self, file_perm: u32) {
        for folder in &self.0 {
            if let Err(error) = folder.prepare(file_perm) {
                tracing::error!(%error, "a folder of a store cannot be used: operations on it fail until it can be");
            }
        }
    }

    /// The folder of that path.
    pub(super) fn at(&self, path: &str) -> Result<&Folder> {
        let found = self.0.iter().find(|folder| folder.path.to_str() == Some(path));
        found.ok_or_else(|| Error::new(Kind::Config, format!("the store has no folder {path}")))
    }

    /// The folders, those of greater priority first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Folder> {
        self.0.iter()
    }

    /// The folder for `wanted` bytes: the one with most free space among those of the greatest priority that fit.
    ///
    /// A single folder is taken as it is, since file systems that compress hold more than they have.
    pub(super) fn choose(&self, wanted: u64) -> Result<&Folder> {
        if let [only] = self.0.as_slice() {
            return Ok(only);
        }
        let mut best: Option<(&Folder, u64)> = None;
        for folder in &self.0 {
            if best.is_some_and(|(chosen, _)| chosen.priority > folder.priority) {
                break;
            }
            let free = folder.free()?;
            if free >= wanted && free > best.map_or(0, |(_, most)| most) {
                best = Some((folder, free));
            }
        }
        best.map(|(folder, _)| folder)
            .ok_or_else(|| Error::new(Kind::Full, format!("no folder has room for {wanted} bytes")))
    }
}

fn let_through(path: &Path, file_perm: u32) -> std::io::Result<()> {
    let mode = fs::metadata(path)?.permissions().mode();
    let others = if file_perm & 0o007 == 0 { 0 } else { 0o001 };
    let group = if file_perm & 0o070 == 0 { 0 } else { 0o010 };
    let wanted = mode | others | group;
    if wanted == mode { Ok(()) } else { fs::set_permissions(path, fs::Permissions::from_mode(wanted & 0o7777)) }
}

fn unavailable(path: &Path, errno: Errno) -> Error {
    Error::new(Kind::Unavailable, format!("the folder {} cannot be used: {errno}", path.display())).with_source(errno)
}

fn config(path: &Path, why: &dyn std::fmt::Display) -> Error {
    Error::new(Kind::Config, format!("the folder {} cannot hold images: {why}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn datadir(path: &Path, priority: i64) -> DataDir {
        DataDir { path: path.to_owned(), priority }
    }

    #[test]
    fn the_greatest_priority_with_room_wins() {
        let scratch = tempfile::tempdir().unwrap();
        let (low, high) = (scratch.path().join("low"), scratch.path().join("high"));
        let folders = Folders::new(&[datadir(&low, 1), datadir(&high, 2)]).unwrap();
        folders.prepare(0).unwrap();
        assert_eq!(folders.choose(0).unwrap().path, high);
        assert_eq!(folders.choose(u64::MAX).err().unwrap().kind(), Kind::Full);
    }

    #[test]
    fn the_emptiest_folder_wins_among_equals() {
        // Two file systems of different free space; /proc has none.
        let scratch = tempfile::tempdir().unwrap();
        let folders = Folders::new(&[datadir(Path::new("/proc"), 1), datadir(scratch.path(), 1)]).unwrap();
        assert_eq!(folders.choose(0).unwrap().path, scratch.path());
        let folders = Folders::new(&[datadir(Path::new("/proc"), 2), datadir(scratch.path(), 1)]).unwrap();
        assert_eq!(folders.choose(1).unwrap().path, scratch.path(), "a full folder of greater priority is passed over");
    }

    #[test]
    fn folders_that_cannot_work_are_errors_of_the_configuration() {
        let scratch = tempfile::tempdir().unwrap();
        let file = scratch.path().join("file");
        fs::write(&file, "").unwrap();
        for datadirs in [
            vec![],
            vec![datadir(&scratch.path().join("a?b"), 0)],
            vec![datadir(scratch.path(), 0), datadir(scratch.path(), 1)],
            vec![datadir(&file, 0)],
            vec![datadir(&file.join("below"), 0)],
        ] {
            let result = Folders::new(&datadirs).and_then(|folders| folders.prepare(0));
            assert_eq!(result.unwrap_err().kind(), Kind::Config, "{datadirs:?}");
        }
        assert!(Folders::new(&[datadir(scratch.path(), 1), datadir(scratch.path(), 1)]).is_ok());
    }

    #[test]
    fn readers_of_files_can_pass_through_the_folder() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("images");
        fs::create_dir(&path).unwrap();
        for (perm, mode) in [(0, 0o700), (0o640, 0o710), (0o644, 0o711)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
            Folders::new(&[datadir(&path, 0)]).unwrap().prepare(perm).unwrap();
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode, "{perm:o}");
        }
    }
}
