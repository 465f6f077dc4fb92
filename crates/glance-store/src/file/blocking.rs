//! File operations off the async threads, with a limit of time where the operator wants one.
//!
//! A system call on a dead NFS server cannot be interrupted: its thread stays behind. So each store has threads of its
//! own, and those for names and attributes, for data, and for bringing data to the disk are apart: data of transfers that
//! go on is not stuck behind unlinks that hang.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use crate::error::{Error, Kind, Result};

use super::options::Timeout;
use super::pool::{Pool, Started};

/// Threads for names and attributes, where the operator sets no time limit and so no number.
const NAMES: usize = 32;

/// Threads for reading and writing data.
const DATA: usize = 64;

/// Threads for bringing data to the disk.
const SYNCS: usize = 32;

/// Runs blocking work for one store.
#[derive(Clone)]
pub(super) struct Blocking {
    pools: Arc<Pools>,
    timeout: Option<Timeout>,
}

struct Pools {
    names: Pool,
    data: Pool,
    syncs: Pool,
}

impl Blocking {
    pub(super) fn new(timeout: Option<Timeout>) -> Self {
        let names = Pool::new("store-names", timeout.map_or(NAMES, |timeout| timeout.threads));
        let pools = Pools { names, data: Pool::new("store-data", DATA), syncs: Pool::new("store-sync", SYNCS) };
        Self { pools: Arc::new(pools), timeout }
    }

    /// Does `work` on names and attributes. What has not begun when time is up never begins.
    pub(super) async fn run<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T> + Send + 'static,
    {
        let started = self.pools.names.start(work);
        if let Some(timeout) = &self.timeout {
            warn_if_busy(self.pools.names.busy(), timeout);
        }
        self.job(started).wait().await
    }

    /// Starts `work` on data at once; it goes on while the caller does something else.
    pub(super) fn start<T, F>(&self, work: F) -> Job<T>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T> + Send + 'static,
    {
        self.job(self.pools.data.start(work))
    }

    /// Does `work` that may rightly take very long, such as bringing gigabytes to a disk.
    pub(super) async fn run_long<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T> + Send + 'static,
    {
        self.pools.syncs.start(work).wait().await
    }

    fn job<T>(&self, started: Started<T>) -> Job<T> {
        Job { started, timeout: self.timeout.map(|timeout| timeout.after) }
    }
}

fn warn_if_busy(busy: usize, timeout: &Timeout) {
    if busy * 100 >= timeout.threads * timeout.warn_percent {
        tracing::warn!(busy, threads = timeout.threads, "the threads of the file store are nearly used up");
    }
}

/// Work under way.
pub(super) struct Job<T> {
    started: Started<T>,
    timeout: Option<Duration>,
}

impl<T> Job<T> {
    pub(super) async fn wait(self) -> Result<T> {
        match self.timeout {
            Some(after) => within(after, self.started.wait()).await,
            None => self.started.wait().await,
        }
    }
}

async fn within<T>(after: Duration, job: impl Future<Output = Result<T>>) -> Result<T> {
    let late = |_| Error::new(Kind::Timeout, format!("the file system does not answer within {after:?}"));
    tokio::time::timeout(after, job).await.map_err(late)?
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};

    use futures_util::FutureExt as _;

    use super::*;

    fn limited(threads: usize) -> Blocking {
        Blocking::new(Some(Timeout { after: Duration::from_millis(300), threads, warn_percent: 100 }))
    }

    /// Work that hangs as a dead file system does, until the sender is dropped.
    fn hanging() -> (Sender<()>, impl FnOnce() -> Result<()> + Send + 'static) {
        let (sender, receiver) = channel();
        (sender, move || receiver.recv().or(Ok(())))
    }

    #[tokio::test]
    async fn work_that_hangs_is_given_up() {
        let (_keep, work) = hanging();
        assert_eq!(limited(1).run(work).await.unwrap_err().kind(), Kind::Timeout);
        let (_keep, work) = hanging();
        assert_eq!(limited(1).start(work).wait().await.unwrap_err().kind(), Kind::Timeout);
    }

    #[tokio::test]
    async fn work_that_hangs_holds_no_more_than_its_threads() {
        let blocking = limited(1);
        let (release, work) = hanging();
        blocking.run(work).await.unwrap_err();
        assert_eq!(blocking.run(|| Ok(())).await.unwrap_err().kind(), Kind::Timeout, "the only thread hangs");
        assert!(blocking.start(|| Ok(())).wait().await.is_ok(), "data has threads of its own");
        drop(release);
        while blocking.run(|| Ok(())).await.is_err() {}
    }

    #[tokio::test]
    async fn without_a_limit_work_takes_its_time() {
        let blocking = Blocking::new(None);
        assert_eq!(blocking.run(|| Ok(1)).await.unwrap(), 1);
        assert_eq!(blocking.start(|| Ok(2)).wait().await.unwrap(), 2);
        let broken: Result<()> = blocking.run(|| panic!("broken off")).await;
        assert_eq!(broken.unwrap_err().kind(), Kind::Unavailable);
    }

    #[tokio::test]
    async fn a_store_that_hangs_takes_nothing_from_data_syncs_and_other_stores() {
        let (hung, other) = (Blocking::new(None), Blocking::new(None));
        let mut keep = Vec::new();
        let mut stuck = Vec::new();
        for _ in 0..4 * NAMES {
            let (release, work) = hanging();
            keep.push(release);
            let mut waiting = Box::pin(hung.run(work));
            assert!((&mut waiting).now_or_never().is_none());
            stuck.push(waiting);
        }
        assert_eq!(hung.start(|| Ok(1)).wait().await.unwrap(), 1, "data");
        assert_eq!(hung.run_long(|| Ok(2)).await.unwrap(), 2, "syncs");
        assert_eq!(other.run(|| Ok(3)).await.unwrap(), 3, "another store");
        assert_eq!(tokio::task::spawn_blocking(|| 4).await.unwrap(), 4, "the process");
        let mut late = Box::pin(hung.run(|| Ok(5)));
        assert!((&mut late).now_or_never().is_none(), "names of this store hang");
        drop(keep);
        assert_eq!(late.await.unwrap(), 5);
    }
}
