//! What must be true in the middle and at the end.

use std::collections::BTreeMap;

use glance_db::{Kind, ListedNode, Phase, Record, StorageLimit, Work};
use glance_domain::query::Viewer;
use glance_domain::{Image, Status};

use crate::scheduler::Simulated;
use crate::setup::QUOTA;
use crate::store::name_of;

/// The catalogue at one moment.
pub(crate) struct View {
    /// Images that are not deleted.
    pub(crate) images: Vec<Option<Image>>,
    pub(crate) records: Vec<Record>,
    pub(crate) nodes: Vec<ListedNode>,
}

impl Simulated {
    pub(crate) async fn view(&self) -> View {
        let mut images = Vec::new();
        for image in &self.images {
            images.push(match self.db.get_image(&image.id, &Viewer::Admin(None)).await {
                Ok(image) => Some(image),
                Err(error) if error.kind() == Kind::NotFound => None,
                Err(error) => panic!("{error:?}"),
            });
        }
        let records = self.db.list_work().await.expect("records");
        View { images, records, nodes: self.db.list_nodes().await.expect("nodes") }
    }

    /// What must be true after each step.
    pub(crate) fn check_always(&self, view: &View) -> Result<(), String> {
        let shared = self.world.lock();
        let live = view.images.iter().flatten();
        let mut locations = BTreeMap::new();
        for image in live.clone() {
            let deleting = view.records.iter().any(|record| record.image == image.id && record.work == Work::Delete);
            if image.status == Status::Active && image.locations.is_empty() {
                return Err(format!("image {} is active without a location", image.id));
            }
            // No data of the simulation is a qcow2 image, and formats change only while there is none.
            if image.status == Status::Active && image.disk_format.as_deref() != Some("raw") {
                return Err(format!("image {} was not inspected as {:?}", image.id, image.disk_format));
            }
            for location in &image.locations {
                let name = name_of(&location.url).to_owned();
                let bytes = shared.objects.get(&name).map(|object| &object.bytes);
                let digest = bytes.map(|bytes| md5(bytes));
                if digest.as_ref() != image.checksum.as_ref() && !deleting {
                    return Err(format!("image {}: active, its object has {digest:?}", image.id));
                }
                locations.insert(name, ());
            }
        }
        let removed = |record: &Record| match &record.work {
            Work::Removal { url, .. } => Some(name_of(url).to_owned()),
            Work::Upload(transfer) if transfer.phase != Phase::Abandoned => Some(transfer.name.clone()),
            Work::Upload(_) | Work::Delete | Work::Later { .. } => None,
        };
        let recorded: Vec<String> = view.records.iter().filter_map(removed).collect();
        let orphan = shared.objects.keys().find(|name| !locations.contains_key(*name) && !recorded.contains(name));
        if let Some(name) = orphan {
            return Err(format!("object {name} is nobody's"));
        }
        let attempt = |record: &Record| match &record.work {
            Work::Upload(transfer) => Some(transfer.attempt.clone()),
            Work::Delete | Work::Removal { .. } | Work::Later { .. } => None,
        };
        let attempts: Vec<String> = view.records.iter().filter_map(attempt).collect();
        match shared.drafts.keys().find(|draft| !attempts.contains(draft)) {
            Some(draft) => Err(format!("draft {draft} is nobody's")),
            None => Ok(()),
        }
    }

    /// What must be true when everything has ended.
    pub(crate) async fn check_end(&self) -> Result<(), String> {
        let view = self.view().await;
        self.check_always(&view)?;
        if !view.records.is_empty() {
            return Err(format!("stuck: {:?}", view.records));
        }
        if !self.world.lock().drafts.is_empty() {
            return Err(format!("drafts: {:?}", self.world.lock().drafts));
        }
        let stray: Vec<_> = view.nodes.iter().filter(|listed| !self.nodes().contains(&listed.node.id)).collect();
        if !stray.is_empty() {
            return Err(format!("nodes that nobody is: {stray:?}"));
        }
        for (state, image) in self.images.iter().zip(&view.images) {
            let status = image.as_ref().map(|image| image.status);
            if status == Some(Status::Saving) || state.deleted && image.is_some() {
                return Err(format!("image {} is {status:?}, deleted: {}", state.id, state.deleted));
            }
            let Some(bytes) = state.acknowledged.as_ref().filter(|_| !state.delete_asked) else { continue };
            if image.as_ref().and_then(|image| image.checksum.clone()) != Some(md5(bytes)) {
                return Err(format!("image {} is {status:?}, but its upload was acknowledged", state.id));
            }
        }
        let stored: usize = self.world.lock().objects.values().map(|object| object.bytes.len()).sum();
        let limit = StorageLimit { project: self.project.clone(), bytes: QUOTA };
        let left = self.db.storage_left(&limit).await.expect("a quota");
        if left + stored as u64 != QUOTA {
            return Err(format!("{stored} bytes are stored, {left} are left of {QUOTA}"));
        }
        Ok(())
    }
}

fn md5(bytes: &[u8]) -> String {
    let digest = openssl::hash::hash(openssl::hash::MessageDigest::md5(), bytes).expect("MD5");
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
