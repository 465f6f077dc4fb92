//! The Images API in the words of a test.

use std::io::Read as _;

use serde_json::{Value, json};

use crate::data::Digests;
use crate::http::{Endpoint, Framing, Request, Response, Sending};
use crate::wait;

/// The images of a service.
#[derive(Debug, Clone, Copy)]
pub struct Images {
    /// Where the service answers.
    pub endpoint: Endpoint,
}

impl Images {
    /// Those of the service at `endpoint`.
    #[must_use]
    pub fn at(endpoint: Endpoint) -> Self {
        Self { endpoint }
    }

    /// Registers an image with these attributes and returns it.
    ///
    /// # Panics
    /// When the service refuses.
    #[must_use]
    pub fn create(&self, attributes: &Value) -> Value {
        self.endpoint.send(&Request::new("POST", "/v2/images").json(attributes)).expect_status(201).json()
    }

    /// Registers an image that can take any bytes, and returns its id.
    ///
    /// # Panics
    /// When the service refuses.
    #[must_use]
    pub fn create_raw(&self, name: &str) -> String {
        id_of(&self.create(&json!({"name": name, "disk_format": "raw", "container_format": "bare"})))
    }

    /// Sends all the data of an image at once.
    #[must_use]
    pub fn upload(&self, id: &str, bytes: &[u8]) -> Response {
        self.endpoint.send(&upload_request(id).body(bytes))
    }

    /// Begins to send the data of an image.
    #[must_use]
    pub fn begin_upload(&self, id: &str, framing: Framing) -> Sending {
        self.endpoint.begin(&upload_request(id), framing)
    }

    /// Registers and uploads; returns the id of an active image.
    ///
    /// # Panics
    /// When the service refuses.
    #[must_use]
    pub fn create_with_data(&self, name: &str, bytes: &[u8]) -> String {
        let id = self.create_raw(name);
        let _ = self.upload(&id, bytes).expect_status(204);
        id
    }

    /// What the service says of an image.
    ///
    /// # Panics
    /// When the service refuses.
    #[must_use]
    pub fn show(&self, id: &str) -> Value {
        self.endpoint.send(&Request::new("GET", &format!("/v2/images/{id}"))).expect_status(200).json()
    }

    /// The status of an image.
    #[must_use]
    pub fn status(&self, id: &str) -> String {
        self.show(id)["status"].as_str().unwrap_or_default().to_owned()
    }

    /// Waits until an image has the status.
    ///
    /// # Panics
    /// When it does not come to have it.
    pub fn wait_for_status(&self, id: &str, status: &str) {
        wait::until(&format!("image {id} is {status}"), || (self.status(id) == status).then_some(()));
    }

    /// All images, page by page.
    ///
    /// # Panics
    /// When the service refuses.
    #[must_use]
    pub fn list(&self) -> Vec<Value> {
        let mut images = Vec::new();
        let mut next = Some("/v2/images?limit=50".to_owned());
        while let Some(path) = next {
            let page = self.endpoint.send(&Request::new("GET", &path)).expect_status(200).json();
            images.extend(page["images"].as_array().unwrap().iter().cloned());
            next = page["next"].as_str().map(str::to_owned);
        }
        images
    }

    /// The data of an image.
    #[must_use]
    pub fn download(&self, id: &str) -> Response {
        self.endpoint.send(&Request::new("GET", &format!("/v2/images/{id}/file")))
    }

    /// Removes an image.
    #[must_use]
    pub fn delete(&self, id: &str) -> Response {
        self.endpoint.send(&Request::new("DELETE", &format!("/v2/images/{id}")))
    }

    /// Downloads an active image and compares size and digests with what the service says of it.
    ///
    /// # Panics
    /// When they differ.
    pub fn verify(&self, image: &Value) {
        let id = id_of(image);
        let mut receiving = self.endpoint.open(&Request::new("GET", &format!("/v2/images/{id}/file")));
        assert_eq!(receiving.status, 200, "{id}");
        let (mut digests, mut size) = (Digests::new(), 0);
        let mut buffer = vec![0; 1 << 18];
        loop {
            let count = receiving.read(&mut buffer).unwrap();
            if count == 0 {
                break;
            }
            digests.update(&buffer[..count]);
            size += count as u64;
        }
        let (md5, sha512) = digests.finish();
        assert_eq!(image["size"], json!(size), "{id}");
        assert_eq!(image["checksum"], json!(md5), "{id}");
        assert_eq!(image["os_hash_value"], json!(sha512), "{id}");
    }
}

/// The request that carries the data of an image.
#[must_use]
pub fn upload_request(id: &str) -> Request {
    Request::new("PUT", &format!("/v2/images/{id}/file")).header("Content-Type", "application/octet-stream")
}

/// The id of an image as the service describes it.
///
/// # Panics
/// When it has none.
#[must_use]
pub fn id_of(image: &Value) -> String {
    image["id"].as_str().unwrap().to_owned()
}
