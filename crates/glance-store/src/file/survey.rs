//! What is in the folders, for audits.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::stream;
use glance_domain::ImageId;
use rustix::fs::{AtFlags, Dir, FileType, Stat, statat};
use tokio::sync::mpsc;

use crate::error::{Error, Kind, Result};
use crate::survey::{Found, Survey, What};

use super::datadir::{Folder, Folders};
use super::errno::failed;
use super::identity;
use super::store::FileStore;
use super::url;

/// Files in one batch.
const BATCH: usize = 500;

/// Batches that wait for whoever asks.
const AHEAD: usize = 2;

/// Goes through all folders on a thread of its own, no faster than the batches are taken.
pub(super) fn survey(store: &FileStore) -> Survey {
    let (sender, receiver) = mpsc::channel(AHEAD);
    let work = store.with_folders_at_length(move |folders| {
        if let Err(error) = send_all(folders, &sender) {
            // Nobody takes it: then nobody asks any more.
            let _ = sender.blocking_send(Err(error));
        }
        Ok(())
    });
    let batches = stream::unfold(receiver, |mut receiver| async move { Some((receiver.recv().await?, receiver)) });
    // Both run at once; the work ends first, or when nobody takes its batches.
    Box::pin(stream::select(Box::pin(batches), Box::pin(ended(work))))
}

/// A stream of nothing that runs `work`; of its error, if it fails.
fn ended(work: impl Future<Output = Result<()>>) -> impl stream::Stream<Item = Result<Vec<Found>>> {
    use futures_util::{FutureExt as _, StreamExt as _};
    work.into_stream().filter_map(|done| async move { done.err().map(Err) })
}

