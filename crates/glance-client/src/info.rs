//! `/v2/info` and `/v2/schemas`: what the service says about itself.

use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::http::segment;
use crate::json::{Json, Object};

/// What the service says about itself. All methods fail with the server's refusal or with what happened to the
/// connection; [`ErrorKind::NotFound`] means that the service lacks the feature.
#[derive(Clone, Copy)]
pub struct Info<'a> {
    pub(crate) client: &'a Client,
}

impl Info<'_> {
    /// The stores that data can be uploaded to.
    ///
    /// # Errors
    ///
    /// See [`Info`].
    pub async fn stores(&self) -> Result<Object, Error> {
        self.object("/v2/info/stores").await
    }

    /// The stores with their settings, for administrators.
    ///
    /// # Errors
    ///
    /// See [`Info`].
    pub async fn stores_detail(&self) -> Result<Object, Error> {
        self.object("/v2/info/stores/detail").await
    }

    /// The ways to import data.
    ///
    /// # Errors
    ///
    /// See [`Info`].
    pub async fn import(&self) -> Result<Object, Error> {
        self.object("/v2/info/import").await
    }

    /// The caller's quotas: `{"usage": {name: {"limit": .., "usage": ..}}}`.
    ///
    /// # Errors
    ///
    /// See [`Info`].
    pub async fn usage(&self) -> Result<Object, Error> {
        self.object("/v2/info/usage").await
    }

    /// The JSON schema `name`: `image`, `images`, `member`, `metadefs/namespace`, …
    ///
    /// # Errors
    ///
    /// See [`Info`].
    pub async fn schema(&self, name: &str) -> Result<Object, Error> {
        let segments = name.split('/').map(segment).collect::<Result<Vec<_>, _>>()?;
        self.object(&format!("/v2/schemas/{}", segments.join("/"))).await
    }

    async fn object(&self, path: &str) -> Result<Object, Error> {
        match self.client.get_json(path).await? {
            Json::Object(object) => Ok(object),
            _ => Err(Error::new(ErrorKind::Protocol, format!("the answer of {path} is not an object"))),
        }
    }
}
