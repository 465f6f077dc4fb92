//! Calls of the store.

use crate::{Call, LateOperation, Mechanisms, Operation, Phase, State, StoreFate, Task, Work};

/// What the caller knows of a call.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    Done,
    Refused,
    Unknown,
}

impl State {
    /// Does something to the store. `false` when that is not possible.
    pub(crate) fn operate(&mut self, operation: Operation, mechanisms: Mechanisms) -> bool {
        let name = |attempt: u8| if mechanisms.own_names { attempt } else { 1 };
        match operation {
            Operation::Create(attempt) => {
                self.drafts.push(attempt);
                true
            }
            Operation::Publish(attempt) => {
                let possible = self.drafts.contains(&attempt) && self.object(name(attempt)).is_none();
                if possible {
                    self.drafts.retain(|draft| *draft != attempt);
                    self.objects.push((name(attempt), attempt));
                }
                possible
            }
            Operation::Abandon(attempt, _) => {
                self.drafts.retain(|draft| *draft != attempt);
                true
            }
            Operation::Unlink(attempt) => {
                self.objects.retain(|(known, _)| *known != name(attempt));
                true
            }
        }
    }

    /// The task makes its next call, and goes on from the answer.
    pub(super) fn call_store(&mut self, at: usize, fate: StoreFate, mechanisms: Mechanisms) {
        let task = self.tasks[at];
        let Task { process, node, fence, .. } = task;
        let operation = operation(&task);
        if fate != StoreFate::Done {
            self.left.faults -= 1;
        }
        let answer = match fate {
            StoreFate::Done if self.operate(operation, mechanisms) => Answer::Done,
            StoreFate::Lost => {
                self.operate(operation, mechanisms);
                Answer::Unknown
            }
            StoreFate::Done | StoreFate::Refused => Answer::Refused,
            StoreFate::Late => {
                self.late.push(LateOperation { process, node, fence, operation });
                Answer::Unknown
            }
        };
        match next(&task, answer, mechanisms) {
            Next::Call(call) => self.tasks[at].call = call,
            Next::End => drop(self.tasks.remove(at)),
            Next::Undo => self.undo(at, mechanisms),
        }
        if task.call == Call::DeleteData && answer == Answer::Done {
            self.tasks[at].removed = true;
        }
    }

    /// `App::undo_failed`.
    pub(crate) fn undo(&mut self, at: usize, mechanisms: Mechanisms) {
        let Task { process, fence, .. } = self.tasks[at];
        let late = |late: &LateOperation| late.process == process && late.fence == fence;
        if mechanisms.hold && self.late.iter().any(late) {
            self.tasks.remove(at);
        } else {
            self.tasks[at].call = if mechanisms.claim { Call::ClaimWork } else { Call::AbandonDraft };
        }
    }
}

/// How a task goes on.
enum Next {
    Call(Call),
    /// Ends; if the record is still there, the sweep goes on with it.
    End,
    Undo,
}

fn operation(task: &Task) -> Operation {
    let (attempt, phase) = match task.work {
        Work::Upload { attempt, phase } => (attempt, phase),
        Work::Removal { attempt } => (attempt, Phase::Finishing),
        Work::Delete => (task.known.unwrap_or_default(), Phase::Finishing),
    };
    match task.call {
        Call::StoreBegin => Operation::Create(attempt),
        Call::Finish => Operation::Publish(attempt),
        Call::AbandonDraft => Operation::Abandon(attempt, phase),
        _ => Operation::Unlink(attempt),
    }
}

fn next(task: &Task, answer: Answer, mechanisms: Mechanisms) -> Next {
    let finishing = matches!(task.work, Work::Upload { phase: Phase::Finishing, .. });
    let may_cancel = task.request || !mechanisms.heirs_do_not_cancel;
    let done = answer == Answer::Done || answer == Answer::Unknown && !mechanisms.unknown_is_not_done;
    match task.call {
        Call::StoreBegin if answer == Answer::Done => Next::Call(Call::RecordFinishing),
        Call::Finish if answer == Answer::Done => Next::Call(Call::CompleteUpload),
        Call::Finish if answer == Answer::Refused => Next::Call(Call::RecordWriting),
        Call::StoreBegin | Call::Finish => Next::Undo,
        Call::AbandonDraft if done && finishing => Next::Call(Call::AbandonObject),
        Call::AbandonDraft | Call::AbandonObject if done => Next::Call(Call::AbortUpload),
        Call::DeleteData if answer == Answer::Refused && may_cancel => Next::Call(Call::CancelDelete),
        Call::DeleteData => Next::Call(Call::CompleteDelete),
        Call::RemoveData if done => Next::Call(Call::CompleteRemoval),
        _ => Next::End,
    }
}
