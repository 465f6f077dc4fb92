//! Which steps are possible, and what each of them does.

use crate::{
    Action, Begin, Call, Catalogue, CommitFate, LateOperation, Mechanisms, Operation, Phase, Row, State, Task, Work,
};

mod actions;
mod operations;
mod transactions;

impl Call {
    /// Whether it is a call of the store.
    #[must_use]
    pub fn is_of_store(self) -> bool {
        matches!(
            self,
            Self::StoreBegin
                | Self::Finish
                | Self::AbandonDraft
                | Self::AbandonObject
                | Self::DeleteData
                | Self::RemoveData
        )
    }
}

impl State {
    /// The state after a step.
    #[must_use]
    pub fn after(&self, action: Action, mechanisms: Mechanisms) -> Self {
        let mut new = self.clone();
        match action {
            Action::Begin(begin, process, fate) => new.begin(begin, process, fate),
            Action::Transact(task, _, fate) => new.transact(task, fate, mechanisms),
            Action::Store(task, _, fate) => new.call_store(task, fate, mechanisms),
            Action::Sweep(process, record) => new.sweep(process, record),
            Action::Hold(task) => new.hold(task, mechanisms),
            Action::LateOperation(late, happens) => new.end_operation(late, happens, mechanisms),
            Action::LateCommit(happens) => {
                let catalogue = new.late_commit.take();
                new.catalogue = catalogue.filter(|_| happens).unwrap_or(new.catalogue);
            }
            Action::LeaseRunsOut(node) => {
                new.left.lapses -= 1;
                new.catalogue.nodes[usize::from(node)] = Row::Lapsed;
            }
            Action::RenewLease(process) => new.renew_lease(process),
            Action::TakeOver(process, dead, certain, fate) => {
                let heir = new.processes[usize::from(process)].node;
                let fence = new.new_fence();
                let changed = new.catalogue.take_over_node(dead, certain, heir, fence, mechanisms);
                new.commit(changed, fate);
            }
            Action::ForgetNode(_, node) => {
                let changed = new.catalogue.forget_node(node);
                new.commit(changed, CommitFate::Done);
            }
            Action::Kill(process) => {
                new.left.kills -= 1;
                new.processes[usize::from(process)].alive = false;
                new.tasks.retain(|task| task.process != process);
            }
        }
        new.normalise();
        new
    }

    /// Commits a transaction, if it was not refused; whether the caller knows that it took place.
    pub(crate) fn commit(&mut self, changed: Option<Catalogue>, fate: CommitFate) -> bool {
        let Some(changed) = changed else { return false };
        if fate != CommitFate::Done {
            self.left.commits -= 1;
        }
        match fate {
            CommitFate::Done | CommitFate::Lost => self.catalogue = changed,
            CommitFate::Failed => {}
            CommitFate::Late => self.late_commit = Some(changed),
        }
        fate == CommitFate::Done
    }

    fn begin(&mut self, begin: Begin, process: u8, fate: CommitFate) {
        let (node, fence) = (self.processes[usize::from(process)].node, self.new_fence());
        let location = self.catalogue.location;
        let (changed, budget) = match begin {
            Begin::Upload => (self.catalogue.begin_upload(node, fence), &mut self.left.uploads),
            Begin::Delete => (self.catalogue.begin_delete(node, fence), &mut self.left.deletes),
            Begin::SaveImage => (self.catalogue.save_image(node, fence), &mut self.left.drops),
        };
        *budget -= 1;
        self.promised &= begin == Begin::Upload;
        let written = changed.as_ref().and_then(|changed| changed.record(fence));
        if !self.commit(changed, fate) {
            return;
        }
        let Some(record) = written else { return };
        let call = match begin {
            Begin::Upload => Call::StoreBegin,
            Begin::Delete if location.is_some() => Call::DeleteData,
            Begin::Delete => Call::CompleteDelete,
            Begin::SaveImage => Call::RemoveData,
        };
        let work = record.work;
        self.tasks.push(Task { process, node, fence, call, work, known: location, removed: false, request: true });
    }

    fn sweep(&mut self, process: u8, record: usize) {
        let record = self.catalogue.records[record];
        let node = self.processes[usize::from(process)].node;
        if self.is_held(process, record.fence, true) {
            self.left.early_sweeps -= 1;
        }
        self.tasks.push(Task {
            process,
            node,
            fence: record.fence,
            call: Call::Hold,
            work: record.work,
            known: self.catalogue.location,
            removed: false,
            request: false,
        });
    }

    /// Whether a process works on a record, or an operation that it gave up does.
    pub(crate) fn is_held(&self, process: u8, fence: u8, late_counts: bool) -> bool {
        let task = |task: &Task| task.process == process && task.fence == fence && task.call != Call::Hold;
        let late = |late: &LateOperation| late.process == process && late.fence == fence;
        self.tasks.iter().any(task) || late_counts && self.late.iter().any(late)
    }

    fn hold(&mut self, task: usize, mechanisms: Mechanisms) {
        let Task { process, fence, .. } = self.tasks[task];
        if self.is_held(process, fence, mechanisms.hold) {
            self.tasks.remove(task);
        } else if mechanisms.claim {
            self.tasks[task].call = Call::ClaimWork;
        } else {
            self.tasks[task].call = first_call(&self.tasks[task]);
        }
    }

    fn renew_lease(&mut self, process: u8) {
        let node = self.processes[usize::from(process)].node;
        if self.catalogue.is_live(node) {
            let changed = self.catalogue.heartbeat(node);
            self.commit(changed, CommitFate::Done);
            return;
        }
        let changed = self.catalogue.register_node();
        self.commit(changed, CommitFate::Done);
        self.owners.push(process);
        self.processes[usize::from(process)].node = u8::try_from(self.owners.len() - 1).unwrap_or(u8::MAX);
    }

    fn end_operation(&mut self, late: usize, happens: bool, mechanisms: Mechanisms) {
        let late = self.late.remove(late);
        if !happens {
            return;
        }
        self.operate(late.operation, mechanisms);
        if let Operation::Abandon(attempt, Phase::Finishing) = late.operation {
            self.late.push(LateOperation { operation: Operation::Unlink(attempt), ..late });
        }
    }
}

/// What ends the work of a record.
pub(crate) fn first_call(task: &Task) -> Call {
    match task.work {
        Work::Upload { .. } => Call::AbandonDraft,
        Work::Delete if task.known.is_some() => Call::DeleteData,
        Work::Delete => Call::CompleteDelete,
        Work::Removal { .. } => Call::RemoveData,
    }
}
