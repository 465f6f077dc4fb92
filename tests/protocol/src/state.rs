//! What there is besides the tables: processes, their tasks, the store, and what is still on its way.

use crate::{Catalogue, Fence, Node, Phase, Row, Status, Work};

/// How often each thing may happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Budget {
    /// Uploads that begin.
    pub uploads: u8,
    /// Deletions that begin.
    pub deletes: u8,
    /// Locations that are taken from the image.
    pub drops: u8,
    /// Leases that run out although the process is there: it is paused, cut off, or the clock jumps.
    pub lapses: u8,
    /// Processes that are killed.
    pub kills: u8,
    /// Calls of the store whose outcome is not "done".
    pub faults: u8,
    /// Commits that fail, are late, or whose answer is lost.
    pub commits: u8,
    /// Records that a sweep lists while somebody works on them.
    pub early_sweeps: u8,
}

/// A process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Process {
    /// It has not been killed.
    pub alive: bool,
    /// Its registration.
    pub node: Node,
}

/// The next call of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Call {
    /// `Store::begin` and `StoreWriter::write`.
    StoreBegin,
    /// `Database::record_transfer` with `Finishing`.
    RecordFinishing,
    /// `StoreWriter::finish`.
    Finish,
    /// `Database::record_transfer` with `Writing`, after a refusal.
    RecordWriting,
    /// `Database::complete_upload`.
    CompleteUpload,
    /// `Tasks::hold`, for a record that the sweep has listed.
    Hold,
    /// `Database::claim_work`.
    ClaimWork,
    /// `Store::abandon`, the draft.
    AbandonDraft,
    /// `Store::abandon`, the object.
    AbandonObject,
    /// `Database::abort_upload`.
    AbortUpload,
    /// `Store::delete` for an image that is being deleted.
    DeleteData,
    /// `Database::complete_delete`.
    CompleteDelete,
    /// `Database::cancel_delete`.
    CancelDelete,
    /// `Store::delete` for a removal.
    RemoveData,
    /// `Database::complete_removal`.
    CompleteRemoval,
}

/// A piece of work of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Task {
    /// Whose it is.
    pub process: u8,
    /// The registration under which it began.
    pub node: Node,
    /// The fence that it knows.
    pub fence: Fence,
    /// What it does next.
    pub call: Call,
    /// The record as it knows it.
    pub work: Work,
    /// Of a deletion: the location that it works on.
    pub known: Option<u8>,
    /// Of a deletion: whether the data there is certainly gone.
    pub removed: bool,
    /// Of a deletion: whether it is the request that began it.
    pub request: bool,
}

/// A call of the store that its caller gave up, and that takes place later or never.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LateOperation {
    /// Who called.
    pub process: u8,
    /// The registration under which it was called.
    pub node: Node,
    /// The record that it holds.
    pub fence: Fence,
    /// What it does.
    pub operation: Operation,
}

/// What is done to the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operation {
    /// A draft appears.
    Create(u8),
    /// The draft becomes the object, if it is there.
    Publish(u8),
    /// The draft goes, and then the object if it may have been published.
    Abandon(u8, Phase),
    /// The object goes.
    Unlink(u8),
}

/// What becomes of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CommitFate {
    /// It takes place, and the caller knows.
    Done,
    /// It takes place; the answer is lost.
    Lost,
    /// It does not take place; the caller does not know.
    Failed,
    /// The caller hears of an error; the transaction keeps its locks, and ends later, in one way or the other.
    Late,
}

/// What becomes of a call of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StoreFate {
    /// It takes place.
    Done,
    /// The store refuses: certainly not done.
    Refused,
    /// It takes place; the answer is lost.
    Lost,
    /// The caller gives up; it takes place later or never.
    Late,
}

/// What a request begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Begin {
    /// `Database::begin_upload`.
    Upload,
    /// `Database::begin_delete`.
    Delete,
    /// `Database::save_image`.
    SaveImage,
}

