//! One seed: which process goes on next, and what becomes of each step.

mod requests;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;
use glance_db::simulation::{Fate, Moment};
use glance_db::{Database, NodeId};
use glance_domain::{ImageId, ProjectId};
use glance_server::app::App;
use glance_server::app::error::Error;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::random::Random;
use crate::setup::{Catalogue, LEASE};
use crate::world::{Point, StoreFate, Waiting, World};

/// Rounds in which all processes renew their leases and sweep, until nothing may be left.
const ROUNDS: usize = 10;

/// What a client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    Upload,
    Delete,
    Patch,
}

/// An image, and what its clients have done.
pub(crate) struct ImageState {
    pub(crate) id: ImageId,
    /// Data whose upload was answered with success.
    pub(crate) acknowledged: Option<Bytes>,
    /// Somebody has asked to delete it.
    pub(crate) delete_asked: bool,
    /// Somebody was told that it is deleted.
    pub(crate) deleted: bool,
}

/// What a task of the simulation has come to.
enum Ended {
    Upload { image: usize, bytes: Bytes, result: Result<(), Error> },
    Delete { image: usize, result: Result<(), Error> },
    Other,
}

struct Running {
    node: usize,
    name: String,
    is_sweep: bool,
    handle: JoinHandle<Ended>,
}

/// How a seed goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chances {
    /// Percent of the store's calls that do not simply take place.
    pub(crate) store: usize,
    /// Percent of the commits.
    pub(crate) commit: usize,
    /// Steps of the scheduler that are no step of a task, in percent.
    pub(crate) events: usize,
}

pub(crate) struct Simulated {
    pub(crate) world: World,
    /// As the world's clock sees it, without a gate.
    pub(crate) db: Database,
    pub(crate) project: ProjectId,
    pub(crate) images: Vec<ImageState>,
    pub(crate) trace: Vec<String>,
    /// What is checked in the middle.
    pub(crate) steps: usize,
    apps: Vec<Option<Arc<App>>>,
    paused: Vec<bool>,
    running: Vec<Running>,
    random: Random,
    chances: Chances,
    requests: Vec<(usize, Request)>,
    kills: usize,
}

impl Simulated {
    pub(crate) async fn new(catalogue: &Catalogue, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let nodes = random.pick(&[2, 2, 2, 3, 4]);
        let world = World::new(seed + 1, nodes);
        let mut apps = Vec::new();
        for number in 0..nodes {
            apps.push(Some(catalogue.process(&world, number).await));
        }
        let project = ProjectId::new(format!("project-{seed}"));
        let (mut images, mut requests) = (Vec::new(), Vec::new());
        for number in 0..random.pick(&[1, 1, 2, 3]) {
            let id = catalogue.image(&world, &project).await;
            images.push(ImageState { id, acknowledged: None, delete_asked: false, deleted: false });
            let all = [Request::Upload, Request::Upload, Request::Upload, Request::Delete, Request::Patch];
            requests.push((number, Request::Upload));
            requests.extend((0..random.below(6)).map(|_| (number, random.pick(&all))));
        }
        let chances = Chances {
            store: random.pick(&[0, 5, 20]),
            commit: random.pick(&[0, 5, 15]),
            events: random.pick(&[5, 15, 30]),
        };
        let db = catalogue.db.clone().simulated(world.simulation_without_gates());
        Self {
            db,
            project,
            images,
            trace: vec![format!("{nodes} nodes, {chances:?}")],
            steps: 0,
            paused: vec![false; nodes],
            running: Vec::new(),
            kills: random.pick(&[0, 0, 1]),
            world,
            apps,
            random,
            chances,
            requests,
        }
    }

    pub(crate) fn note(&mut self, what: String) {
        self.trace.push(format!("{:>4} {what}", self.steps));
    }

    fn alive(&self) -> Vec<usize> {
        (0..self.apps.len()).filter(|node| self.apps[*node].is_some()).collect()
    }

    /// One step of whoever chance picks. `false` when there is nothing to do but to wait for time to pass.
    pub(crate) async fn step(&mut self) -> bool {
        self.steps += 1;
        if self.random.happens(self.chances.events) {
            self.event().await;
        } else if !self.release().await {
            match self.requests.is_empty() {
                true if self.running.is_empty() => return false,
                true => self.event().await,
                false => self.begin_request(),
            }
        }
        self.settle().await;
        true
    }

