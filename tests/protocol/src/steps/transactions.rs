//! Calls of the database.

use super::first_call;
use crate::{Call, CommitFate, Mechanisms, Phase, State, Task, Work};

impl State {
    /// The task makes its next call, and goes on from the answer.
    pub(super) fn transact(&mut self, at: usize, fate: CommitFate, mechanisms: Mechanisms) {
        let task = self.tasks[at];
        let Task { fence, .. } = task;
        let new_fence = self.new_fence();
        let catalogue = &self.catalogue;
        let changed = match task.call {
            Call::RecordFinishing => catalogue.record_transfer(fence, Phase::Finishing),
            Call::RecordWriting => catalogue.record_transfer(fence, Phase::Writing),
            Call::CompleteUpload => catalogue.complete_upload(fence, attempt(&task), mechanisms),
            Call::ClaimWork => catalogue.claim_work(fence, task.node, new_fence, mechanisms),
            Call::AbortUpload => catalogue.abort_upload(fence, mechanisms),
            Call::CompleteDelete => catalogue.complete_delete(fence, (task.known, task.removed), new_fence, mechanisms),
            _ => catalogue.end_record(fence),
        };
        if task.call == Call::RecordFinishing {
            // From here on nobody knows whether the phase was written, but for those who claim the record.
            self.tasks[at].work = Work::Upload { attempt: attempt(&task), phase: Phase::Finishing };
        }
        let known = self.commit(changed, fate);
        match task.call {
            Call::RecordFinishing if known => self.tasks[at].call = Call::Finish,
            Call::CompleteUpload if known => {
                self.promised = self.tasks.iter().all(|other| other.work != Work::Delete);
                self.tasks.remove(at);
            }
            Call::RecordFinishing | Call::RecordWriting | Call::CompleteUpload => self.undo(at, mechanisms),
            Call::ClaimWork if known => self.go_on_after_claim(at, new_fence),
            _ => drop(self.tasks.remove(at)),
        }
    }

    fn go_on_after_claim(&mut self, at: usize, fence: u8) {
        let Some(record) = self.catalogue.record(fence) else { return };
        let task = Task { fence, work: record.work, known: self.catalogue.location, request: false, ..self.tasks[at] };
        self.tasks[at] = Task { call: first_call(&task), ..task };
    }
}

fn attempt(task: &Task) -> u8 {
    match task.work {
        Work::Upload { attempt, .. } | Work::Removal { attempt } => attempt,
        Work::Delete => 0,
    }
}
