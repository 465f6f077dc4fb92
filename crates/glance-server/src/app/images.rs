//! Registering, reading, changing and deleting images.

use std::collections::HashSet;
use std::sync::Arc;

use glance_db::{Kind, LocationChange};
use glance_domain::attribute::{self, Attribute};
use glance_domain::patch::{self, Change};
use glance_domain::query::ImageQuery;
use glance_domain::{Image, ImageId, Location, Visibility};
use serde_json::{Map, Value};

use crate::app::App;
use crate::app::context::RequestContext;
use crate::app::error::{Error, Result, Text};
use crate::app::quota::Resource;
use crate::app::storage;
use crate::policies::Target;

/// What a client sends to register an image: the document, already checked against the schema.
pub type NewImage = Map<String, Value>;

/// A page of images and whether there is another.
pub struct ImagePage {
    /// The images that the caller may see.
    pub images: Vec<Image>,
    /// The marker of the next page, if the catalogue filled this one.
    pub next: Option<ImageId>,
}

impl App {
    /// Registers an image without data.
    ///
    /// # Errors
    /// `Forbidden` by policy or for attributes that clients may not set, `Invalid` values, `Conflict` when the id was
    /// used before, `LimitExceeded`.
    pub async fn create_image(&self, ctx: &RequestContext, new: &NewImage) -> Result<Image> {
        let custom = || new.keys().filter(|name| !is_base(name));
        attribute::check_custom_names(custom()).map_err(|error| match error {
            glance_domain::Error::Reserved(_) => Error::Forbidden(Text::Detail(error.to_string())),
            other => other.into(),
        })?;
        ctx.check_writable()?;
        let mut image = self.outline(ctx, new)?;
        self.enforce_new_image(ctx, &image).await?;
        self.enforce_limit(ctx.project.as_ref(), Resource::CountTotal, 1).await?;
        self.check_visibility_change(ctx, &Target::image(&image), image.visibility).await?;
        self.check_new_properties(ctx, new.keys().filter(|name| !is_base(name) || is_ignored(name))).await?;
        check_tags(ctx, new.get("tags"))?;
        let refused = |name: &&String| is_base(name) && Attribute::parse(name).is_none() && !is_ignored(name);
        if let Some(name) = new.keys().find(|name| *name != "id" && refused(name)) {
            return Err(glance_domain::Error::ReadOnly(name.clone()).into());
        }
        for name in ["min_disk", "min_ram"] {
            attribute::check_minimum(name, new.get(name).unwrap_or(&Value::Null))?;
        }
        ctx.config.limits.check_properties(custom())?;
        fill(&mut image, new)?;
        self.db.create_image(&image).await.map_err(|error| match error.kind() {
            Kind::Duplicate => Error::Conflict(format!("Image ID {} already exists!", image.id).into()),
            _ => error.into(),
        })?;
        self.hide_properties(ctx, std::slice::from_mut(&mut image)).await?;
        Ok(image)
    }

    /// Asks whether the caller may register the image, for whatever project it is.
    async fn enforce_new_image(&self, ctx: &RequestContext, image: &Image) -> Result<()> {
        let foreign = image.owner != ctx.project;
        let allowed = self.policy.check(ctx, "add_image", &Target::image(image)).await?;
        let legacy_refusal = foreign && !ctx.is_admin && !self.policy.enforces_new_defaults();
        if allowed && !legacy_refusal {
            return Ok(());
        }
        if !foreign {
            return Err(crate::policies::refusal("add_image"));
        }
        let owner = image.owner.as_ref().map_or("None", glance_domain::ProjectId::as_str);
        let text = format!("You are not permitted to create images owned by '{owner}'");
        Err(Error::Forbidden(Text::Detail(text)))
    }

    /// A new image with the attributes that decide who may register it.
    fn outline(&self, ctx: &RequestContext, new: &NewImage) -> Result<Image> {
        let id = match new.get("id").and_then(Value::as_str) {
            Some(id) => ImageId::parse(id)?,
            None => ImageId::random(),
        };
        let mut image = Image::new(id, ctx.project.clone(), self.clock.now());
        for (name, base) in [("owner", Attribute::Owner), ("visibility", Attribute::Visibility)] {
            if let Some(value) = new.get(name) {
                attribute::set(&mut image, base, value)?;
            }
        }
        Ok(image)
    }

    /// One image.
    ///
    /// # Errors
    /// `NotFound` when there is none or the caller may not know of it.
    pub async fn get_image(&self, ctx: &RequestContext, id: &ImageId) -> Result<Image> {
        let image = self.load_image(ctx, id).await?;
        let allowed = self.policy.check(ctx, "get_image", &Target::image(&image)).await?;
        if allowed { Ok(image) } else { Err(Error::no_image(id)) }
    }

