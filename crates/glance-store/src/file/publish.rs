//! From a hidden file to an image: atomic, and never in place of another file.

use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{AtFlags, RenameFlags, Stat, linkat, renameat_with, statat, unlinkat};
use rustix::io::Errno;

use crate::error::{Error, Kind, Result};
use crate::store::NewObject;

use super::errno::failed;

/// The longest attempt that still gives a valid file name.
const MAX_ATTEMPT: usize = 128;

/// The name of the unfinished file. It is hidden, and made from nothing but what the transfer's record holds, so that
/// whoever cleans up finds it without more knowledge.
pub(super) fn draft_name(object: &NewObject) -> Result<String> {
    let attempt = &object.attempt;
    let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if attempt.is_empty() || attempt.len() > MAX_ATTEMPT || !attempt.chars().all(safe) {
        return Err(Error::new(Kind::BadLocation, "the attempt cannot be part of a file name"));
    }
    Ok(format!(".{}.{attempt}.part", object.image))
}

/// The name of the finished file.
pub(super) fn file_name(object: &NewObject) -> Result<String> {
    let (name, image) = (object.name.as_str(), object.image.as_str());
    let number = name.strip_prefix(image).map(|rest| rest.strip_prefix('.').unwrap_or(rest));
    if number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit())) {
        return Ok(name.to_owned());
    }
    Err(Error::new(Kind::BadLocation, "the object is not named after its image"))
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
    // The image is visible by now, whatever the reason of a failure.
    remove(folder, draft, path).map(|_| ()).map_err(|error| {
        Error::new(Kind::Unavailable, format!("cannot remove the draft of {}", path.display())).with_source(error)
    })
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

/// What a draft had become when it was removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Withdrawn {
    /// It had not become an image: an image of the name is somebody else's.
    Unpublished,
    /// It was there, and so was the image as another name of the same file.
    Linked,
    /// It was not there: it has become the image, or is in another folder, or never was.
    Absent,
}

/// Removes `draft` from `folder`, so that it cannot become the image `name` any more, and says what it had become.
pub(super) fn withdraw(folder: &OwnedFd, draft: &str, name: &str, path: &Path) -> Result<Withdrawn> {
    let before = look(folder, draft)?;
    if !remove(folder, draft, path)? {
        return Ok(Withdrawn::Absent);
    }
    let identity = |stat: Stat| (stat.st_dev, stat.st_ino);
    let linked = before.is_some() && before.map(identity) == look(folder, name)?.map(identity);
    Ok(if linked { Withdrawn::Linked } else { Withdrawn::Unpublished })
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
        let object = |attempt: &str| NewObject {
            image: ImageId::parse("image-1").unwrap(),
            name: "image-1".to_owned(),
            attempt: attempt.to_owned(),
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
    fn files_are_named_after_their_image() {
        let name = |name: &str| {
            let image = ImageId::parse("image-1").unwrap();
            file_name(&NewObject { image, name: name.to_owned(), attempt: "a".to_owned(), size_hint: None })
        };
        for good in ["image-1", "image-1.0000001"] {
            assert_eq!(name(good).unwrap(), good);
        }
        for bad in ["", "image-2", "image-1.x", "image-1/../x", "../image-1", "image-1.1.1"] {
            assert!(name(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_withdrawn_draft_tells_whether_it_had_become_the_image() {
        let scratch = tempfile::tempdir().unwrap();
        let path = |name: &str| scratch.path().join(name);
        let withdraw = || withdraw(&folder(scratch.path()), "draft", "image", &path("draft")).unwrap();
        assert_eq!(withdraw(), Withdrawn::Absent);
        fs::write(path("draft"), "mine").unwrap();
        assert_eq!(withdraw(), Withdrawn::Unpublished, "no image");
        fs::write(path("draft"), "mine").unwrap();
        fs::write(path("image"), "theirs").unwrap();
        assert_eq!(withdraw(), Withdrawn::Unpublished, "another image");
        fs::remove_file(path("image")).unwrap();
        fs::write(path("draft"), "mine").unwrap();
        fs::hard_link(path("draft"), path("image")).unwrap();
        assert_eq!(withdraw(), Withdrawn::Linked);
        assert!(!path("draft").exists() && path("image").exists());
    }
}