    /// Lets tasks run until all of them wait.
    pub(crate) async fn settle(&mut self) {
        let began = Instant::now();
        loop {
            for _ in 0..3 {
                tokio::task::yield_now().await;
            }
            if !self.world.running.is_idle() {
                self.world.running.ended().await;
                continue;
            }
            self.collect().await;
            let sweeps: Vec<_> = self.running.iter().filter(|run| run.is_sweep).map(|run| run.handle.id()).collect();
            let requests = self.running.len() - sweeps.len();
            let shared = self.world.lock();
            let of_sweep = |waiting: &&Waiting| waiting.task.is_some_and(|task| sweeps.contains(&task));
            let waiting = shared.waiting.iter().filter(|waiting| !of_sweep(waiting)).count();
            let swept = sweeps.iter().all(|sweep| shared.waiting.iter().any(|waiting| waiting.task == Some(*sweep)));
            if waiting >= requests && swept {
                return;
            }
            drop(shared);
            assert!(began.elapsed() < Duration::from_secs(20), "a task waits for what the scheduler does not know");
        }
    }

    /// Takes notice of tasks that have ended.
    async fn collect(&mut self) {
        let mut at = 0;
        while at < self.running.len() {
            if !self.running[at].handle.is_finished() {
                at += 1;
                continue;
            }
            let Running { node, name, handle, .. } = self.running.remove(at);
            match handle.await {
                Ok(ended) => self.ended(node, &name, ended),
                Err(error) if error.is_panic() && self.apps[node].is_none() => {}
                Err(error) => panic!("{name}: {error}"),
            }
        }
    }

    fn ended(&mut self, node: usize, name: &str, ended: Ended) {
        if self.apps[node].is_none() {
            return;
        }
        let result = match &ended {
            Ended::Upload { result, .. } | Ended::Delete { result, .. } => format!("{result:?}"),
            Ended::Other => "done".to_owned(),
        };
        self.note(format!("node {node}: {name} ends: {result}"));
        match ended {
            Ended::Upload { image, bytes, result: Ok(()) } => self.images[image].acknowledged = Some(bytes),
            Ended::Delete { image, result: Ok(()) } => self.images[image].deleted = true,
            _ => {}
        }
    }

    /// Lets one of those that wait go on. `false` when nobody can.
    async fn release(&mut self) -> bool {
        let (paused, world) = (self.paused.clone(), self.world.clone());
        let picked = {
            let mut shared = world.lock();
            let locked = !shared.late_commits.is_empty() || shared.waiting.iter().any(Waiting::holds_lock);
            let can = |waiting: &Waiting| !(paused[waiting.node] || locked && waiting.needs_lock());
            let able: Vec<usize> = (0..shared.waiting.len()).filter(|at| can(&shared.waiting[*at])).collect();
            if able.is_empty() { None } else { Some(shared.waiting.remove(self.random.pick(&able))) }
        };
        let Some(waiting) = picked else { return false };
        self.answer(waiting);
        true
    }

    fn answer(&mut self, waiting: Waiting) {
        let node = waiting.node;
        match waiting.point {
            Point::Database(moment, answer) => {
                let fate = self.fate_of(moment);
                let name = match &fate {
                    Fate::Proceed => "",
                    Fate::Fail => " fails",
                    Fate::LoseAnswer => ", answer lost",
                    Fate::Late(_) => " is late",
                };
                self.note(format!("node {node}: {moment:?}{name}"));
                drop(answer.send(fate));
            }
            Point::Store(operation, answer) => {
                let fates = [StoreFate::Refused, StoreFate::Failed, StoreFate::Lost, StoreFate::Late];
                let happens = self.random.happens(self.chances.store);
                let fate = if happens { self.random.pick(&fates) } else { StoreFate::Done };
                self.note(format!("node {node}: {operation:?} {fate:?}"));
                let _: Result<(), _> = answer.send(fate);
            }
        }
    }

    fn fate_of(&mut self, moment: Moment) -> Fate {
        if !self.random.happens(self.chances.commit) {
            return Fate::Proceed;
        }
        match (moment, self.random.below(3)) {
            (Moment::Read | Moment::Begin, 0) => Fate::Fail,
            (Moment::Read | Moment::Begin, _) => Fate::Proceed,
            (Moment::Commit, 0) => Fate::Fail,
            (Moment::Commit, 1) => Fate::LoseAnswer,
            (Moment::Commit, _) => {
                let (happens, wait) = oneshot::channel();
                self.world.lock().late_commits.push(happens);
                Fate::Late(Box::pin(async move { drop(wait.await) }))
            }
        }
    }

