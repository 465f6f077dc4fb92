//! Images go back and forth between this file driver and the one of Python's glance_store.
//!
//! Needs an interpreter with glance_store: `GLANCE_TEST_PYTHON=/path/to/python`.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use futures_util::TryStreamExt;
use glance_domain::ImageId;

use super::{FileOptions, FileStore, Provisioning};
use crate::store::{ByteRange, NewObject, NoJournal, Store, StoreContext};

const SCRIPT: &str = include_str!("python_store.py");

struct Python(OsString);

impl Python {
    fn find() -> Option<Self> {
        let found = std::env::var_os("GLANCE_TEST_PYTHON");
        if found.is_none() {
            eprintln!("SKIPPED: GLANCE_TEST_PYTHON names no interpreter with glance_store");
        }
        found.map(Self)
    }

    /// Runs an operation of Python's driver over `folder`; gives the last line it prints.
    fn run(&self, folder: &Path, operation: &[&str]) -> String {
        let output = Command::new(&self.0).args(["-c", SCRIPT]).arg(folder).args(operation).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{operation:?}: {errors}");
        String::from_utf8(output.stdout).unwrap().lines().last().unwrap_or_default().to_owned()
    }
}

fn data() -> Vec<u8> {
    let mut data: Vec<u8> = (0..600_000_u32).map(|number| (number % 251) as u8).collect();
    data[100_000..300_000].fill(0);
    data
}

#[tokio::test]
async fn what_one_writes_the_other_reads_measures_and_deletes() {
    let Some(python) = Python::find() else { return };
    let scratch = tempfile::tempdir().unwrap();
    // Python writes such names into locations as they are.
    let folder = scratch.path().join("images with 100% ü;x");
    let context = StoreContext::default();
    let input = scratch.path().join("input");
    std::fs::write(&input, data()).unwrap();

    for provisioning in [Provisioning::Thick, Provisioning::Thin] {
        let store = FileStore::open(FileOptions { provisioning, ..FileOptions::new(&folder) }).unwrap();

        let url = python.run(&folder, &["add", "from-python", input.to_str().unwrap()]);
        assert!(store.recognises(&url), "{url}");
        assert_eq!(store.size(&context, &url).await.unwrap(), 600_000);
        let range = ByteRange { offset: 99_999, length: 300_000 };
        let chunks: Vec<_> = store.open(&context, &url, Some(range)).await.unwrap().chunks.try_collect().await.unwrap();
        assert!(chunks.concat() == data()[99_999..399_999]);
        store.delete(&context, &url).await.unwrap();

        let image = ImageId::parse("from-rust").unwrap();
        let new = NewObject { name: image.to_string(), image, attempt: "t".to_owned(), size_hint: None };
        let mut writer = store.begin(&context, &new, Arc::new(NoJournal)).await.unwrap();
        writer.write(data().into()).await.unwrap();
        let stored = writer.finish().await.unwrap();
        assert_eq!(stored.url, format!("file://{}/from-rust", folder.display()), "as Python would name it");
        let output = scratch.path().join("output");
        assert_eq!(python.run(&folder, &["get", &stored.url, output.to_str().unwrap()]), "600000");
        assert!(std::fs::read(&output).unwrap() == data());
        python.run(&folder, &["delete", &stored.url]);
        assert!(store.list(&context).await.unwrap().is_empty());
    }
}
