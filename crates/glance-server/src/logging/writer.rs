//! The thread that writes: it alone holds files and sockets.

use std::collections::HashMap;
use std::io::Write as _;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, channel, sync_channel};
use std::time::{Duration, Instant};

use oslo::logging::{Destination, Level, Stream};

use super::files::LogFile;
use super::plan::Plan;
use super::remote::{Journal, Syslog};

/// How many lines may wait for the thread.
const QUEUE: usize = 4096;

/// How long the end of the process waits for a log that does not take its lines.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the thread is to do.
pub(super) enum Job {
    /// Write a line.
    Line(Line),
    /// Say that so many lines were dropped.
    Lost(u64),
    /// Write to these destinations from now on.
    Replace(HashMap<String, Destination>),
    /// Open files anew.
    Reopen,
    /// End, once everything before is written.
    End,
}

/// A line for one handler.
pub(super) struct Line {
    pub(super) handler: String,
    pub(super) level: Level,
    pub(super) text: String,
    /// What the journal gets besides.
    pub(super) fields: Vec<(&'static str, String)>,
}

/// The running thread. Dropping it waits until everything is written, within a bound.
pub(super) struct Writer {
    queue: SyncSender<Job>,
    /// Closed when the thread ends.
    ended: Receiver<()>,
}

impl Writer {
    pub(super) fn start(plan: &Plan) -> std::io::Result<Self> {
        let (queue, jobs) = sync_channel(QUEUE);
        let (running, ended) = channel();
        let program = plan.program;
        let sinks = open(program, destinations(plan));
        let work = move || {
            write(&jobs, program, sinks);
            drop(running);
        };
        std::thread::Builder::new().name("log".to_owned()).spawn(work)?;
        Ok(Self { queue, ended })
    }

    pub(super) fn queue(&self) -> SyncSender<Job> {
        self.queue.clone()
    }

    pub(super) fn replace(&self, plan: &Plan) {
        let _ = self.queue.send(Job::Replace(destinations(plan)));
    }

    pub(super) fn reopen(&self) {
        let _ = self.queue.send(Job::Reopen);
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let end = Instant::now() + PATIENCE;
        let mut job = Job::End;
        while let Err(TrySendError::Full(refused)) = self.queue.try_send(job) {
            job = refused;
            let ended = self.ended.recv_timeout(Duration::from_millis(20));
            if ended == Err(RecvTimeoutError::Disconnected) || Instant::now() > end {
                return;
            }
        }
        let _ = self.ended.recv_timeout(end.saturating_duration_since(Instant::now()));
    }
}

fn destinations(plan: &Plan) -> HashMap<String, Destination> {
    let handlers = plan.configuration.handlers.iter();
    handlers.map(|(name, handler)| (name.clone(), handler.destination.clone())).collect()
}

fn write(jobs: &Receiver<Job>, program: &'static str, mut sinks: HashMap<String, Sink>) {
    for job in jobs {
        match job {
            Job::Line(line) => {
                if let Some(sink) = sinks.get_mut(&line.handler) {
                    sink.write(&line);
                }
            }
            Job::Lost(lines) => complain(&format!("{lines} lines of the log were dropped: it cannot keep up")),
            Job::Replace(destinations) => sinks = open(program, destinations),
            Job::Reopen => sinks.values_mut().for_each(Sink::reopen),
            Job::End => return,
        }
    }
}

fn open(program: &'static str, destinations: HashMap<String, Destination>) -> HashMap<String, Sink> {
    destinations.into_iter().map(|(name, destination)| (name, Sink::new(program, destination))).collect()
}

/// The last resort: the log itself does not work.
fn complain(text: &str) {
    let _ = writeln!(std::io::stderr(), "glance: {text}");
}

/// Where lines go, and whether it was already said that they do not get there.
struct Sink {
    target: Target,
    broken: bool,
}

enum Target {
    Null,
    Stdout { color: bool },
    Stderr { color: bool },
    File(LogFile),
    Syslog(Syslog),
    Journal(Journal),
}

impl Sink {
    fn new(program: &'static str, destination: Destination) -> Self {
        let target = match destination {
            Destination::Null => Target::Null,
            Destination::Stream { stream: Stream::Stdout, color } => Target::Stdout { color },
            Destination::Stream { stream: Stream::Stderr, color } => Target::Stderr { color },
            Destination::File { path, watched, truncate } => Target::File(LogFile::new(path, watched, truncate)),
            Destination::Rotating { path, rotation, backups } => {
                Target::File(LogFile::rotating(path, rotation, backups))
            }
            Destination::Syslog { address, facility, header } => {
                Target::Syslog(Syslog::new(address, facility, header.then_some(program)))
            }
            Destination::Journal { facility } => Target::Journal(Journal::new(program, facility)),
        };
        let mut sink = Self { target, broken: false };
        sink.reopen();
        sink
    }

    fn write(&mut self, line: &Line) {
        let done = match &mut self.target {
            Target::Null => Ok(()),
            Target::Stdout { color } => print(&mut std::io::stdout().lock(), line, *color),
            Target::Stderr { color } => print(&mut std::io::stderr().lock(), line, *color),
            Target::File(file) => file.write(&line.text),
            Target::Syslog(syslog) => syslog.write(line.level, &line.text),
            Target::Journal(journal) => journal.write(line),
        };
        self.note(done);
    }

    fn reopen(&mut self) {
        let done = if let Target::File(file) = &mut self.target { file.reopen() } else { Ok(()) };
        self.note(done);
    }

    /// Says once that a destination does not work, until it works again.
    fn note(&mut self, done: std::io::Result<()>) {
        if let Err(error) = &done
            && !self.broken
        {
            let place = match &self.target {
                Target::File(file) => file.path(),
                Target::Syslog(_) => "syslog",
                Target::Journal(_) => "the journal",
                Target::Null | Target::Stdout { .. } | Target::Stderr { .. } => "the output",
            };
            complain(&format!("cannot log to {place}: {error}"));
        }
        self.broken = done.is_err();
    }
}

fn print(out: &mut dyn std::io::Write, line: &Line, color: bool) -> std::io::Result<()> {
    let end = if color { "\u{1b}[00m\n" } else { "\n" };
    out.write_all(format!("{}{end}", line.text).as_bytes())?;
    out.flush()
}
