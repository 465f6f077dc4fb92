//! The tables, and each transaction on them as a function.

use crate::Mechanisms;

/// What names a record, and changes with each claim.
pub type Fence = u8;

/// The number of a registration.
pub type Node = u8;

/// The status of the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// It has no data.
    Queued,
    /// Data arrives.
    Saving,
    /// It has data.
    Active,
    /// It is gone.
    Deleted,
}

/// How far an upload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    /// Nothing is visible.
    Writing,
    /// The object may be visible.
    Finishing,
    /// It was undone once.
    Abandoned,
}

/// What a record is about. Data is named by the number of the attempt that stored it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Work {
    /// Data goes in.
    Upload {
        /// The attempt.
        attempt: u8,
        /// How far it is.
        phase: Phase,
    },
    /// The image goes, with its data.
    Delete,
    /// Data goes that the image does not have any more.
    Removal {
        /// Whose data.
        attempt: u8,
    },
}

/// A row of `rs_transfers`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Record {
    /// The fence.
    pub fence: Fence,
    /// What is done.
    pub work: Work,
    /// Who may claim it.
    pub node: Node,
    /// The silent node that began the work and may still act on it.
    pub origin: Option<Node>,
}

/// A row of `rs_nodes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Row {
    /// There is none.
    None,
    /// It may work.
    Live,
    /// It may work, but its lease has run out.
    Lapsed,
    /// Another node has taken over.
    Fenced,
}

/// What the database holds about one image, and the nodes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Catalogue {
    /// The status.
    pub status: Status,
    /// The attempt whose object the live location names, and whose digest the image has.
    pub location: Option<u8>,
    /// How many attempts there were.
    pub attempts: u8,
    /// The records.
    pub records: Vec<Record>,
    /// The rows of the nodes, by number.
    pub nodes: Vec<Row>,
}

impl Catalogue {
    /// The record of that fence.
    #[must_use]
    pub fn record(&self, fence: Fence) -> Option<Record> {
        self.records.iter().copied().find(|record| record.fence == fence)
    }

    /// Whether that node may work.
    #[must_use]
    pub fn is_live(&self, node: Node) -> bool {
        matches!(self.nodes.get(usize::from(node)), Some(Row::Live | Row::Lapsed))
    }

    /// Whether the image is being deleted.
    #[must_use]
    pub fn is_being_deleted(&self) -> bool {
        self.records.iter().any(|record| record.work == Work::Delete)
    }

    /// Whether an abandoned upload waits for the end of a silent node.
    #[must_use]
    pub fn lingers(&self, record: &Record) -> bool {
        let undone = matches!(record.work, Work::Upload { phase: Phase::Abandoned, .. });
        undone && record.origin.is_some_and(|origin| self.nodes[usize::from(origin)] != Row::None)
    }

    fn with(&self, change: impl FnOnce(&mut Self) -> Option<()>) -> Option<Self> {
        let mut new = self.clone();
        change(&mut new)?;
        new.records.sort_unstable();
        Some(new)
    }

    fn set_work(&mut self, fence: Fence, work: Work) -> Option<()> {
        let record = self.records.iter_mut().find(|record| record.fence == fence)?;
        record.work = work;
        Some(())
    }

    fn end(&mut self, fence: Fence) {
        self.records.retain(|record| record.fence != fence);
    }

    /// `Database::begin_upload`.
    #[must_use]
    pub fn begin_upload(&self, node: Node, fence: Fence) -> Option<Self> {
        let allowed = self.is_live(node) && self.status == Status::Queued && !self.is_being_deleted();
        self.with(|new| {
            new.status = allowed.then_some(Status::Saving)?;
            new.attempts += 1;
            let work = Work::Upload { attempt: new.attempts, phase: Phase::Writing };
            new.records.push(Record { fence, work, node, origin: None });
            Some(())
        })
    }

    /// `Database::record_transfer`.
    #[must_use]
    pub fn record_transfer(&self, fence: Fence, phase: Phase) -> Option<Self> {
        let Work::Upload { attempt, .. } = self.record(fence)?.work else { return None };
        self.with(|new| new.set_work(fence, Work::Upload { attempt, phase }))
    }

    /// `Database::complete_upload`.
    #[must_use]
    pub fn complete_upload(&self, fence: Fence, attempt: u8, mechanisms: Mechanisms) -> Option<Self> {
        if mechanisms.fence {
            self.record(fence)?;
        }
        let deleted = mechanisms.delete_sees_all && self.is_being_deleted();
        self.with(|new| {
            new.status = (self.status == Status::Saving && !deleted).then_some(Status::Active)?;
            new.location = Some(attempt);
            new.end(fence);
            Some(())
        })
    }

