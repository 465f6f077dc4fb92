//! Delivering the data of an image, whole or in part.
//!
//! What a store gives may have changed under the service. A location whose object has not the length that the catalogue
//! says is a failed one, like one that does not answer: it is counted, and the next one is tried.

mod delivery;

use glance_domain::{Image, ImageId, Location, LocationStatus, Status, StoreId};
use glance_store::{ByteRange, Kind as StoreKind, Object, StoreContext, StoreEntry};
use tracing::Instrument as _;

use delivery::{Delivery, Excess};

use crate::app::App;
use crate::app::context::RequestContext;
use crate::app::error::{Error, Result};
use crate::metrics::{Direction, LocationFailure};
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

    /// Opens the data of an image, at the first of its locations that has it. `None` when it has no data.
    ///
    /// # Errors
    /// `Invalid` for a range that no store can give; `Unavailable` when no location has the data.
    pub async fn open_image_data(
        &self,
        ctx: &RequestContext,
        image: &Image,
        range: Option<ByteRange>,
    ) -> Result<Option<ImageData>> {
        if image.locations.is_empty() {
            return Ok(None);
        }
        let context = ctx.store_context();
        let wanted = Wanted { size: image.size, range };
        let mut last = None;
        for location in &image.locations {
            match self.open_at(&context, location, wanted).await {
                Ok(object) => return Ok(Some(ImageData { object, range })),
                Err(failed) => {
                    self.note_failure(&image.id, location, &failed);
                    last = Some(failed.error);
                }
            }
        }
        if let (Some(range), Some(StoreKind::NoRandomAccess)) = (range, last.map(|error| error.kind())) {
            let text = "Getting images randomly from this store is not supported.";
            let text = format!("{text} Offset: {}, length: {}", range.offset, range.length);
            return Err(Error::Invalid(text.into()));
        }
        tracing::error!(image = %image.id, "no location of the image can deliver its data");
        Err(Error::Unavailable("None of the image's stores can deliver its data now.".into()))
    }

    async fn open_at(&self, context: &StoreContext, location: &Location, wanted: Wanted) -> Result<Object, Failed> {
        let entry = self.stores.for_location(location)?;
        if wanted.range.is_some() && !entry.driver.capabilities().read_random {
            let text = "the store gives images only as a whole";
            return Err(glance_store::Error::new(StoreKind::NoRandomAccess, text).into());
        }
        // It lasts as long as data is read.
        let span = traces::store("read", entry.id.as_str());
        let open = wanted.open(context, entry, &location.url);
        let object = open.instrument(span.clone()).await?;
        let counted = (self.metrics.transfer(Direction::Download, entry.id.as_str()), span);
        let length = wanted.length();
        let chunks = Box::pin(Delivery::new(object.chunks, length, excess(entry), counted));
        Ok(Object { length: length.or(object.length), chunks })
    }

    /// Counts and logs a location that cannot be read. Its URL is a secret.
    fn note_failure(&self, image: &ImageId, location: &Location, failed: &Failed) {
        let Failed { why: Some(why), error } = failed else { return };
        let store = self.stores.for_location(location).map_or("none", |entry| entry.id.as_str());
        self.metrics.location_failed(store, *why);
        tracing::warn!(%image, store, reason = why.name(), %error, "a location of the image cannot be read");
    }
}

/// What is asked of an image whose catalogue says this size.
#[derive(Clone, Copy)]
struct Wanted {
    size: Option<u64>,
    range: Option<ByteRange>,
}

impl Wanted {
    /// Bytes that have to come.
    fn length(self) -> Option<u64> {
        self.range.map(|range| range.length).or(self.size)
    }

    /// Opens the object, if it has the length that the catalogue says.
    async fn open(self, context: &StoreContext, entry: &StoreEntry, url: &str) -> Result<Object, Failed> {
        if self.range.is_some() {
            self.judge(entry, Some(entry.driver.size(context, url).await?))?;
            return Ok(entry.driver.open(context, url, self.range).await?);
        }
        let object = entry.driver.open(context, url, None).await?;
        self.judge(entry, object.length)?;
        Ok(object)
    }

    /// A length or size that is not known is not judged here.
    fn judge(self, entry: &StoreEntry, found: Option<u64>) -> Result<(), Failed> {
        let (Some(size), Some(found)) = (self.size, found) else { return Ok(()) };
        let why = match found.cmp(&size) {
            std::cmp::Ordering::Less => LocationFailure::Shorter,
            std::cmp::Ordering::Greater if excess(entry) == Excess::Fails => LocationFailure::Longer,
            std::cmp::Ordering::Equal | std::cmp::Ordering::Greater => return Ok(()),
        };
        let text = format!("the object has {found} bytes, the catalogue says {size}");
        Err(Failed { why: Some(why), error: glance_store::Error::new(StoreKind::Unavailable, text) })
    }
}

fn excess(entry: &StoreEntry) -> Excess {
    if entry.keeps_exact_lengths() { Excess::Fails } else { Excess::IsCut }
}

/// Why a location cannot be read.
struct Failed {
    /// `None` where nothing is wrong with it.
    why: Option<LocationFailure>,
    error: glance_store::Error,
}

impl From<glance_store::Error> for Failed {
    fn from(error: glance_store::Error) -> Self {
        let why = match error.kind() {
            StoreKind::NoRandomAccess => None,
            StoreKind::NotFound => Some(LocationFailure::Missing),
            StoreKind::BadLocation | StoreKind::UnknownStore | StoreKind::UnknownScheme => {
                Some(LocationFailure::Refused)
            }
            StoreKind::Timeout => Some(LocationFailure::TimedOut),
            StoreKind::Duplicate
            | StoreKind::Full
            | StoreKind::Denied
            | StoreKind::ReadOnly
            | StoreKind::InUse
            | StoreKind::HasSnapshots
            | StoreKind::Unsupported
            | StoreKind::Config
            | StoreKind::Unavailable => Some(LocationFailure::Unavailable),
        };
        Self { why, error }
    }
}
