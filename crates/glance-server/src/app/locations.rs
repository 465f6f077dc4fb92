//! Where the data of an image is, and clients that change it (`show_multiple_locations`).

use glance_domain::location::{self, ExpectedDigest, NewLocation};
use glance_domain::patch::{Change, Operation};
use glance_domain::{Image, ImageId, Location, Status, Visibility};
use glance_store::Kind as StoreKind;
use serde_json::Value;

use crate::app::App;
use crate::app::context::RequestContext;
use crate::app::error::{Error, Result, Text};

/// Schemes that clients may not use: they would reach into the service's own machine and configuration.
const RESTRICTED: [&str; 3] = ["file", "filesystem", "swift+config"];

impl App {
    /// All locations of an image, for other services.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden` by policy.
    pub async fn get_locations(&self, ctx: &RequestContext, id: &ImageId) -> Result<Vec<Location>> {
        let image = self.load_image(ctx, id).await?;
        self.enforce_on_image(ctx, "fetch_image_location", &image).await?;
        let hidden = image.status == Status::Deactivated && !ctx.is_admin;
        Ok(if hidden { Vec::new() } else { image.locations })
    }

    /// Puts an image's locations in the order in which they are read and shown, and names their stores. An owner is no
    /// member, even if it has shared the image with itself.
    pub(crate) fn arrange(&self, image: &mut Image) {
        if image.visibility != Visibility::Shared || image.member == image.owner {
            image.member = None;
        }
        for location in &mut image.locations {
            self.name_store(location, Naming::Missing);
        }
        if image.locations.len() > 1 {
            image.locations = self.stores.by_weight(&image.locations).into_iter().cloned().collect();
        }
    }

    /// Applies one change of `locations` to `after`.
    pub(crate) async fn change_locations(
        &self,
        ctx: &RequestContext,
        before: &Image,
        after: &mut Image,
        change: &Change,
    ) -> Result<()> {
        let verb = match &change.operation {
            Operation::Replace(value) if value.as_array().is_none_or(Vec::is_empty) => {
                return Err(Error::Forbidden(Text::Detail("Cannot set locations to empty list.".into())));
            }
            Operation::Add(_) => "add",
            Operation::Replace(_) => "replace",
            Operation::Remove => "remove",
        };
        let rule = if verb == "remove" { "delete_image_location" } else { "set_image_location" };
        self.enforce_on_own_image(ctx, rule, before).await?;
        if !ctx.config.api.show_multiple_locations {
            let verb = if verb == "replace" { "update" } else { verb };
            let text = format!("It's not allowed to {verb} locations if locations are invisible.");
            return Err(Error::Forbidden(text.into()));
        }
        let possible = after.status == Status::Active || (verb != "remove" && after.status == Status::Queued);
        if !possible {
            let text = format!("It's not allowed to {verb} locations if image status is {}.", after.status);
            return Err(Error::Conflict(text.into()));
        }
        let at = change.index.as_deref().unwrap_or_default();
        match &change.operation {
            Operation::Add(value) => self.add_location(ctx, after, at, value).await,
            Operation::Replace(value) => self.replace_locations(ctx, after, value).await,
            Operation::Remove => remove_location(after, at),
        }
    }

    async fn add_location(&self, ctx: &RequestContext, image: &mut Image, at: &str, value: &Value) -> Result<()> {
        let new = NewLocation::parse(value)?;
        let mut changed = image.clone();
        take_digests(ctx, &mut changed, std::slice::from_ref(&new))?;
        let mut new = new.into_location();
        self.name_store(&mut new, Naming::Always);
        let position = location::position_to_add(at, changed.locations.len());
        let position = position.ok_or_else(|| Error::Invalid("Invalid position for adding a location.".into()))?;
        ctx.config.limits.check_locations(changed.locations.len() + 1)?;
        let size = self.check_location(ctx, &new).await?;
        if changed.locations.iter().any(|known| same(known, &new)) {
            return Err(Error::Invalid(format!("The location {} already exists", new.url).into()));
        }
        changed.locations.insert(position, new);
        self.accept(ctx, changed, size, 1).await.map(|changed| *image = changed)
    }

