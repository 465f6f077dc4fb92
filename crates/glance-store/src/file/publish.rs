//! From a hidden file to an image: atomic, and never in place of another file.

use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{AtFlags, RenameFlags, Stat, linkat, renameat_with, statat, unlinkat};
use rustix::io::Errno;

use crate::error::{Error, Kind, Result};
use crate::store::NewObject;

use super::errno::failed;

/// The longest name of a transfer that still gives a valid file name.
const MAX_TRANSFER: usize = 128;

/// The name of the unfinished file. It is hidden, and made from nothing but what the transfer's record holds, so that
/// whoever cleans up finds it without more knowledge.
pub(super) fn draft_name(object: &NewObject) -> Result<String> {
    let transfer = &object.transfer;
    let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if transfer.is_empty() || transfer.len() > MAX_TRANSFER || !transfer.chars().all(safe) {
        return Err(Error::new(Kind::BadLocation, "the transfer's name cannot be part of a file name"));
    }
    Ok(format!(".{}.{transfer}.part", object.image))
}

/// Gives the file `draft` in `folder` the name `name`, which nothing else may have.
pub(super) fn publish(folder: &OwnedFd, draft: &str, name: &str, path: &Path) -> Result<()> {
    match renameat_with(folder, draft, folder, name, RenameFlags::NOREPLACE) {
        // NFS and others know no such rename.
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => link(folder, draft, name, path),
        result => result.map_err(|errno| failed("create", path, errno)),
    }
}

fn link(folder: &OwnedFd, draft: &str, name: &str, path: &Path) -> Result<()> {
    match linkat(folder, draft, folder, name, AtFlags::empty()) {
        // NFS: the answer to a link that was made can be lost and the request repeated.
        Err(Errno::EXIST) if is_same_file(folder, draft, name)? => {}
        result => result.map_err(|errno| failed("create", path, errno))?,
    }
    remove(folder, draft, path).map(|_| ())
}

/// Whether both names exist and stand for one file.
fn is_same_file(folder: &OwnedFd, draft: &str, name: &str) -> Result<bool> {
    let identity = |stat: Stat| (stat.st_dev, stat.st_ino);
    let (draft, image) = (look(folder, draft)?, look(folder, name)?);
    Ok(draft.is_some() && draft.map(identity) == image.map(identity))
}

/// What `name` in `folder` is; `None` when there is nothing.
pub(super) fn look(folder: &OwnedFd, name: &str) -> Result<Option<Stat>> {
    match statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(stat)),
        Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(failed("examine", Path::new(name), errno)),
    }
}

/// Removes `name` from `folder`; says whether there was one.
pub(super) fn remove(folder: &OwnedFd, name: &str, path: &Path) -> Result<bool> {
    match unlinkat(folder, name, AtFlags::empty()) {
        Ok(()) => Ok(true),
        Err(Errno::NOENT) => Ok(false),
        Err(errno) => Err(failed("remove", path, errno)),
    }
}

/// Whether `draft` is in `folder` without having become the image `name`: if there is such an image, it is not this
/// transfer's.
pub(super) fn is_unpublished(folder: &OwnedFd, draft: &str, name: &str) -> Result<bool> {
    Ok(look(folder, draft)?.is_some() && !is_same_file(folder, draft, name)?)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use glance_domain::ImageId;

    use super::*;

    fn folder(path: &Path) -> OwnedFd {
        OwnedFd::from(fs::File::open(path).unwrap())
    }

    #[test]
    fn draft_names_are_hidden_and_cannot_leave_the_folder() {
        let object = |transfer: &str| NewObject {
            image: ImageId::parse("image-1").unwrap(),
            transfer: transfer.to_owned(),
            size_hint: None,
        };
        assert_eq!(draft_name(&object("t1")).unwrap(), ".image-1.t1.part");
        for bad in ["", "a/b", "../x", "a.b", "a\0", &"x".repeat(129)] {
            assert!(draft_name(&object(bad)).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn both_ways_of_publishing_move_and_never_replace() {
        for publish in [publish, link] {
            let scratch = tempfile::tempdir().unwrap();
            let path = |name: &str| scratch.path().join(name);
            fs::write(path("draft"), "new").unwrap();
            publish(&folder(scratch.path()), "draft", "image", &path("image")).unwrap();
            assert_eq!((path("draft").exists(), fs::read(path("image")).unwrap()), (false, b"new".to_vec()));
            fs::write(path("draft"), "newer").unwrap();
            let refused = publish(&folder(scratch.path()), "draft", "image", &path("image")).unwrap_err();
            assert_eq!((refused.kind(), fs::read(path("image")).unwrap()), (Kind::Duplicate, b"new".to_vec()));
        }
    }

    #[test]
    fn a_link_that_was_made_but_not_confirmed_counts_as_made() {
        let scratch = tempfile::tempdir().unwrap();
        let path = |name: &str| scratch.path().join(name);
        fs::write(path("draft"), "new").unwrap();
        fs::hard_link(path("draft"), path("image")).unwrap();
        link(&folder(scratch.path()), "draft", "image", &path("image")).unwrap();
        assert!(!path("draft").exists() && path("image").exists());
    }

    #[test]
    fn a_draft_is_unpublished_until_the_image_is_the_same_file() {
        let scratch = tempfile::tempdir().unwrap();
        let path = |name: &str| scratch.path().join(name);
        let unpublished = || is_unpublished(&folder(scratch.path()), "draft", "image").unwrap();
        assert!(!unpublished(), "no draft");
        fs::write(path("draft"), "mine").unwrap();
        assert!(unpublished(), "no image");
        fs::write(path("image"), "theirs").unwrap();
        assert!(unpublished(), "another image");
        fs::remove_file(path("image")).unwrap();
        fs::hard_link(path("draft"), path("image")).unwrap();
        assert!(!unpublished(), "linked");
    }
}