/// A step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// A request arrives at a process.
    Begin(Begin, u8, CommitFate),
    /// The task of that number makes its next call, of the database.
    Transact(usize, Call, CommitFate),
    /// The task of that number makes its next call, of the store.
    Store(usize, Call, StoreFate),
    /// `App::sweep` of a process lists a record, by its number.
    Sweep(u8, usize),
    /// `App::settle_open` holds the record, if nobody has it.
    Hold(usize),
    /// A late operation takes place (true) or never will.
    LateOperation(usize, bool),
    /// A late commit takes place (true) or is rolled back.
    LateCommit(bool),
    /// The lease of a node runs out.
    LeaseRunsOut(Node),
    /// `App::renew_lease` of a process.
    RenewLease(u8),
    /// `Database::take_over_node` by a process; of a node that is certainly dead (true) or silent.
    TakeOver(u8, Node, bool, CommitFate),
    /// `Database::forget_node` by a process.
    ForgetNode(u8, Node),
    /// A process is killed.
    Kill(u8),
}

/// Everything.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The tables.
    pub catalogue: Catalogue,
    /// The tables as they are once a late commit has taken place. Until it has ended, nobody else can write.
    pub late_commit: Option<Catalogue>,
    /// Which process has registered each node.
    pub owners: Vec<u8>,
    /// Objects: the name, and whose bytes.
    pub objects: Vec<(u8, u8)>,
    /// Drafts, by attempt.
    pub drafts: Vec<u8>,
    /// What the store may still do.
    pub late: Vec<LateOperation>,
    /// The processes.
    pub processes: [Process; 2],
    /// Their tasks.
    pub tasks: Vec<Task>,
    /// What may still happen.
    pub left: Budget,
    /// The data was acknowledged, and nobody has asked to remove it since.
    pub promised: bool,
}

impl State {
    /// Two processes, one queued image.
    #[must_use]
    pub fn new(left: Budget) -> Self {
        let catalogue = Catalogue {
            status: Status::Queued,
            location: None,
            attempts: 0,
            records: Vec::new(),
            nodes: vec![Row::Live, Row::Live],
        };
        let process = |node| Process { alive: true, node };
        Self {
            catalogue,
            late_commit: None,
            owners: vec![0, 1],
            objects: Vec::new(),
            drafts: Vec::new(),
            late: Vec::new(),
            processes: [process(0), process(1)],
            tasks: Vec::new(),
            left,
            promised: false,
        }
    }

    /// The bytes that are visible under a name.
    #[must_use]
    pub fn object(&self, name: u8) -> Option<u8> {
        self.objects.iter().find(|(known, _)| *known == name).map(|(_, bytes)| *bytes)
    }

    /// A fence that nobody knows.
    pub(crate) fn new_fence(&self) -> Fence {
        self.fences().max().map_or(0, |fence| fence + 1)
    }

    fn fences(&self) -> impl Iterator<Item = Fence> {
        let catalogues = std::iter::once(&self.catalogue).chain(&self.late_commit);
        let records = catalogues.flat_map(|catalogue| catalogue.records.iter().map(|record| record.fence));
        records.chain(self.tasks.iter().map(|task| task.fence)).chain(self.late.iter().map(|late| late.fence))
    }

    /// Puts everything into one order and numbers the fences anew, so that equal states are equal.
    pub(crate) fn normalise(&mut self) {
        let mut known: Vec<Fence> = self.fences().collect();
        known.sort_unstable();
        known.dedup();
        let number = |fence: &mut Fence| {
            *fence = u8::try_from(known.binary_search(fence).unwrap_or_default()).unwrap_or(u8::MAX);
        };
        let catalogues = std::iter::once(&mut self.catalogue).chain(&mut self.late_commit);
        for catalogue in catalogues {
            catalogue.records.iter_mut().for_each(|record| number(&mut record.fence));
            catalogue.records.sort_unstable();
        }
        self.tasks.iter_mut().for_each(|task| number(&mut task.fence));
        self.late.iter_mut().for_each(|late| number(&mut late.fence));
        self.tasks.sort_unstable();
        self.late.sort_unstable();
        self.objects.sort_unstable();
        self.drafts.sort_unstable();
    }
}
