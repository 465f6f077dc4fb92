//! The identity of a folder: a hidden file that tells it from whatever else is mounted, or not mounted, at its path.
//!
//! It is compared with what the catalogue knows each time the folder is opened. As long as the file is the one that was
//! read last, that is one look at its attributes.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use rustix::fs::{AtFlags, Mode as Permissions, OFlags, Stat, fsync, openat, statat};
use rustix::io::Errno;

use crate::error::{Error, Kind, Result};
use crate::identity::{Expectation, Identified};

use super::datadir::Folder;
use super::errno::failed;
use super::lookup::Place;
use super::publish::{publish, remove};
use super::store::FileStore;
use super::survey::has_objects;
use super::url;

/// The file with the identity.
pub(super) const FILE: &str = ".glance-store";

/// Bytes of the longest identity, with the end of its line.
const LONGEST: usize = 64;

/// Lets operations into a folder if it is the expected one.
#[derive(Default)]
pub(super) struct Guard(Mutex<State>);

struct State {
    expectation: Expectation,
    /// The file that held the expected identity when it was read.
    seen: Option<Version>,
}

impl Default for State {
    fn default() -> Self {
        Self { expectation: Expectation::Anything, seen: None }
    }
}

/// What changes when a file becomes another one.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Version {
    device: u64,
    inode: u64,
    modified: (i64, i64),
    size: i64,
}

impl Guard {
    fn expect(&self, expectation: Expectation) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.expectation != expectation {
            *state = State { expectation, seen: None };
        }
    }

    /// Refuses at once where no folder would do.
    pub(super) fn admit(&self) -> Result<()> {
        match &self.0.lock().unwrap_or_else(PoisonError::into_inner).expectation {
            Expectation::Refused(why) => Err(Error::new(Kind::Unavailable, why.as_str())),
            Expectation::Anything | Expectation::Identity(_) => Ok(()),
        }
    }

    /// Refuses `folder`, which was opened at `path`, if it is not the expected one.
    pub(super) fn check(&self, folder: &OwnedFd, path: &Path) -> Result<()> {
        let (identity, seen) = {
            let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            match &state.expectation {
                Expectation::Identity(identity) => (identity.clone(), state.seen),
                Expectation::Anything | Expectation::Refused(_) => return Ok(()),
            }
        };
        let version = look(folder, path)?.ok_or_else(|| foreign(path, "holds no identity"))?;
        if seen == Some(version) {
            return Ok(());
        }
        if read(folder, path)?.as_deref() != Some(identity.as_str()) {
            return Err(foreign(path, "holds another identity"));
        }
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.expectation == Expectation::Identity(identity) {
            state.seen = Some(version);
        }
        Ok(())
    }
}

fn foreign(path: &Path, what: &str) -> Error {
    let path = path.display();
    let text = format!(
        "the folder {path} is not the one that the catalogue knows: it {what}. Mount its file system; if it is the right \
         folder nevertheless, run `glance-manage store adopt`"
    );
    Error::new(Kind::Unavailable, text)
}

fn look(folder: &OwnedFd, path: &Path) -> Result<Option<Version>> {
    match statat(folder, FILE, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(facts) => Ok(Some(version(&facts))),
        Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(unreadable(path, errno)),
    }
}

#[expect(clippy::useless_conversion, reason = "the types of the fields differ between architectures")]
#[expect(clippy::cast_possible_wrap, reason = "nanoseconds are less than a second")]
fn version(facts: &Stat) -> Version {
    Version {
        device: facts.st_dev.into(),
        inode: facts.st_ino.into(),
        modified: (facts.st_mtime.into(), facts.st_mtime_nsec as i64),
        size: facts.st_size.into(),
    }
}

/// Whatever keeps the file from being read says nothing about the objects in the folder.
fn unreadable(path: &Path, errno: Errno) -> Error {
    let text = format!("cannot read the identity of the folder {}: {errno}", path.display());
    Error::new(Kind::Unavailable, text).with_source(errno)
}

/// The identity in `folder`.
fn read(folder: &OwnedFd, path: &Path) -> Result<Option<String>> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match openat(folder, FILE, flags, Permissions::empty()) {
        Ok(file) => file,
        Err(Errno::NOENT) => return Ok(None),
        Err(errno) => return Err(unreadable(path, errno)),
    };
    let mut bytes = [0; LONGEST + 1];
    let mut length = 0;
    while length < bytes.len() {
        match rustix::io::read(&file, &mut bytes[length..]).map_err(|errno| unreadable(path, errno))? {
            0 => break,
            more => length += more,
        }
    }
    let text = std::str::from_utf8(&bytes[..length]).ok().filter(|_| length <= LONGEST).map(str::trim);
    match text.filter(|text| is_identity(text)) {
        Some(identity) => Ok(Some(identity.to_owned())),
        None => Err(Error::new(
            Kind::Config,
            format!(
                "{} is no identity of a store: remove it and run `glance-manage store adopt`",
                path.join(FILE).display()
            ),
        )),
    }
}

