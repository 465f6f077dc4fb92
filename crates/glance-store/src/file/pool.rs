//! A bounded set of threads for calls that block.
//!
//! Each store has its own: a mount that hangs uses up the threads of its store, and neither those of another store nor
//! those of the process. Threads come with the work, wait a while for more, and end.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::error::{Error, Kind, Result};

/// How long a thread waits for more work before it ends.
const IDLE: Duration = Duration::from_secs(10);

/// The threads. Dropping the pool ends those that are idle; what runs is finished.
pub(super) struct Pool(Arc<Shared>);

struct Shared {
    name: &'static str,
    most: usize,
    idle_for: Duration,
    state: Mutex<State>,
    more: Condvar,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Task>,
    threads: usize,
    idle: usize,
    closed: bool,
}

type Task = Box<dyn FnOnce() + Send>;

/// Work that waits for a thread or runs on one. If it is dropped before the work has begun, the work never begins.
pub(super) struct Started<T>(oneshot::Receiver<Result<T>>);

impl<T> Started<T> {
    /// What the work gave.
    pub(super) async fn wait(self) -> Result<T> {
        let broken = |closed| Error::new(Kind::Unavailable, "a file operation was broken off").with_source(closed);
        self.0.await.map_err(broken)?
    }
}

impl Pool {
    /// At most `most` threads, which carry this name (at most 15 bytes are shown by the system).
    pub(super) fn new(name: &'static str, most: usize) -> Self {
        Self::with_idle_time(name, most, IDLE)
    }

    fn with_idle_time(name: &'static str, most: usize, idle_for: Duration) -> Self {
        let (state, more) = (Mutex::default(), Condvar::new());
        Self(Arc::new(Shared { name, most: most.max(1), idle_for, state, more }))
    }

    /// Has `work` done as soon as there is a thread for it. Never blocks.
    pub(super) fn start<T, F>(&self, work: F) -> Started<T>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T> + Send + 'static,
    {
        let (answer, result) = oneshot::channel();
        self.push(Box::new(move || {
            if !answer.is_closed()
                && let Ok(done) = catch_unwind(AssertUnwindSafe(work))
            {
                // Who asked may have left.
                let _ = answer.send(done);
            }
        }));
        Started(result)
    }

    /// Threads that are doing something.
    pub(super) fn busy(&self) -> usize {
        let state = self.0.lock();
        state.threads.saturating_sub(state.idle)
    }

    fn push(&self, task: Task) {
        let mut state = self.0.lock();
        state.queue.push_back(task);
        if state.idle >= state.queue.len() || state.threads >= self.0.most {
            drop(state);
            self.0.more.notify_one();
            return;
        }
        state.threads += 1;
        drop(state);
        let shared = Arc::clone(&self.0);
        let thread = thread::Builder::new().name(self.0.name.to_owned()).spawn(move || shared.serve());
        if let Err(error) = thread {
            tracing::warn!(%error, "cannot start a thread for a file store");
            self.0.lost_thread();
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.more.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The life of a thread.
    fn serve(&self) {
        let mut state = self.lock();
        loop {
            if let Some(task) = state.queue.pop_front() {
                drop(state);
                task();
                state = self.lock();
                continue;
            }
            if state.closed {
                break;
            }
            state.idle += 1;
            let (woken, wait) = self.more.wait_timeout(state, self.idle_for).unwrap_or_else(PoisonError::into_inner);
            state = woken;
            state.idle -= 1;
            if wait.timed_out() && state.queue.is_empty() {
                break;
            }
        }
        state.threads -= 1;
    }

    /// Without any thread nobody would ever do the work, so whoever waits for it is told.
    fn lost_thread(&self) {
        let mut state = self.lock();
        state.threads -= 1;
        let undone = if state.threads == 0 { std::mem::take(&mut state.queue) } else { VecDeque::new() };
        drop(state);
        drop(undone);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::thread::ThreadId;

    use super::*;

    /// Work that hangs until the sender is dropped.
    fn hanging() -> (Sender<()>, impl FnOnce() -> Result<()> + Send + 'static) {
        let (sender, receiver): (Sender<()>, Receiver<()>) = channel();
        (sender, move || receiver.recv().or(Ok(())))
    }

    fn threads(pool: &Pool) -> usize {
        pool.0.lock().threads
    }

    #[tokio::test]
    async fn work_in_turn_takes_one_thread() {
        let pool = Pool::new("test", 8);
        let this = |pool: &Pool| pool.start(|| Ok::<ThreadId, Error>(thread::current().id()));
        let first = this(&pool).wait().await.unwrap();
        for _ in 0..50 {
            while pool.busy() > 0 {
                tokio::task::yield_now().await;
            }
            assert_eq!(this(&pool).wait().await.unwrap(), first);
        }
        assert_eq!(threads(&pool), 1);
    }

    #[tokio::test]
    async fn threads_are_bounded_and_the_rest_waits_in_order() {
        let pool = Pool::new("test", 3);
        let (keep, waiting): (Vec<_>, Vec<_>) = (0..3)
            .map(|_| {
                let (keep, work) = hanging();
                (keep, pool.start(work))
            })
            .unzip();
        let order = Arc::new(Mutex::new(Vec::new()));
        let more: Vec<_> = (0..20)
            .map(|number| {
                let order = Arc::clone(&order);
                pool.start(move || {
                    order.lock().unwrap().push(number);
                    Ok(())
                })
            })
            .collect();
        assert_eq!(threads(&pool), 3);
        assert!(order.lock().unwrap().is_empty(), "all threads hang");
        drop(keep.into_iter().next());
        for one in more {
            one.wait().await.unwrap();
        }
        assert!(order.lock().unwrap().is_sorted());
        drop(waiting);
    }

    #[tokio::test]
    async fn work_that_nobody_waits_for_any_more_does_not_begin() {
        let pool = Pool::new("test", 1);
        let (keep, work) = hanging();
        let hung = pool.start(work);
        let began = Arc::new(AtomicBool::new(false));
        let mark = Arc::clone(&began);
        drop(pool.start(move || {
            mark.store(true, Ordering::SeqCst);
            Ok(())
        }));
        drop(keep);
        hung.wait().await.unwrap();
        pool.start(|| Ok(())).wait().await.unwrap();
        assert!(!began.load(Ordering::SeqCst));
    }

    #[tokio::test]
    async fn idle_threads_end() {
        let pool = Pool::with_idle_time("test", 4, Duration::from_millis(1));
        pool.start(|| Ok(())).wait().await.unwrap();
        while threads(&pool) > 0 {
            tokio::task::yield_now().await;
        }
        pool.start(|| Ok(())).wait().await.unwrap();
        let shared = Arc::clone(&pool.0);
        drop(pool);
        while shared.lock().threads > 0 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_panic_is_an_error_and_takes_no_thread_along() {
        let pool = Pool::new("test", 1);
        let broken: Result<()> = pool.start(|| panic!("broken off")).wait().await;
        assert_eq!(broken.unwrap_err().kind(), Kind::Unavailable);
        assert_eq!(pool.start(|| Ok(1)).wait().await.unwrap(), 1);
    }
}