    /// `Database::abort_upload`.
    #[must_use]
    pub fn abort_upload(&self, fence: Fence, mechanisms: Mechanisms) -> Option<Self> {
        let record = self.record(fence)?;
        let Work::Upload { attempt, phase } = record.work else { return None };
        self.with(|new| {
            if phase != Phase::Abandoned && self.status == Status::Saving {
                new.status = Status::Queued;
            }
            let abandoned = Work::Upload { attempt, phase: Phase::Abandoned };
            let lingers = if mechanisms.always_twice {
                phase != Phase::Abandoned && record.origin.is_some()
            } else {
                self.lingers(&Record { work: abandoned, ..record })
            };
            if mechanisms.lingering && lingers {
                return new.set_work(fence, abandoned);
            }
            new.end(fence);
            Some(())
        })
    }

    /// `Database::begin_delete`.
    #[must_use]
    pub fn begin_delete(&self, node: Node, fence: Fence) -> Option<Self> {
        let allowed = self.is_live(node) && self.status != Status::Deleted && !self.is_being_deleted();
        self.with(|new| {
            new.records.push(allowed.then_some(Record { fence, work: Work::Delete, node, origin: None })?);
            Some(())
        })
    }

    /// `Database::complete_delete`. `known` is the location that the caller has worked on, `removed` whether its data is
    /// certainly gone.
    #[must_use]
    pub fn complete_delete(
        &self,
        fence: Fence,
        (known, removed): (Option<u8>, bool),
        new_fence: Fence,
        mechanisms: Mechanisms,
    ) -> Option<Self> {
        let record = self.record(fence)?;
        let seen = if mechanisms.delete_sees_all { self.location } else { known };
        let left = seen.filter(|location| known != Some(*location) || !removed);
        self.with(|new| {
            new.end(fence);
            if self.status != Status::Deleted {
                new.status = Status::Deleted;
                new.location = None;
                let removal = |attempt| Record {
                    fence: new_fence,
                    work: Work::Removal { attempt },
                    node: record.node,
                    origin: None,
                };
                new.records.extend(left.map(removal));
            }
            Some(())
        })
    }

    /// `Database::save_image` with a `LocationChange` that takes the location away.
    #[must_use]
    pub fn save_image(&self, node: Node, fence: Fence) -> Option<Self> {
        let allowed = self.is_live(node) && self.status == Status::Active;
        self.with(|new| {
            let attempt = new.location.take().filter(|_| allowed)?;
            new.status = Status::Queued;
            new.records.push(Record { fence, work: Work::Removal { attempt }, node, origin: None });
            Some(())
        })
    }

    /// `Database::cancel_delete`, `Database::complete_removal`.
    #[must_use]
    pub fn end_record(&self, fence: Fence) -> Option<Self> {
        self.record(fence)?;
        self.with(|new| {
            new.end(fence);
            Some(())
        })
    }

    /// `Database::claim_work`.
    #[must_use]
    pub fn claim_work(&self, fence: Fence, node: Node, new_fence: Fence, mechanisms: Mechanisms) -> Option<Self> {
        let claimed = self.record(fence).filter(|record| record.node == node && self.is_live(node))?;
        if mechanisms.claim_waits && self.lingers(&claimed) {
            return None;
        }
        self.with(|new| {
            new.end(fence);
            new.records.push(Record { fence: new_fence, ..claimed });
            Some(())
        })
    }

    /// `Database::take_over_node` of a silent node, or of one that is certainly dead.
    #[must_use]
    pub fn take_over_node(
        &self,
        dead: Node,
        certain: bool,
        heir: Node,
        mut new_fence: Fence,
        mechanisms: Mechanisms,
    ) -> Option<Self> {
        let row = *self.nodes.get(usize::from(dead))?;
        let allowed = if certain { row != Row::None } else { row == Row::Lapsed };
        self.with(|new| {
            (allowed && dead != heir && self.is_live(heir)).then_some(())?;
            for record in new.records.iter_mut().filter(|record| record.node == dead) {
                (record.node, record.fence) = (heir, new_fence);
                new_fence += 1;
                if !certain {
                    record.origin = record.origin.filter(|_| mechanisms.first_origin).or(Some(dead));
                }
            }
            new.nodes[usize::from(dead)] = if certain { Row::None } else { Row::Fenced };
            Some(())
        })
    }

    /// `Database::heartbeat`.
    #[must_use]
    pub fn heartbeat(&self, node: Node) -> Option<Self> {
        self.is_live(node).then_some(())?;
        self.with(|new| {
            new.nodes[usize::from(node)] = Row::Live;
            Some(())
        })
    }

    /// `Database::register_node`, under the next number.
    #[must_use]
    pub fn register_node(&self) -> Option<Self> {
        self.with(|new| {
            new.nodes.push(Row::Live);
            Some(())
        })
    }

    /// `Database::forget_node`.
    #[must_use]
    pub fn forget_node(&self, node: Node) -> Option<Self> {
        let empty = self.records.iter().all(|record| record.node != node);
        self.with(|new| {
            new.nodes[usize::from(node)] = empty.then_some(Row::None)?;
            Some(())
        })
    }
}