fn is_identity(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Makes the file with all of its content at once; somebody else's stays.
fn write(folder: &OwnedFd, identity: &str, path: &Path) -> Result<()> {
    let (draft, file_path) = (format!("{FILE}.{identity}"), path.join(FILE));
    let refused = |errno| failed("create", &file_path, errno);
    let flags = OFlags::CREATE | OFlags::TRUNC | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = openat(folder, &draft, flags, Permissions::from_raw_mode(0o644)).map_err(refused)?;
    let line = format!("{identity}\n");
    let mut rest = line.as_bytes();
    while !rest.is_empty() {
        rest = &rest[rustix::io::write(&file, rest).map_err(refused)?..];
    }
    fsync(&file).map_err(refused)?;
    let published = publish(folder, &draft, FILE, &file_path);
    if let Err(error) = published {
        remove(folder, &draft, &file_path)?;
        return if error.kind() == Kind::Duplicate { Ok(()) } else { Err(error) };
    }
    fsync(folder).map_err(refused)
}

#[async_trait]
impl Identified for FileStore {
    fn places(&self) -> Vec<String> {
        self.folders().iter().map(|folder| folder.path.display().to_string()).collect()
    }

    fn place_of(&self, url: &str) -> Option<String> {
        let path = url::to_path(url).ok()?;
        let folder = self.folders().iter().find(|folder| path.starts_with(&folder.path))?;
        Some(folder.path.display().to_string())
    }

    async fn read_identity(&self, place: &str) -> Result<Option<String>> {
        self.in_folder(place, |folder| read(&folder.open_whatever_it_is()?, &folder.path)).await
    }

    async fn write_identity(&self, place: &str, identity: &str) -> Result<String> {
        let identity = identity.to_owned();
        self.in_folder(place, move |folder| {
            let opened = folder.open_whatever_it_is()?;
            if let Some(there) = read(&opened, &folder.path)? {
                return Ok(there);
            }
            write(&opened, &identity, &folder.path)?;
            read(&opened, &folder.path)?.ok_or_else(|| foreign(&folder.path, "holds no identity"))
        })
        .await
    }

    async fn holds_any(&self, place: &str, urls: Vec<String>) -> Result<bool> {
        self.in_folder(place, move |folder| {
            folder.open_whatever_it_is()?;
            Ok(urls.iter().any(|url| is_there(folder, url)))
        })
        .await
    }

    async fn is_empty(&self, place: &str) -> Result<bool> {
        self.in_folder(place, |folder| Ok(!has_objects(folder)?)).await
    }

    fn expect(&self, place: &str, expectation: Expectation) {
        if let Ok(folder) = self.folders().at(place) {
            folder.guard.expect(expectation);
        }
    }
}

fn is_there(folder: &Folder, url: &str) -> bool {
    url::to_path(url).and_then(|path| Place::within(folder, &path)?.size()).is_ok()
}

impl FileStore {
    async fn in_folder<T: Send + 'static>(
        &self,
        place: &str,
        work: impl FnOnce(&Folder) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let place = place.to_owned();
        self.with_folders(move |folders| work(folders.at(&place)?)).await
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::Arc;

    use glance_domain::ImageId;

    use super::*;
    use crate::file::{FileOptions, IdentityCheck};
    use crate::store::{NewObject, NoJournal, Phase, Store, StoreContext};

    fn store(folder: &Path) -> FileStore {
        FileStore::open(FileOptions::new(folder)).unwrap()
    }

    fn object() -> NewObject {
        let image = ImageId::parse("image-1").unwrap();
        NewObject { name: image.to_string(), image, attempt: "t1".to_owned(), size_hint: None }
    }

    /// What each operation on a folder says, with the object at `url`.
    async fn refusals(store: &FileStore, url: &str) -> Vec<Option<Kind>> {
        let context = StoreContext::default();
        let kind = |error: Error| error.kind();
        vec![
            store.begin(&context, &object(), Arc::new(NoJournal)).await.err().map(kind),
            store.open(&context, url, None).await.err().map(kind),
            store.size(&context, url).await.err().map(kind),
            store.delete(&context, url).await.err().map(kind),
            store.abandon(&context, &object(), Phase::Finishing, None).await.err().map(kind),
            store.list(&context).await.err().map(kind),
            store.health().await.err().map(kind),
        ]
    }

    #[tokio::test]
    async fn a_folder_without_its_identity_is_not_used_and_comes_back_with_it() {
        let scratch = tempfile::tempdir().unwrap();
        let (images, mounted) = (scratch.path().join("images"), scratch.path().join("elsewhere"));
        let store = store(&images);
        let place = store.places().remove(0);
        let identity = store.write_identity(&place, "identity-1").await.unwrap();
        store.expect(&place, Expectation::Identity(identity));
        fs::write(images.join("one"), "data").unwrap();
        let url = format!("file://{place}/one");
        assert_eq!(store.size(&StoreContext::default(), &url).await.unwrap(), 4);
        fs::rename(&images, &mounted).unwrap();
        fs::create_dir(&images).unwrap();
        assert_eq!(refusals(&store, &url).await, [Some(Kind::Unavailable); 7], "nothing is mounted");
        assert_eq!(fs::read_dir(&images).unwrap().count(), 0);
        fs::write(images.join(FILE), "identity-2\n").unwrap();
        assert_eq!(refusals(&store, &url).await, [Some(Kind::Unavailable); 7], "something else is mounted");
        fs::remove_dir_all(&images).unwrap();
        fs::rename(&mounted, &images).unwrap();
        assert_eq!(store.size(&StoreContext::default(), &url).await.unwrap(), 4);
        let said = store.list(&StoreContext::default()).await.unwrap();
        assert_eq!(said, [url], "the identity is no object");
    }

    #[tokio::test]
    async fn an_identity_that_changes_under_the_store_is_noticed() {
        let scratch = tempfile::tempdir().unwrap();
        let store = store(scratch.path());
        let place = store.places().remove(0);
        store.write_identity(&place, "identity-1").await.unwrap();
        store.expect(&place, Expectation::Identity("identity-1".to_owned()));
        store.health().await.unwrap();
        fs::remove_file(scratch.path().join(FILE)).unwrap();
        assert_eq!(store.health().await.unwrap_err().kind(), Kind::Unavailable);
        store.write_identity(&place, "identity-2").await.unwrap();
        let error = store.health().await.unwrap_err();
        assert!(error.to_string().contains("store adopt"), "{error}");
        store.expect(&place, Expectation::Anything);
        store.health().await.unwrap();
        store.expect(&place, Expectation::Refused("not decided".to_owned()));
        assert_eq!(store.health().await.unwrap_err().to_string(), "not decided");
    }

    #[tokio::test]
    async fn the_first_identity_of_a_folder_stays() {
        let scratch = tempfile::tempdir().unwrap();
        let store = store(scratch.path());
        let place = store.places().remove(0);
        assert_eq!(store.read_identity(&place).await.unwrap(), None);
        assert_eq!(store.write_identity(&place, "identity-1").await.unwrap(), "identity-1");
        assert_eq!(store.write_identity(&place, "identity-2").await.unwrap(), "identity-1");
        assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 1);
        for bad in ["", "\n", "a b", "../x", &"x".repeat(65)] {
            fs::write(scratch.path().join(FILE), bad).unwrap();
            assert_eq!(store.read_identity(&place).await.unwrap_err().kind(), Kind::Config, "{bad:?}");
        }
    }

    #[tokio::test]
    async fn objects_are_found_in_a_folder_that_is_refused() {
        let scratch = tempfile::tempdir().unwrap();
        let (images, alias) = (scratch.path().join("images"), scratch.path().join("alias"));
        let store = store(&images);
        let place = store.places().remove(0);
        store.expect(&place, Expectation::Refused("not decided".to_owned()));
        fs::create_dir(images.join("folder")).unwrap();
        assert!(store.is_empty(&place).await.unwrap());
        fs::write(images.join("one"), "data").unwrap();
        std::os::unix::fs::symlink(&images, &alias).unwrap();
        assert!(!store.is_empty(&place).await.unwrap());
        let urls = |names: &[&str]| {
            names.iter().map(|name| format!("file://{}/{name}", scratch.path().display())).collect::<Vec<_>>()
        };
        assert_eq!(store.place_of(&urls(&["images/one"])[0]), Some(place.clone()));
        assert_eq!(store.place_of(&urls(&["alias/one"])[0]), None);
        assert!(store.holds_any(&place, urls(&["images/two", "alias/one"])).await.unwrap());
        assert!(!store.holds_any(&place, urls(&["images/two", "other/one"])).await.unwrap());
    }

    #[test]
    fn stores_for_reading_and_unjudged_ones_have_no_places() {
        let scratch = tempfile::tempdir().unwrap();
        let options = FileOptions::new(scratch.path());
        assert!(store(scratch.path()).identified().is_some());
        assert!(FileStore::open_read_only(options.clone()).unwrap().identified().is_none());
        let off = FileStore::open(FileOptions { identity: IdentityCheck::Off, ..options }).unwrap();
        assert!(off.identified().is_none());
    }
}
