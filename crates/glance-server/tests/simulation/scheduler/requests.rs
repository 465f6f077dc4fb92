//! What clients ask for, and the housekeeping of processes.

use std::sync::Arc;

use bytes::Bytes;
use glance_domain::ImageId;
use glance_domain::patch::{Change, Dialect, Operation};
use glance_server::app::App;
use glance_server::app::upload::UploadOptions;
use http_body_util::{BodyExt as _, Full};

use super::{Ended, Request, Simulated};
use crate::setup::caller;

impl Simulated {
    pub(super) fn begin_request(&mut self) {
        let alive = self.alive();
        let node = self.random.pick(&alive);
        let at = self.random.below(self.requests.len());
        let (image, request) = self.requests.swap_remove(at);
        let Some(app) = self.apps[node].clone() else { return };
        let (context, id) = (caller(&app, &self.project), self.images[image].id.clone());
        let name = format!("{request:?} {image}");
        match request {
            Request::Upload => {
                let bytes = Bytes::from(vec![
                    b'a' + u8::try_from(self.random.below(26)).expect("a letter");
                    700 + self.steps % 90
                ]);
                let body = Full::new(bytes.clone()).map_err(|never| match never {}).boxed_unsync();
                let options = UploadOptions { size_hint: Some(bytes.len() as u64), ..UploadOptions::default() };
                self.spawn(node, name, false, async move {
                    let result = app.upload_image(&context, &id, options, body).await;
                    Ended::Upload { image, bytes, result }
                });
            }
            Request::Delete => {
                self.images[image].delete_asked = true;
                self.spawn(node, name, false, async move {
                    let result = app.delete_image(&context, &id).await;
                    Ended::Delete { image, result }
                });
            }
            Request::Patch => self.begin_patch(node, app, id),
        }
    }

    fn begin_patch(&mut self, node: usize, app: Arc<App>, id: ImageId) {
        let context = caller(&app, &self.project);
        let (name, value) = self.random.pick(&[("name", "b"), ("disk_format", "qcow2"), ("disk_format", "raw")]);
        let change = Change {
            name: name.into(),
            index: None,
            operation: Operation::Replace(value.into()),
            dialect: Dialect::V21,
        };
        self.spawn(node, format!("Patch {name}={value}"), false, async move {
            drop(app.update_image(&context, &id, &[change]).await);
            Ended::Other
        });
    }

    pub(crate) fn begin_sweep(&mut self, node: usize) {
        let sweeping = self.running.iter().any(|run| run.node == node && run.is_sweep);
        if let (Some(app), false) = (self.apps[node].clone(), sweeping) {
            self.spawn(node, "sweep".to_owned(), true, async move {
                drop(app.sweep().await);
                Ended::Other
            });
        }
    }

    pub(crate) fn begin_renewal(&mut self, node: usize) {
        let renewing = self.running.iter().any(|run| run.node == node && run.name == "renewal");
        if let (Some(app), false) = (self.apps[node].clone(), renewing) {
            self.spawn(node, "renewal".to_owned(), false, async move {
                drop(app.renew_lease().await);
                app.end_stale_lease();
                Ended::Other
            });
        }
    }
}