    async fn replace_locations(&self, ctx: &RequestContext, image: &mut Image, value: &Value) -> Result<()> {
        let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
        let new = items.iter().map(NewLocation::parse).collect::<Result<Vec<_>, _>>()?;
        let mut changed = image.clone();
        take_digests(ctx, &mut changed, &new)?;
        let mut new: Vec<Location> = new.into_iter().map(NewLocation::into_location).collect();
        new.iter_mut().for_each(|location| self.name_store(location, Naming::Always));
        ctx.config.limits.check_locations(new.len())?;
        let mut size = None;
        if sorted_urls(&image.locations) != sorted_urls(&new) {
            if !image.locations.is_empty() {
                return Err(Error::Invalid("Original locations is not empty".into()));
            }
            for (position, location) in new.iter().enumerate() {
                let found = self.check_location(ctx, location).await?;
                size = size.or(Some(found));
                if new[..position].iter().any(|known| same(known, location)) {
                    return Err(Error::Invalid(format!("The location {} already exists", location.url).into()));
                }
            }
        }
        let (count, known) = (new.len() as u64, size.or(image.size).unwrap_or_default());
        changed.locations = new;
        self.accept(ctx, changed, known, count).await.map(|changed| *image = changed)
    }

    /// Completes an image that has got `count` locations whose data has `size` bytes.
    async fn accept(&self, ctx: &RequestContext, mut image: Image, size: u64, count: u64) -> Result<Image> {
        if image.size.is_none_or(|known| known == 0) {
            image.size = Some(size).filter(|size| *size > 0);
        }
        let needed = image.size.unwrap_or_default().saturating_mul(count);
        self.check_storage(ctx, needed).await?;
        if image.status == Status::Queued {
            image.set_status(Status::Active)?;
        }
        Ok(image)
    }

    /// Whether there is data at a location, and how much. The store judges where a URL leads.
    async fn check_location(&self, ctx: &RequestContext, location: &Location) -> Result<u64> {
        let scheme = location.url.split_once(':').map_or("", |(scheme, _)| scheme);
        if RESTRICTED.contains(&scheme) {
            return Err(invalid_location());
        }
        let entry = self.stores.for_location(location).map_err(|_| invalid_location())?;
        match entry.driver.size(&ctx.store_context(), &location.url).await {
            Ok(0) => Err(invalid_location()),
            Ok(size) => Ok(size),
            Err(error) if matches!(error.kind(), StoreKind::Unavailable | StoreKind::Timeout) => {
                tracing::warn!(store = %entry.id, %error, "cannot ask for the size of a location");
                Err(Error::Unavailable("The location's store does not answer. Please try again later.".into()))
            }
            Err(_) => Err(invalid_location()),
        }
    }

    fn name_store(&self, location: &mut Location, naming: Naming) {
        if !self.stores.is_multi() {
            return;
        }
        if naming == Naming::Missing && location.store().is_some_and(|store| self.stores.get(&store).is_ok()) {
            return;
        }
        let unnamed = Location { metadata: serde_json::Map::new(), ..location.clone() };
        if let Ok(entry) = self.stores.for_location(&unnamed) {
            location.metadata.insert("store".into(), Value::String(entry.id.as_str().to_owned()));
        }
    }
}

/// When a location's store is named after its URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Naming {
    /// Where it names none that there is.
    Missing,
    /// Whatever it names.
    Always,
}

fn remove_location(image: &mut Image, at: &str) -> Result<()> {
    if image.locations.len() == 1 {
        return Err(Error::Forbidden(Text::Detail("Cannot remove last location in the image.".into())));
    }
    let position = location::position_to_remove(at, image.locations.len());
    let position = position.ok_or_else(|| Error::Invalid("Invalid position for removing a location.".into()))?;
    image.locations.remove(position);
    Ok(())
}

fn take_digests(ctx: &RequestContext, image: &mut Image, locations: &[NewLocation]) -> Result<()> {
    let algorithm = &ctx.config.hashing_algorithm;
    let expected = ExpectedDigest { algorithm: algorithm.name(), bytes: algorithm.digest_bytes() };
    Ok(location::take_digests(image, locations, expected)?)
}

fn same(one: &Location, other: &Location) -> bool {
    one.url == other.url && one.metadata == other.metadata
}

fn sorted_urls(locations: &[Location]) -> Vec<&str> {
    let mut urls: Vec<&str> = locations.iter().map(|location| location.url.as_str()).collect();
    urls.sort_unstable();
    urls
}

fn invalid_location() -> Error {
    Error::Invalid("Invalid location".into())
}
