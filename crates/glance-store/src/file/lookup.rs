//! From a location to a file, without ever leaving the folders of the store.

use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, fstat, openat, statat, unlinkat};
use rustix::io::Errno;

use crate::error::{Error, Kind, Result};

use super::datadir::{Folder, Folders};
use super::errno::failed;

/// A name in an open folder.
pub(super) struct Place {
    folder: OwnedFd,
    name: OsString,
    path: PathBuf,
}

impl Folders {
    /// Whether `path`, as it is written, is in one of the folders.
    pub(super) fn hold(&self, path: &Path) -> bool {
        self.iter().any(|folder| path.starts_with(&folder.path))
    }

    /// The place that `path` names.
    ///
    /// Rows may know a folder by another name (a link that has since changed sides), so the real folder counts; the
    /// file itself and folders on the way to it must not be links.
    pub(super) fn locate(&self, path: &Path) -> Result<Place> {
        let (folder, below) = self.find(path)?;
        Place::below(folder.open()?, &below, path)
    }

    /// The path of the same file below the folder as it is configured. Does not look whether there is one.
    pub(super) fn real_path(&self, path: &Path) -> Result<PathBuf> {
        let (folder, below) = self.find(path)?;
        Ok(folder.path.join(below))
    }

    fn find(&self, path: &Path) -> Result<(&Folder, PathBuf)> {
        match self.as_written(path) {
            Some(found) => Ok(found),
            None => self.in_reality(path),
        }
    }

    fn as_written(&self, path: &Path) -> Option<(&Folder, PathBuf)> {
        self.iter().find_map(|folder| Some((folder, path.strip_prefix(&folder.path).ok()?.to_owned())))
    }

    fn in_reality(&self, path: &Path) -> Result<(&Folder, PathBuf)> {
        let (parent, name) = real_parent(path)?;
        let found = self.iter().find_map(|folder| Some((folder, below_real(folder, &parent)?.join(&name))));
        found.ok_or_else(|| refused(path))
    }
}

/// The folder that `path` is in, without links, and its name there.
fn real_parent(path: &Path) -> Result<(PathBuf, OsString)> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return Err(refused(path)) };
    let real = parent.canonicalize().map_err(|error| refused(path).with_source(error))?;
    Ok((real, name.to_owned()))
}

/// The way from `folder` to `parent`, which is a path without links.
fn below_real(folder: &Folder, parent: &Path) -> Option<PathBuf> {
    Some(parent.strip_prefix(folder.path.canonicalize().ok()?).ok()?.to_owned())
}

fn descend(above: &OwnedFd, name: &OsStr, path: &Path) -> Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(above, name, flags, Mode::empty()).map_err(|errno| match errno {
        Errno::NOTDIR | Errno::LOOP => refused(path),
        _ => failed("open", path, errno),
    })
}

impl Place {
    /// The place that `path` names in `folder`, whatever is expected of the folder.
    pub(super) fn within(folder: &Folder, path: &Path) -> Result<Self> {
        let below = match path.strip_prefix(&folder.path) {
            Ok(below) => below.to_owned(),
            Err(_) => {
                let (parent, name) = real_parent(path)?;
                below_real(folder, &parent).ok_or_else(|| refused(path))?.join(name)
            }
        };
        Self::below(folder.open_whatever_it_is()?, &below, path)
    }

    /// The place `below` an open folder, which `path` names.
    fn below(folder: OwnedFd, below: &Path, path: &Path) -> Result<Self> {
        let mut parts = below.components().filter_map(|part| match part {
            Component::Normal(name) => Some(name),
            _ => None,
        });
        let name = parts.next_back().ok_or_else(|| refused(path))?;
        let folder = parts.try_fold(folder, |above, part| descend(&above, part, path))?;
        Ok(Self { folder, name: name.to_owned(), path: path.to_owned() })
    }

    /// Opens the file and says how large it is.
    pub(super) fn open(&self) -> Result<(OwnedFd, u64)> {
        // Without NONBLOCK a named pipe would keep the thread waiting for a writer.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file =
            openat(&self.folder, &self.name, flags, Mode::empty()).map_err(|errno| self.failed("open", errno))?;
        let facts = fstat(&file).map_err(|errno| self.failed("examine", errno))?;
        Ok((file, self.regular_size(&facts)?))
    }

    /// The size of the file in bytes.
    pub(super) fn size(&self) -> Result<u64> {
        let facts = statat(&self.folder, &self.name, AtFlags::SYMLINK_NOFOLLOW);
        self.regular_size(&facts.map_err(|errno| self.failed("examine", errno))?)
    }

    /// Removes the file.
    pub(super) fn delete(&self) -> Result<()> {
        self.size()?;
        unlinkat(&self.folder, &self.name, AtFlags::empty()).map_err(|errno| self.failed("delete", errno))
    }

    fn regular_size(&self, facts: &rustix::fs::Stat) -> Result<u64> {
        let regular = FileType::from_raw_mode(facts.st_mode) == FileType::RegularFile;
        let size = u64::try_from(facts.st_size).ok().filter(|_| regular);
        size.ok_or_else(|| refused(&self.path))
    }

    fn failed(&self, act: &str, errno: Errno) -> Error {
        failed(act, &self.path, errno)
    }
}

fn refused(path: &Path) -> Error {
    Error::new(Kind::BadLocation, format!("{} is no file in a folder of this store", path.display()))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::file::options::DataDir;

    fn size(folders: &Folders, path: &Path) -> Result<u64, Kind> {
        folders.locate(path).and_then(|place| place.size()).map_err(|error| error.kind())
    }

    #[test]
    fn nothing_outside_the_folders_is_reached() {
        let scratch = tempfile::tempdir().unwrap();
        let root = scratch.path();
        let (images, outside) = (root.join("images"), root.join("outside"));
        fs::create_dir_all(images.join("sub")).unwrap();
        fs::create_dir(&outside).unwrap();
        for file in [images.join("one"), images.join("sub/two"), outside.join("three")] {
            fs::write(file, "data").unwrap();
        }
        symlink(&images, root.join("alias")).unwrap();
        symlink(outside.join("three"), images.join("leak")).unwrap();
        symlink(&outside, images.join("out")).unwrap();
        symlink(images.join("one"), images.join("inner")).unwrap();
        let folders = Folders::new(&[DataDir { path: images.clone(), priority: 0 }]).unwrap();

        for good in ["images/one", "images/sub/two", "alias/one", "alias/sub/two"] {
            assert_eq!(size(&folders, &root.join(good)), Ok(4), "{good}");
        }
        for bad in
            ["outside/three", "images/leak", "images/out/three", "images/inner", "images/sub", "images", "none/x"]
        {
            assert_eq!(size(&folders, &root.join(bad)), Err(Kind::BadLocation), "{bad}");
        }
        assert_eq!(size(&folders, &images.join("four")), Err(Kind::NotFound));
        let open = |name: &str| folders.locate(&images.join(name)).unwrap().open().map(|(_, size)| size);
        assert_eq!(open("one").unwrap(), 4);
        assert_eq!(open("leak").unwrap_err().kind(), Kind::BadLocation);
        assert_eq!(folders.locate(&images.join("leak")).unwrap().delete().unwrap_err().kind(), Kind::BadLocation);
    }

    #[test]
    fn a_vanished_folder_is_not_a_missing_image() {
        let scratch = tempfile::tempdir().unwrap();
        let images = scratch.path().join("images");
        let folders = Folders::new(&[DataDir { path: images.clone(), priority: 0 }]).unwrap();
        assert_eq!(size(&folders, &images.join("one")), Err(Kind::Unavailable));
    }
}
