//! Whether the model of the protocol (`tests/protocol`) accepts what the real transactions do to the real tables.

use glance_db::{ListedNode, NodeId, Phase, Record, Standing, Work};
use glance_domain::{Image, Status};
use protocol::{Catalogue, Mechanisms, Row};

use crate::invariants::View;
use crate::store::name_of;

/// Stands for a fence that was not there before.
const NEW: u8 = u8::MAX;

/// What the model knows of one image.
#[derive(Default)]
struct Known {
    /// Fences by their numbers.
    fences: Vec<String>,
    attempts: u8,
    catalogue: Option<Catalogue>,
}

/// Follows the tables from step to step.
pub(crate) struct Acceptance {
    nodes: Vec<NodeId>,
    images: Vec<Known>,
}

impl Acceptance {
    pub(crate) fn new(images: usize) -> Self {
        Self { nodes: Vec::new(), images: (0..images).map(|_| Known::default()).collect() }
    }

    /// Whether one transaction of the model, or none, leads from the last view to this one.
    ///
    /// # Errors
    /// Says which change it does not know.
    pub(crate) fn follow(&mut self, ids: &[&str], view: &View) -> Result<(), String> {
        for listed in &view.nodes {
            if !self.nodes.contains(&listed.node.id) {
                self.nodes.push(listed.node.id.clone());
            }
        }
        let rows: Vec<Row> = self.nodes.iter().map(|node| row(node, &view.nodes)).collect();
        for ((id, image), known) in ids.iter().zip(&view.images).zip(&mut self.images) {
            let records = view.records.iter().filter(|record| record.image.as_str() == *id);
            let (new, old_fences) = known.translate(image.as_ref(), records, &self.nodes, rows.clone());
            let old = known.catalogue.replace(new.clone());
            let Some(old) = old else { continue };
            if !is_step(&old, &new, old_fences) {
                return Err(format!("the model knows no step from\n{old:?}\nto\n{new:?}"));
            }
        }
        Ok(())
    }
}

impl Known {
    /// The tables in the model's terms, and how many fences were known before.
    fn translate<'a>(
        &mut self,
        image: Option<&Image>,
        records: impl Iterator<Item = &'a Record>,
        nodes: &[NodeId],
        rows: Vec<Row>,
    ) -> (Catalogue, u8) {
        let old_fences = number(self.fences.len());
        let records: Vec<_> = records.map(|record| self.record(record, nodes)).collect();
        let location = image.and_then(|image| image.locations.first()).map(|location| attempt(name_of(&location.url)));
        let status = match image.map(|image| image.status) {
            None => protocol::Status::Deleted,
            Some(Status::Queued) => protocol::Status::Queued,
            Some(Status::Saving) => protocol::Status::Saving,
            Some(_) => protocol::Status::Active,
        };
        (Catalogue { status, location, attempts: self.attempts, records, nodes: rows }, old_fences)
    }

    fn record(&mut self, record: &Record, nodes: &[NodeId]) -> protocol::Record {
        let place = |node: &NodeId| number(nodes.iter().position(|known| known == node).unwrap_or(usize::from(NEW)));
        let work = match &record.work {
            Work::Upload(transfer) => {
                let attempt = attempt(&transfer.name);
                self.attempts = self.attempts.max(attempt);
                let phase = match transfer.phase {
                    Phase::Writing => protocol::Phase::Writing,
                    Phase::Finishing => protocol::Phase::Finishing,
                    Phase::Abandoned => protocol::Phase::Abandoned,
                };
                protocol::Work::Upload { attempt, phase }
            }
            Work::Removal { url, .. } => protocol::Work::Removal { attempt: attempt(name_of(url)) },
            Work::Delete | Work::Later { .. } => protocol::Work::Delete,
        };
        let fence = record.id.as_str();
        let fence = self.fences.iter().position(|known| known == fence).unwrap_or_else(|| {
            self.fences.push(fence.to_owned());
            self.fences.len() - 1
        });
        let origin = record.origin.as_ref().map(place);
        protocol::Record { fence: number(fence), work, node: place(&record.node), origin }
    }
}

fn number(number: usize) -> u8 {
    u8::try_from(number).unwrap_or(NEW)
}

/// The number of the attempt that an object is named after.
fn attempt(name: &str) -> u8 {
    name.split_once('.').map_or(1, |(_, later)| later.parse::<u8>().expect("a number") + 1)
}