    /// Something that is no step of a task.
    async fn event(&mut self) {
        let alive = self.alive();
        let node = self.random.pick(&alive);
        match self.random.below(20) {
            0..=3 if !self.requests.is_empty() => self.begin_request(),
            4..=6 => self.begin_sweep(node),
            7..=8 => self.begin_renewal(node),
            9 => self.pause(node),
            10..=12 => self.paused[node] = false,
            13 if self.kills > 0 && alive.len() > 1 => {
                self.kills -= 1;
                self.kill(node).await;
            }
            14..=15 => self.end_late_operation(),
            16 => self.end_late_commit(),
            _ => {
                let seconds = self.random.pick(&[1, 5, 21, 41, 61, 90]);
                self.pass(Duration::from_secs(seconds));
            }
        }
    }

    pub(crate) fn pass(&mut self, time: Duration) {
        self.note(format!("{} s pass", time.as_secs()));
        let milliseconds = i64::try_from(time.as_millis()).expect("a short time");
        self.world.clock.fetch_add(milliseconds, Ordering::SeqCst);
    }

    fn spawn(&mut self, node: usize, name: String, is_sweep: bool, work: impl Future<Output = Ended> + Send + 'static) {
        self.note(format!("node {node}: {name} begins"));
        #[expect(clippy::disallowed_methods, reason = "the simulation's own tasks")]
        let handle = tokio::spawn(work);
        self.running.push(Running { node, name, is_sweep, handle });
    }

    fn pause(&mut self, node: usize) {
        let holds = self.world.lock().waiting.iter().any(|waiting| waiting.node == node && waiting.holds_lock());
        if !holds {
            self.note(format!("node {node} is paused"));
            self.paused[node] = true;
        }
    }

    /// Kills a process. What it was about to commit may have arrived.
    async fn kill(&mut self, node: usize) {
        self.note(format!("node {node} is killed"));
        let arrived = self.random.happens(50);
        let own = {
            let mut shared = self.world.lock();
            let (own, others) = shared.waiting.drain(..).partition(|waiting: &Waiting| waiting.node == node);
            shared.waiting = others;
            shared.dead[node] = true;
            own
        };
        self.apps[node] = None;
        for waiting in own {
            if let Point::Database(Moment::Commit, answer) = waiting.point {
                drop(answer.send(if arrived { Fate::LoseAnswer } else { Fate::Fail }));
            }
        }
    }

    fn end_late_operation(&mut self) {
        let count = self.world.lock().late.len();
        if count == 0 {
            return;
        }
        let (at, happens) = (self.random.below(count), self.random.happens(70));
        let late = self.world.lock().late.remove(at);
        self.note(format!(
            "node {}: late {:?} {}",
            late.node,
            late.operation,
            if happens { "happens" } else { "never happens" }
        ));
        if happens {
            self.world.lock().operate(&late.operation);
        }
    }

    fn end_late_commit(&mut self) {
        let late = self.world.lock().late_commits.pop();
        if let Some(late) = late {
            self.note("a late commit happens".to_owned());
            let _: Result<(), ()> = late.send(());
        }
    }

    /// Lets everything that has begun end, without further faults, and what is left be cleaned up.
    pub(crate) async fn quiesce(&mut self) {
        self.chances = Chances { store: 0, commit: 0, events: 0 };
        self.note("no more faults".to_owned());
        self.paused.fill(false);
        self.finish().await;
        let alive = self.alive();
        for round in 0..ROUNDS {
            if self.is_done().await {
                return;
            }
            // Silent nodes are forgotten after a day, and failed tries wait for some minutes at most.
            self.pass(if round == 1 { 25 * 60 * LEASE } else { LEASE * 20 });
            for node in alive.clone() {
                self.begin_renewal(node);
                self.finish().await;
            }
            for node in alive.clone() {
                self.begin_sweep(node);
                self.finish().await;
            }
        }
    }

    /// Whether no work is left and no node but the processes that are there.
    async fn is_done(&self) -> bool {
        let nodes = self.db.list_nodes().await.expect("nodes").len();
        nodes == self.alive().len() && self.db.list_work().await.expect("records").is_empty()
    }

    async fn finish(&mut self) {
        loop {
            self.steps += 1;
            self.settle().await;
            let idle = {
                let shared = self.world.lock();
                shared.late.is_empty() && shared.late_commits.is_empty()
            };
            if !idle {
                self.end_late_operation();
                self.end_late_commit();
            } else if !self.release().await && self.running.is_empty() {
                return;
            }
        }
    }

    /// The processes that are left.
    pub(crate) fn into_processes(self) -> impl Iterator<Item = Arc<App>> {
        self.apps.into_iter().flatten()
    }

    /// The nodes that processes are now.
    pub(crate) fn nodes(&self) -> Vec<NodeId> {
        self.apps.iter().flatten().map(|app| app.tasks.node()).collect()
    }
}
