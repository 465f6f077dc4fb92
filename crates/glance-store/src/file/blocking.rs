//! File operations off the async threads, with a limit of time where the operator wants one.
//!
//! A system call on a dead NFS server cannot be interrupted: its thread stays behind. Operations on names and attributes
//! are therefore limited in number too, so that a dead mount cannot use up the threads of the whole process.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::error::{Error, Kind, Result};

use super::options::Timeout;

/// Runs blocking work for one store.
#[derive(Clone)]
pub(super) struct Blocking {
    limit: Option<Limit>,
}

#[derive(Clone)]
struct Limit {
    timeout: Timeout,
    threads: Arc<Semaphore>,
}

impl Blocking {
    pub(super) fn new(timeout: Option<Timeout>) -> Self {
        let limit = timeout.map(|timeout| {
            let threads = timeout.threads.clamp(1, Semaphore::MAX_PERMITS);
            Limit { timeout, threads: Arc::new(Semaphore::new(threads)) }
        });
        Self { limit }
    }

    /// Does `work` on names and attributes.
    pub(super) async fn run<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T> + Send + 'static,
    {
        let Some(limit) = &self.limit else { return joined(spawn_blocking(work).await) };
        let job = async {
            let permit = limit.thread().await?;
            joined(spawn_blocking(move || (work(), permit).0).await)
        };
        within(limit.timeout.after, job).await
    }

    /// Starts `work` on data at once; it goes on while the caller does something else.
    pub(super) fn start<T, F>(&self, work: F) -> Job<T>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T> + Send + 'static,
    {
        Job { handle: spawn_blocking(work), timeout: self.limit.as_ref().map(|limit| limit.timeout.after) }
    }

    /// Does `work` that may rightly take very long, such as bringing gigabytes to a disk.
    pub(super) async fn run_long<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T> + Send + 'static,
    {
        joined(spawn_blocking(work).await)
    }
}

impl Limit {
    async fn thread(&self) -> Result<OwnedSemaphorePermit> {
        let permit = Arc::clone(&self.threads).acquire_owned().await;
        let busy = self.timeout.threads.saturating_sub(self.threads.available_permits());
        if busy * 100 >= self.timeout.threads * self.timeout.warn_percent {
            tracing::warn!(busy, threads = self.timeout.threads, "the threads of the file store are nearly used up");
        }
        permit.map_err(|closed| Error::new(Kind::Unavailable, "the file store is closing").with_source(closed))
    }
}

/// Work under way.
pub(super) struct Job<T> {
    handle: JoinHandle<Result<T>>,
    timeout: Option<Duration>,
}

impl<T> Job<T> {
    pub(super) async fn wait(self) -> Result<T> {
        let done = async { joined(self.handle.await) };
        match self.timeout {
            Some(after) => within(after, done).await,
            None => done.await,
        }
    }
}

async fn within<T>(after: Duration, job: impl Future<Output = Result<T>>) -> Result<T> {
    let late = |_| Error::new(Kind::Timeout, format!("the file system does not answer within {after:?}"));
    tokio::time::timeout(after, job).await.map_err(late)?
}

fn joined<T>(result: Result<Result<T>, tokio::task::JoinError>) -> Result<T> {
    result.map_err(|error| Error::new(Kind::Unavailable, "a file operation was broken off").with_source(error))?
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};

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
}