fn row(node: &NodeId, listed: &[ListedNode]) -> Row {
    match listed.iter().find(|listed| listed.node.id == *node).map(|listed| listed.standing) {
        None => Row::None,
        Some(Standing::Live) => Row::Live,
        Some(Standing::Fenced) => Row::Fenced,
    }
}

/// The tables without what does not matter: which new fence is which, and whether a lease has run out.
fn canonical(catalogue: &Catalogue, old_fences: u8) -> Catalogue {
    let mut new = catalogue.clone();
    for record in new.records.iter_mut().filter(|record| record.fence >= old_fences) {
        record.fence = NEW;
    }
    new.records.sort_unstable();
    for row in new.nodes.iter_mut().filter(|row| **row == Row::Lapsed) {
        *row = Row::Live;
    }
    new
}

/// Whether one transaction of the protocol, or none, leads from one state of the tables to the other.
fn is_step(old: &Catalogue, new: &Catalogue, old_fences: u8) -> bool {
    let target = canonical(new, old_fences);
    canonical(old, old_fences) == target || successors(old).any(|next| canonical(&next, old_fences) == target)
}

/// What one transaction of the protocol makes of the tables.
fn successors(old: &Catalogue) -> impl Iterator<Item = Catalogue> {
    let mut next = Vec::new();
    let nodes = number(old.nodes.len());
    for node in 0..nodes {
        next.extend([old.begin_upload(node, NEW), old.begin_delete(node, NEW), old.save_image(node, NEW)]);
        next.push(old.forget_node(node));
        for heir in 0..nodes {
            let mut silent = old.clone();
            silent.nodes[usize::from(node)] = match silent.nodes[usize::from(node)] {
                Row::Live => Row::Lapsed,
                other => other,
            };
            let fence = NEW - 32;
            next.push(silent.take_over_node(node, false, heir, fence, Mechanisms::ALL));
            next.push(silent.take_over_node(node, true, heir, fence, Mechanisms::ALL));
        }
    }
    next.push(old.register_node());
    next.extend(old.records.iter().flat_map(|record| steps_of(old, record)));
    next.into_iter().flatten()
}

fn steps_of(old: &Catalogue, record: &protocol::Record) -> Vec<Option<Catalogue>> {
    let fence = record.fence;
    let attempt = match record.work {
        protocol::Work::Upload { attempt, .. } | protocol::Work::Removal { attempt } => attempt,
        protocol::Work::Delete => 0,
    };
    let mut steps = vec![
        old.record_transfer(fence, protocol::Phase::Writing),
        old.record_transfer(fence, protocol::Phase::Finishing),
        old.abort_upload(fence, Mechanisms::ALL),
        old.claim_work(fence, record.node, NEW, Mechanisms::ALL),
    ];
    match record.work {
        protocol::Work::Upload { .. } => steps.push(old.complete_upload(fence, attempt, Mechanisms::ALL)),
        protocol::Work::Removal { .. } => steps.push(old.end_record(fence)),
        protocol::Work::Delete => {
            steps.push(old.end_record(fence));
            steps.extend(
                [true, false].map(|removed| old.complete_delete(fence, (old.location, removed), NEW, Mechanisms::ALL)),
            );
        }
    }
    steps
}

#[test]
fn only_steps_of_the_protocol_are_accepted() {
    let work = protocol::Work::Upload { attempt: 1, phase: protocol::Phase::Finishing };
    let record = protocol::Record { fence: 0, work, node: 0, origin: None };
    let saving = Catalogue {
        status: protocol::Status::Saving,
        location: None,
        attempts: 1,
        records: vec![record],
        nodes: vec![Row::Live, Row::Live],
    };
    let active = Catalogue { status: protocol::Status::Active, location: Some(1), ..saving.clone() };
    let completed = Catalogue { records: Vec::new(), ..active.clone() };
    assert!(is_step(&saving, &completed, 1));
    assert!(!is_step(&saving, &active, 1), "the record must go with the step");
    let claimed = Catalogue { records: vec![protocol::Record { fence: 1, ..record }], ..saving.clone() };
    assert!(is_step(&saving, &claimed, 1));
    let stolen = Catalogue { records: vec![protocol::Record { fence: 1, node: 1, ..record }], ..saving.clone() };
    assert!(!is_step(&saving, &stolen, 1), "nobody takes one record from a live node");
    assert!(!is_step(&saving, &Catalogue { records: Vec::new(), ..saving.clone() }, 1), "a record does not vanish");
}
