//! Which steps are possible.

use crate::{Action, Begin, Call, CommitFate, Node, Row, State, Status, StoreFate};

const STORE_FATES: [StoreFate; 4] = [StoreFate::Done, StoreFate::Refused, StoreFate::Lost, StoreFate::Late];
const COMMIT_FATES: [CommitFate; 4] = [CommitFate::Done, CommitFate::Lost, CommitFate::Failed, CommitFate::Late];

impl State {
    /// All steps that are possible, in a fixed order.
    pub fn actions(&self, actions: &mut Vec<Action>) {
        self.task_actions(actions);
        actions.extend((0..self.late.len()).flat_map(|late| [true, false].map(|yes| Action::LateOperation(late, yes))));
        if self.late_commit.is_some() {
            actions.extend([Action::LateCommit(true), Action::LateCommit(false)]);
        }
        for process in [0, 1] {
            if self.processes[usize::from(process)].alive {
                self.process_actions(process, actions);
            }
        }
        let lapse = |node: &Node| {
            let owner = &self.processes[usize::from(self.owners[usize::from(*node)])];
            self.left.lapses > 0 && owner.alive && self.can_write()
        };
        let live = (0..self.catalogue.nodes.len()).filter(|node| self.catalogue.nodes[*node] == Row::Live);
        actions.extend(live.filter_map(|node| u8::try_from(node).ok()).filter(lapse).map(Action::LeaseRunsOut));
    }

    fn can_write(&self) -> bool {
        self.late_commit.is_none()
    }

    fn commit_fates(&self) -> impl Iterator<Item = CommitFate> + use<> {
        let (faults, write) = (self.left.commits > 0, self.can_write());
        COMMIT_FATES.into_iter().filter(move |fate| write && (faults || *fate == CommitFate::Done))
    }

    fn task_actions(&self, actions: &mut Vec<Action>) {
        for (at, task) in self.tasks.iter().enumerate() {
            let call = task.call;
            if call == Call::Hold {
                actions.push(Action::Hold(at));
            } else if call.is_of_store() {
                let fates = STORE_FATES.iter().filter(|fate| self.left.faults > 0 || **fate == StoreFate::Done);
                actions.extend(fates.map(|fate| Action::Store(at, call, *fate)));
            } else {
                actions.extend(self.commit_fates().map(|fate| Action::Transact(at, call, fate)));
            }
        }
    }

    fn process_actions(&self, process: u8, actions: &mut Vec<Action>) {
        let node = self.processes[usize::from(process)].node;
        self.request_actions(process, actions);
        let both_live = self.processes.iter().all(|process| process.alive);
        if self.left.kills > 0 && both_live {
            actions.push(Action::Kill(process));
        }
        for (at, record) in self.catalogue.records.iter().enumerate().filter(|(_, record)| record.node == node) {
            let listed = self
                .tasks
                .iter()
                .any(|task| task.call == Call::Hold && task.process == process && task.fence == record.fence);
            let free = !self.is_held(process, record.fence, true) || self.left.early_sweeps > 0;
            if free && !listed && !self.catalogue.lingers(record) {
                actions.push(Action::Sweep(process, at));
            }
        }
        if !self.can_write() {
            return;
        }
        if self.catalogue.nodes[usize::from(node)] != Row::Live {
            actions.push(Action::RenewLease(process));
        }
        for other in (0..self.owners.len()).filter_map(|other| u8::try_from(other).ok()).filter(|other| *other != node)
        {
            self.node_actions(process, other, actions);
        }
    }

    fn request_actions(&self, process: u8, actions: &mut Vec<Action>) {
        let catalogue = &self.catalogue;
        let first_process = catalogue.attempts > 0 || process == 0;
        let live = catalogue.is_live(self.processes[usize::from(process)].node);
        let deleting = catalogue.is_being_deleted();
        let upload = self.left.uploads > 0 && catalogue.status == Status::Queued && !deleting && first_process;
        let delete =
            self.left.deletes > 0 && catalogue.status != Status::Deleted && !deleting && catalogue.attempts > 0;
        let drop = self.left.drops > 0 && catalogue.location.is_some();
        for (begin, possible) in [(Begin::Upload, upload), (Begin::Delete, delete), (Begin::SaveImage, drop)] {
            if possible && live {
                actions.extend(self.commit_fates().map(|fate| Action::Begin(begin, process, fate)));
            }
        }
    }

    fn node_actions(&self, process: u8, node: Node, actions: &mut Vec<Action>) {
        let owner = self.owners[usize::from(node)];
        let row = self.catalogue.nodes[usize::from(node)];
        let heir = self.catalogue.is_live(self.processes[usize::from(process)].node);
        if row == Row::Lapsed && heir {
            actions.extend(self.commit_fates().map(|fate| Action::TakeOver(process, node, false, fate)));
        }
        // A process with a call in the kernel has not ended.
        let gone = !self.processes[usize::from(owner)].alive && self.late.iter().all(|late| late.process != owner);
        if row != Row::None && gone && heir {
            actions.extend(self.commit_fates().map(|fate| Action::TakeOver(process, node, true, fate)));
        }
        let ended = self.tasks.iter().all(|task| task.node != node) && self.late.iter().all(|late| late.node != node);
        let empty = self.catalogue.records.iter().all(|record| record.node != node);
        if owner == process && row != Row::None && ended && empty {
            actions.push(Action::ForgetNode(process, node));
        }
    }
}