fn send_all(folders: &Folders, sender: &mpsc::Sender<Result<Vec<Found>>>) -> Result<()> {
    for folder in folders.iter() {
        let mut batch = Vec::with_capacity(BATCH);
        let mut unwanted = false;
        each(folder, |found| {
            batch.push(found);
            if batch.len() >= BATCH {
                unwanted = sender.blocking_send(Ok(std::mem::take(&mut batch))).is_err();
            }
            !unwanted
        })?;
        if unwanted || sender.blocking_send(Ok(batch)).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// Tells `visit` of every regular file in `folder` but its identity, until it says `false`.
fn each(folder: &Folder, mut visit: impl FnMut(Found) -> bool) -> Result<()> {
    let opened = folder.open()?;
    let failed = |errno| failed("list", &folder.path, errno);
    for entry in Dir::read_from(&opened).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let (name, kind) = (entry.file_name().to_string_lossy().into_owned(), entry.file_type());
        let path = folder.path.join(&name);
        if is_regular(&path, kind)
            && !is_own(&name)
            && !visit(Found { what: what(&name), url: url::from_path(&path), name })
        {
            break;
        }
    }
    Ok(())
}

fn is_own(name: &str) -> bool {
    name.strip_prefix(identity::FILE).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Some file systems do not say in the listing what an entry is.
pub(super) fn is_regular(path: &Path, kind: FileType) -> bool {
    let unsaid = || path.symlink_metadata().is_ok_and(|facts| facts.is_file());
    kind == FileType::RegularFile || kind == FileType::Unknown && unsaid()
}

/// What a file of that name is.
fn what(name: &str) -> What {
    if !name.starts_with('.') {
        return if name.contains(char::REPLACEMENT_CHARACTER) { What::Unknown } else { What::Object };
    }
    let parts =
        name.strip_prefix('.').and_then(|rest| rest.strip_suffix(".part")).and_then(|rest| rest.rsplit_once('.'));
    match parts.and_then(|(image, attempt)| Some((ImageId::parse(image).ok()?, attempt))) {
        Some((image, attempt)) if !attempt.is_empty() => What::Draft { image, attempt: attempt.to_owned() },
        _ => What::Unknown,
    }
}

/// Whether there is an object in `folder`, whatever is expected of it.
pub(super) fn has_objects(folder: &Folder) -> Result<bool> {
    let failed = |errno| failed("list", &folder.path, errno);
    for entry in Dir::read_from(folder.open_whatever_it_is()?).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if what(&name) == What::Object && is_regular(&folder.path.join(&name), entry.file_type()) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// When the file that was found was written last.
pub(super) fn modified(folders: &Folders, found: &Found) -> Result<Option<SystemTime>> {
    let path = found.url.strip_prefix("file://").map(Path::new).unwrap_or_else(|| Path::new(""));
    let folder = folders.iter().find(|folder| path.parent() == Some(&folder.path));
    let folder = folder.ok_or_else(|| Error::new(Kind::BadLocation, "the file is in no folder of the store"))?;
    let facts = statat(folder.open()?, found.name.as_str(), AtFlags::SYMLINK_NOFOLLOW);
    Ok(time(&facts.map_err(|errno| failed("examine", path, errno))?))
}

fn time(facts: &Stat) -> Option<SystemTime> {
    let seconds = u64::try_from(facts.st_mtime).ok()?;
    UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use futures_util::TryStreamExt;

    use super::*;
    use crate::file::{DataDir, FileOptions};
    use crate::store::{Store, StoreContext};

    #[tokio::test]
    async fn everything_in_all_folders_is_found_in_batches() {
        let scratch = tempfile::tempdir().unwrap();
        let (first, second) = (scratch.path().join("first"), scratch.path().join("second"));
        let datadir = |path: &Path| DataDir { path: path.to_owned(), priority: 0 };
        let datadirs = vec![datadir(&first), datadir(&second)];
        let store = FileStore::open(FileOptions { datadirs, ..FileOptions::new("") }).unwrap();
        for number in 0..=BATCH {
            fs::write(first.join(format!("image-{number}")), "").unwrap();
        }
        for name in [".image-1.t1.part", ".nfs000", identity::FILE, ".glance-store.x"] {
            fs::write(second.join(name), "").unwrap();
        }
        fs::create_dir(second.join("lost+found")).unwrap();
        let batches: Vec<_> = store.survey(&StoreContext::default()).await.unwrap().try_collect().await.unwrap();
        assert!(batches.iter().all(|batch| batch.len() <= BATCH), "a batch is too long");
        let mut hidden: Vec<_> = batches.into_iter().flatten().filter(|found| found.what != What::Object).collect();
        hidden.sort_by(|a, b| a.name.cmp(&b.name));
        let draft = What::Draft { image: ImageId::parse("image-1").unwrap(), attempt: "t1".to_owned() };
        assert_eq!(hidden.iter().map(|found| &found.what).collect::<Vec<_>>(), [&draft, &What::Unknown]);
        let objects = store.list(&StoreContext::default()).await.unwrap().len();
        assert_eq!(objects, BATCH + 1);
        for found in &hidden {
            let modified = store.modified(&StoreContext::default(), found).await.unwrap().unwrap();
            assert!(modified.elapsed().unwrap_or_default() < Duration::from_secs(600), "{modified:?}");
        }
    }

    #[tokio::test]
    async fn a_survey_that_fails_says_so() {
        let scratch = tempfile::tempdir().unwrap();
        let store = FileStore::open(FileOptions::new(scratch.path().join("images"))).unwrap();
        fs::remove_dir(scratch.path().join("images")).unwrap();
        let batches: Result<Vec<_>> = store.survey(&StoreContext::default()).await.unwrap().try_collect().await;
        assert_eq!(batches.unwrap_err().kind(), Kind::Unavailable);
    }

    #[tokio::test]
    async fn locations_of_one_file_are_canonically_one() {
        let scratch = tempfile::tempdir().unwrap();
        let root = scratch.path().canonicalize().unwrap();
        let store = FileStore::open(FileOptions::new(root.join("images"))).unwrap();
        fs::write(root.join("images/one"), "").unwrap();
        std::os::unix::fs::symlink(root.join("images"), root.join("alias")).unwrap();
        let [images, alias, other] = ["images", "alias", "other"].map(|name| format!("{}/{name}/one", root.display()));
        for url in [format!("file://{images}"), format!("filesystem://{images}?x"), format!("file://{alias}")] {
            assert_eq!(store.canonical(&url).await, format!("file://{images}"), "{url}");
        }
        for url in [format!("file://{other}"), "http://host/one".to_owned()] {
            assert_eq!(store.canonical(&url).await, url);
        }
    }

    #[test]
    fn names_tell_what_a_file_is() {
        let draft = |image: &str, attempt: &str| What::Draft {
            image: ImageId::parse(image).unwrap(),
            attempt: attempt.to_owned(),
        };
        for (name, expected) in [
            ("one", What::Object),
            (".one.t1.part", draft("one", "t1")),
            (".a.b.t1.part", draft("a.b", "t1")),
            (".one.part", What::Unknown),
            (".one..part", What::Unknown),
            (".one.t1", What::Unknown),
            (".", What::Unknown),
        ] {
            assert_eq!(what(name), expected, "{name}");
        }
    }
}
