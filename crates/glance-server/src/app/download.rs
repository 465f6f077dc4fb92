//! Delivering the data of an image, whole or in part.

use bytes::Bytes;
use futures_util::StreamExt as _;
use glance_domain::{Image, ImageId, Location, LocationStatus, Status, StoreId};
use glance_store::{ByteRange, Kind as StoreKind, Object, StoreContext};
use tracing::{Instrument as _, Span};

use crate::app::App;
use crate::app::context::RequestContext;
use crate::app::error::{Error, Result};
use crate::metrics::Direction;
use crate::policies::Target;
use crate::traces;

/// The data of an image, opened.
pub struct ImageData {
    /// Bytes and their number.
    pub object: Object,
    /// The part of the data that `object` is, `None` for all of it.
    pub range: Option<ByteRange>,
}

impl App {
    /// An image whose data the caller may have. `prefer` names stores to read from first.
    ///
    /// # Errors
    /// `NotFound`; `Forbidden` for a deactivated image or by policy; `Invalid` for an unknown store in `prefer`.
    pub async fn image_for_download(&self, ctx: &RequestContext, id: &ImageId, prefer: &[StoreId]) -> Result<Image> {
        let mut image = self.load_image(ctx, id).await?;
        if image.status == Status::Deactivated && !ctx.is_admin {
            let text = "The requested image has been deactivated. Image data download is forbidden.";
            return Err(Error::Forbidden(text.into()));
        }
        self.enforce_on_image(ctx, "download_image", &image).await?;
        if !prefer.is_empty() {
            self.policy.enforce(ctx, "download_from_store", &Target::image(&image)).await?;
            self.check_preferred(prefer)?;
        }
        image.locations.retain(|location| location.status == LocationStatus::Active);
        image.locations.sort_by_key(|location| !location.store().is_some_and(|store| prefer.contains(&store)));
        Ok(image)
    }

    fn check_preferred(&self, prefer: &[StoreId]) -> Result<()> {
        if !self.stores.is_multi() {
            let text = "Store selection for download is not available when multiple backends are not enabled.";
            return Err(Error::Invalid(text.into()));
        }
        match prefer.iter().find(|id| self.stores.get(id).is_err()) {
            Some(unknown) => Err(Error::Invalid(format!("Store '{unknown}' is not configured.").into())),
            None => Ok(()),
        }
    }

    /// Opens the data of an image, at the first of its locations that answers. `None` when it has no data.
    ///
    /// # Errors
    /// `Invalid` for a range that no store can give; `Unavailable` when no location answers.
    pub async fn open_image_data(
        &self,
        ctx: &RequestContext,
        image: &Image,
        range: Option<ByteRange>,
    ) -> Result<Option<ImageData>> {
        if image.locations.is_empty() || image.size.is_none() {
            return Ok(None);
        }
        let context = ctx.store_context();
        let mut last = None;
        for location in &image.locations {
            match self.open_at(&context, location, range).await {
                Ok(object) => return Ok(Some(ImageData { object, range })),
                Err(error) => {
                    tracing::warn!(image = %image.id, %error, "a location of the image does not answer");
                    last = Some(error);
                }
            }
        }
        if let (Some(range), Some(StoreKind::NoRandomAccess)) = (range, last.map(|error| error.kind())) {
            let text = "Getting images randomly from this store is not supported.";
            let text = format!("{text} Offset: {}, length: {}", range.offset, range.length);
            return Err(Error::Invalid(text.into()));
        }
        tracing::error!(image = %image.id, "no location of the image answers");
        Err(Error::Unavailable("None of the image's stores can deliver its data now.".into()))
    }

    async fn open_at(
        &self,
        context: &StoreContext,
        location: &Location,
        range: Option<ByteRange>,
    ) -> glance_store::Result<Object> {
        let entry = self.stores.for_location(location)?;
        if range.is_some() && !entry.driver.capabilities().read_random {
            return Err(glance_store::Error::new(StoreKind::NoRandomAccess, "the store gives images only as a whole"));
        }
        // It lasts as long as data is read.
        let span = traces::store("read", entry.id.as_str());
        let object = entry.driver.open(context, &location.url, range).instrument(span.clone()).await?;
        Ok(self.counted(entry.id.as_str(), object, span))
    }

    /// The object, whose bytes are counted as they go.
    fn counted(&self, store: &str, object: Object, span: Span) -> Object {
        let transfer = self.metrics.transfer(Direction::Download, store);
        let count = move |chunk: &glance_store::Result<Bytes>| {
            transfer.add(chunk.as_ref().map_or(0, Bytes::len));
            if chunk.is_err() {
                span.record("otel.failed", true);
            }
        };
        Object { chunks: object.chunks.inspect(count).boxed(), ..object }
    }
}
