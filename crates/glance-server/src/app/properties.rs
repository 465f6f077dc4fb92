//! Custom properties that not everybody may see or change (`property_protection_file`).

use std::collections::HashMap;

use glance_domain::Image;
use glance_domain::attribute::Attribute;
use glance_domain::patch::{Change, Dialect, Operation as Verb};

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
    /// change is applied.
    pub(crate) async fn check_property_change(
        &self,
        ctx: &RequestContext,
        image: &Image,
        change: &Change,
    ) -> Result<()> {
        if Attribute::parse(&change.name).is_some() {
            return Ok(());
        }
        let operation = match (&change.operation, image.properties.contains_key(&change.name)) {
            (Verb::Add(_), true) if change.dialect == Dialect::V20 => return Ok(()),
            (Verb::Add(_) | Verb::Replace(_), true) => Operation::Update,
            (Verb::Add(_), false) => Operation::Create,
            (Verb::Remove, true) => Operation::Delete,
            (Verb::Replace(_) | Verb::Remove, false) => return Ok(()),
        };
        self.check_property(ctx, &change.name, operation).await
    }

    async fn check_property(&self, ctx: &RequestContext, name: &str, operation: Operation) -> Result<()> {
        if self.policy.allows_property(ctx, name, operation).await? {
            return Ok(());
        }
        Err(Error::Forbidden(format!("Attribute '{name}' is reserved.").into()))
    }
}
