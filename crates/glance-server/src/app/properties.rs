//! Custom properties that not everybody may see or change (`property_protection_file`).

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use glance_domain::Image;
use glance_domain::attribute::Attribute;
use glance_domain::patch::{Change, Dialect, Operation as Verb};
use glance_domain::query::{Filter, ImageQuery, TextField};

use crate::app::App;
use crate::app::context::RequestContext;
use crate::app::error::{Error, Result};
use crate::policies::protections::Operation;

impl App {
    /// Takes the properties away that the caller may not read. What is saved afterwards leaves them as they are,
    /// because only differences are written.
    pub(crate) async fn hide_properties(&self, ctx: &RequestContext, images: &mut [Image]) -> Result<()> {
        if !self.policy.protects_properties() {
            return Ok(());
        }
        let mut readable: HashMap<String, bool> = HashMap::new();
        for name in images.iter().flat_map(|image| image.properties.keys()) {
            if !readable.contains_key(name) {
                let allowed = self.policy.allows_property(ctx, name, Operation::Read).await?;
                readable.insert(name.clone(), allowed);
            }
        }
        for image in images {
            image.properties.retain(|name, _| readable.get(name).copied().unwrap_or_default());
        }
        Ok(())
    }

    /// As [`App::hide_properties`] of an image that is to be changed; gives the names of what was taken away.
    pub(crate) async fn take_unreadable(&self, ctx: &RequestContext, image: &mut Image) -> Result<HashSet<String>> {
        let mut names: HashSet<String> = image.properties.keys().cloned().collect();
        self.hide_properties(ctx, std::slice::from_mut(image)).await?;
        names.retain(|name| !image.properties.contains_key(name));
        Ok(names)
    }

    /// The query as the caller may ask it: no image has a property that the caller may not read, whatever its value.
    pub(crate) async fn readable_filters<'a>(
        &self,
        ctx: &RequestContext,
        query: &'a ImageQuery,
    ) -> Result<Cow<'a, ImageQuery>> {
        let mut query = Cow::Borrowed(query);
        if !self.policy.protects_properties() {
            return Ok(query);
        }
        for index in 0..query.filters.len() {
            let Filter::Property(name, _) = &query.filters[index] else { continue };
            if !self.policy.allows_property(ctx, name, Operation::Read).await? {
                query.to_mut().filters[index] = Filter::Text(TextField::Id, Vec::new());
            }
        }
        Ok(query)
    }

    /// Refuses properties of a new image that the caller may not create.
    pub(crate) async fn check_new_properties(
        &self,
        ctx: &RequestContext,
        names: impl Iterator<Item = &String>,
    ) -> Result<()> {
        for name in names {
            self.check_property(ctx, name, Operation::Create).await?;
        }
        Ok(())
    }

    /// Refuses a change of a property of `image` that the caller may not make. What makes no sense is refused when the
    /// change is applied. A property in `hidden` is there, but the caller may not read it: whoever adds it must be
    /// allowed what the caller sees, to create it, and what is done, to update it.
    pub(crate) async fn check_property_change(
        &self,
        ctx: &RequestContext,
        (image, hidden): (&Image, &HashSet<String>),
        change: &Change,
    ) -> Result<()> {
        let name = &change.name;
        if Attribute::parse(name).is_some() {
            return Ok(());
        }
        let operations: &[Operation] = match (&change.operation, image.properties.contains_key(name)) {
            (Verb::Add(_), true) if change.dialect == Dialect::V20 => &[],
            (Verb::Add(_) | Verb::Replace(_), true) => &[Operation::Update],
            (Verb::Add(_), false) if hidden.contains(name) => &[Operation::Create, Operation::Update],
            (Verb::Add(_), false) => &[Operation::Create],
            (Verb::Remove, true) => &[Operation::Delete],
            (Verb::Replace(_) | Verb::Remove, false) => &[],
        };
        for operation in operations {
            self.check_property(ctx, name, *operation).await?;
        }
        Ok(())
    }

    async fn check_property(&self, ctx: &RequestContext, name: &str, operation: Operation) -> Result<()> {
        if self.policy.allows_property(ctx, name, operation).await? {
            return Ok(());
        }
        Err(Error::Forbidden(format!("Attribute '{name}' is reserved.").into()))
    }
}