    /// One image before policy is asked: only what the catalogue and the protections of properties let the caller see.
    pub(crate) async fn load_image(&self, ctx: &RequestContext, id: &ImageId) -> Result<Image> {
        let mut image = self.find_image(ctx, id).await?;
        self.hide_properties(ctx, std::slice::from_mut(&mut image)).await?;
        Ok(image)
    }

    /// One image with the properties that the caller may not read.
    async fn find_image(&self, ctx: &RequestContext, id: &ImageId) -> Result<Image> {
        let found = self.db.get_image(id, &ctx.viewer()).await;
        let mut image = found.map_err(|error| match error.kind() {
            Kind::NotFound => Error::no_image(id),
            _ => error.into(),
        })?;
        self.arrange(&mut image);
        Ok(image)
    }

    /// Whether `rule` allows it.
    pub(crate) async fn may_on_image(&self, ctx: &RequestContext, rule: &str, image: &Image) -> Result<bool> {
        self.policy.check(ctx, rule, &Target::image(image)).await
    }

    /// Asks `rule` about an image; a caller that may not even see the image is told that there is none.
    pub(crate) async fn enforce_on_image(&self, ctx: &RequestContext, rule: &str, image: &Image) -> Result<()> {
        let target = Target::image(image);
        if self.policy.check(ctx, rule, &target).await? {
            return Ok(());
        }
        if self.policy.check(ctx, "get_image", &target).await? {
            Err(crate::policies::refusal(rule))
        } else {
            Err(Error::no_image(&image.id))
        }
    }

    /// As [`App::enforce_on_image`]; moreover the image must be the caller's.
    pub(crate) async fn enforce_on_own_image(&self, ctx: &RequestContext, rule: &str, image: &Image) -> Result<()> {
        self.enforce_on_image(ctx, rule, image).await?;
        self.require_ownership(ctx, image)
    }

    /// Refuses what no rule can allow: to change an image of another project.
    pub(crate) fn require_ownership(&self, ctx: &RequestContext, image: &Image) -> Result<()> {
        let owns = image.owner.is_some() && ctx.project == image.owner;
        if ctx.is_admin || owns { Ok(()) } else { Err(Error::Forbidden("You do not own this image".into())) }
    }

    /// Refuses those who may not list images at all.
    ///
    /// # Errors
    /// `Forbidden` by policy.
    pub async fn require_listing(&self, ctx: &RequestContext) -> Result<()> {
        self.policy.enforce(ctx, "get_images", &Target::project(ctx.project.as_ref())).await
    }

    /// A page of the images that the caller may see.
    ///
    /// # Errors
    /// `Invalid` for an unknown marker, `Forbidden` for one that the caller may not see, or by policy.
    pub async fn list_images(&self, ctx: &RequestContext, query: &ImageQuery) -> Result<ImagePage> {
        self.require_listing(ctx).await?;
        let query = &*self.readable_filters(ctx, query).await?;
        let mut found = self.db.list_images(query).await.map_err(|error| match (error.kind(), &query.marker) {
            (Kind::MarkerUnknown, Some(marker)) => Error::Invalid(format!("No image found with ID {marker}").into()),
            (Kind::MarkerInvisible, Some(marker)) => {
                Error::Forbidden(format!("Forbidding request, image {marker} not visible").into())
            }
            _ => error.into(),
        })?;
        self.hide_properties(ctx, &mut found).await?;
        let full = found.len() as u64 == query.limit;
        let mut images = Vec::with_capacity(found.len());
        for mut image in found {
            self.arrange(&mut image);
            if self.policy.check(ctx, "get_image", &Target::image(&image)).await? {
                images.push(image);
            }
        }
        let next = images.last().filter(|_| full).map(|image| image.id.clone());
        Ok(ImagePage { images, next })
    }

    /// Applies a patch; all of its changes or none.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Invalid`, `Conflict` and `LimitExceeded`, as the change deserves.
    pub async fn update_image(
        self: &Arc<Self>,
        ctx: &RequestContext,
        id: &ImageId,
        changes: &[Change],
    ) -> Result<Image> {
        ctx.check_writable()?;
        if changes.is_empty() {
            return self.get_image(ctx, id).await;
        }
        let mut before = self.find_image(ctx, id).await?;
        let hidden = self.take_unreadable(ctx, &mut before).await?;
        let mut after = before.clone();
        for change in changes {
            self.apply_change(ctx, (&before, &hidden), &mut after, change).await?;
        }
        if after.properties.keys().any(|name| !before.properties.contains_key(name)) {
            ctx.config.limits.check_properties(after.properties.keys())?;
        }
        let mut relocation = self.plan_relocation(&before, &after);
        storage::count_added(ctx, &before, &after, &mut relocation.change);
        let mut saved = self.save_locations(&before, &after, &relocation.change).await?;
        if before.locations != after.locations {
            self.remove_dropped(ctx, id, relocation);
            // New rows come last when the image is read again; this answer shows them where they were put.
            let place = |location: &Location| {
                after.locations.iter().position(|new| new.url == location.url && new.metadata == location.metadata)
            };
            saved.locations.sort_by_key(place);
        }
        if before.locations != after.locations || before.visibility != after.visibility {
            self.share_data(ctx, &saved).await;
        }
        self.hide_properties(ctx, std::slice::from_mut(&mut saved)).await?;
        Ok(saved)
    }

