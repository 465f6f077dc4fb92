//! `/v2/images`: records, data, tags and states.

use std::collections::VecDeque;

use futures_util::Stream;
use futures_util::stream::try_unfold;
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;

use crate::client::Client;
use crate::download::{self, Download, DownloadOptions};
use crate::error::{Error, ErrorKind};
use crate::http::segment;
use crate::image::{Image, NewImage};
use crate::json::{Json, Object};
use crate::patch::Patch;
use crate::query::ImageQuery;
use crate::upload::{self, ImageData, UploadOptions};

const PATCH_TYPE: &str = "application/openstack-images-v2.1-json-patch";

/// Images and their data. All methods fail with the server's refusal or with what happened to the connection.
#[derive(Clone, Copy)]
pub struct Images<'a> {
    pub(crate) client: &'a Client,
}

impl<'a> Images<'a> {
    /// Registers an image; its data comes later.
    ///
    /// # Errors
    ///
    /// See [`Images`].
    pub async fn create(&self, new: &NewImage) -> Result<Image, Error> {
        Image::from_json(self.client.send_json(Method::POST, "/v2/images", new.document()).await?)
    }

    /// The image `id`.
    ///
    /// # Errors
    ///
    /// See [`Images`].
    pub async fn show(&self, id: &str) -> Result<Image, Error> {
        Image::from_json(self.client.get_json(&path(id)?).await?)
    }

    /// The images that `query` asks for; the next page is requested when the last one is used up.
    pub fn list(&self, query: &ImageQuery) -> impl Stream<Item = Result<Image, Error>> + Send + 'a {
        let pages =
            Pages { client: self.client, next: Some(query.path()), images: VecDeque::new(), wanted: query.wanted() };
        try_unfold(pages, |mut pages| async move { Ok(pages.next().await?.map(|image| (image, pages))) })
    }

    /// Changes the image `id` and returns what it is then.
    ///
    /// # Errors
    ///
    /// See [`Images`].
    pub async fn update(&self, id: &str, patch: &Patch) -> Result<Image, Error> {
        let body = serde_json::to_vec(patch).map_err(|cause| {
            Error::new(ErrorKind::Invalid, format!("the changes are no JSON: {cause}")).with_source(cause)
        })?;
        let request = self.client.request(Method::PATCH, &path(id)?).header(CONTENT_TYPE, PATCH_TYPE).body(body);
        Image::from_json(self.client.send_for_json(request).await?)
    }

    /// Deletes the image `id` with its data.
    ///
    /// # Errors
    ///
    /// See [`Images`].
    pub async fn delete(&self, id: &str) -> Result<(), Error> {
        self.client.send_only(self.client.request(Method::DELETE, &path(id)?)).await
    }

    /// Uploads the data of the image `id`.
    ///
    /// # Errors
    ///
    /// See [`Images`]; [`ErrorKind::Source`] when the data's source fails.
    pub async fn upload(&self, id: &str, data: ImageData, options: UploadOptions) -> Result<(), Error> {
        upload::upload(self.client, id, data, options).await
    }

    /// Begins to download the data of the image `id`; `None` when it has no data. Check it with a [`crate::Verifier`].
    ///
    /// # Errors
    ///
    /// See [`Images`].
    pub async fn download(&self, id: &str, options: DownloadOptions) -> Result<Option<Download>, Error> {
        download::download(self.client, id, options).await
    }

    /// Adds a tag.
    ///
    /// # Errors
    ///
    /// See [`Images`].
    pub async fn add_tag(&self, id: &str, tag: &str) -> Result<(), Error> {
        let path = format!("{}/tags/{}", path(id)?, segment(tag)?);
        self.client.send_only(self.client.request(Method::PUT, &path)).await
    }

    /// Removes a tag.
    ///
    /// # Errors
    ///
    /// See [`Images`].
    pub async fn delete_tag(&self, id: &str, tag: &str) -> Result<(), Error> {
        let path = format!("{}/tags/{}", path(id)?, segment(tag)?);
        self.client.send_only(self.client.request(Method::DELETE, &path)).await
    }

    /// Makes the data of the image `id` unavailable to everybody but administrators.
    ///
    /// # Errors
    ///
    /// See [`Images`].
    pub async fn deactivate(&self, id: &str) -> Result<(), Error> {
        let path = format!("{}/actions/deactivate", path(id)?);
        self.client.send_only(self.client.request(Method::POST, &path)).await
    }

    /// Makes the data of the image `id` available again.
    ///
    /// # Errors
    ///
    /// See [`Images`].
    pub async fn reactivate(&self, id: &str) -> Result<(), Error> {
        let path = format!("{}/actions/reactivate", path(id)?);
        self.client.send_only(self.client.request(Method::POST, &path)).await
    }
}

fn path(id: &str) -> Result<String, Error> {
    Ok(format!("/v2/images/{}", segment(id)?))
}

/// The rest of a list: what is left of the last page, and where the next one is.
struct Pages<'a> {
    client: &'a Client,
    next: Option<String>,
    images: VecDeque<Image>,
    wanted: Option<u64>,
}

impl Pages<'_> {
    async fn next(&mut self) -> Result<Option<Image>, Error> {
        if self.wanted == Some(0) {
            return Ok(None);
        }
        while self.images.is_empty() {
            let Some(path) = self.next.take() else { return Ok(None) };
            let page = self.client.get_json(&path).await?;
            let page = page.as_object().ok_or_else(|| unexpected("an object"))?;
            self.take(page)?;
        }
        self.wanted = self.wanted.map(|wanted| wanted - 1);
        Ok(self.images.pop_front())
    }

    fn take(&mut self, page: &Object) -> Result<(), Error> {
        let images = page.get("images").and_then(Json::as_array).ok_or_else(|| unexpected("a list of images"))?;
        self.images = images.iter().cloned().map(Image::from_json).collect::<Result<_, _>>()?;
        let next = page.get("next").and_then(Json::as_str);
        if let Some(next) = next.filter(|_| !self.images.is_empty()) {
            // Only ever a path: the token goes to no other server.
            let path = next.starts_with('/').then(|| next.to_owned());
            self.next = Some(path.ok_or_else(|| unexpected("a path to the next page"))?);
        }
        Ok(())
    }
}

fn unexpected(expected: &str) -> Error {
    Error::new(ErrorKind::Protocol, format!("the server's answer is not {expected}"))
}