    async fn apply_change(
        &self,
        ctx: &RequestContext,
        (before, hidden): (&Image, &HashSet<String>),
        after: &mut Image,
        change: &Change,
    ) -> Result<()> {
        if change.name == "locations" {
            return self.change_locations(ctx, before, after, change).await;
        }
        if change.name == "owner" && !ctx.is_admin && change.operation.value().is_some() {
            return Err(Error::Forbidden(Text::Detail("Owner can't be updated by non admin.".into())));
        }
        if let (true, Some(to)) = ("visibility" == change.name, new_visibility(change)) {
            self.check_visibility_change(ctx, &Target::image(before), to).await?;
        }
        self.enforce_on_own_image(ctx, "modify_image", before).await?;
        self.check_property_change(ctx, (after, hidden), change).await?;
        // In the old dialect nothing is added that is there.
        let conflict = change.dialect == patch::Dialect::V20 && matches!(change.operation, patch::Operation::Add(_));
        if change.name == "tags" && !conflict {
            check_tags(ctx, change.operation.value())?;
        }
        patch::apply(after, change).map_err(|error| match error {
            glance_domain::Error::Conflict(text) => Error::Conflict(Text::Detail(text)),
            glance_domain::Error::Forbidden(text) if text.starts_with("Property") => {
                Error::Forbidden(Text::Detail(text))
            }
            other => other.into(),
        })?;
        Ok(())
    }

    async fn check_visibility_change(&self, ctx: &RequestContext, target: &Target<'_>, to: Visibility) -> Result<()> {
        match to {
            Visibility::Public => self.policy.enforce(ctx, "publicize_image", target).await,
            Visibility::Community => self.policy.enforce(ctx, "communitize_image", target).await,
            Visibility::Private | Visibility::Shared => Ok(()),
        }
    }

    /// Writes what differs between two states of an image, if its status is still the old one.
    pub(crate) async fn save_image(&self, before: &Image, after: &Image) -> Result<Image> {
        self.save_locations(before, after, &LocationChange::default()).await
    }

    pub(crate) async fn save_locations(&self, before: &Image, after: &Image, change: &LocationChange) -> Result<Image> {
        let saved = self.db.save_locations(before, after, change, self.clock.now()).await;
        saved.map_err(|error| match error.kind() {
            Kind::NotFound => Error::no_image(&before.id),
            _ => storage::explain(change, error),
        })
    }
}

/// The visibility that a change asks for.
fn new_visibility(change: &Change) -> Option<Visibility> {
    match &change.operation {
        patch::Operation::Add(value) | patch::Operation::Replace(value) => value.as_str()?.parse().ok(),
        patch::Operation::Remove => None,
    }
}

/// Refuses a list with too many tags, those that occur twice included.
fn check_tags(ctx: &RequestContext, tags: Option<&Value>) -> Result<()> {
    ctx.config.limits.check_tags(tags.and_then(Value::as_array).map_or(0, Vec::len))
}

/// Whether a name is that of an attribute rather than of a custom property.
fn is_base(name: &str) -> bool {
    Attribute::parse(name).is_some() || attribute::READ_ONLY.contains(&name)
}

/// Whether Glance takes a read-only attribute in a new image and shows its own value instead.
fn is_ignored(name: &str) -> bool {
    matches!(name, "os_hash_algo" | "os_hash_value")
}

/// Sets all attributes and properties of a new image; numbers last, as their ranges are the last thing checked.
fn fill(image: &mut Image, new: &NewImage) -> Result<()> {
    let is_number = |name: &str| matches!(name, "min_disk" | "min_ram");
    let (numbers, others): (Vec<_>, Vec<_>) = new.iter().partition(|(name, _)| is_number(name));
    for (name, value) in others.into_iter().chain(numbers) {
        match Attribute::parse(name) {
            Some(base) => attribute::set(image, base, value)?,
            None if name == "id" => {}
            None if is_ignored(name) => attribute::check_property(name, value.as_str().unwrap_or_default())?,
            None if name == "locations" => return Err(glance_domain::Error::Reserved(name.clone()).into()),
            None => attribute::set_property(image, name, value)?,
        }
    }
    Ok(())
}
