//! What the service tells about itself.

use serde_json::{Map, Value, json};

use crate::app::App;
use crate::app::context::RequestContext;
use crate::app::error::{Error, Result};
use crate::policies::Target;

/// How much is told about the stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreDetail {
    /// What every user may know.
    Names,
    /// Types, weights and driver facts, for administrators.
    Everything,
}

impl App {
    /// The configured stores.
    ///
    /// # Errors
    /// `NotFound` where stores have no names, `Forbidden` by policy for [`StoreDetail::Everything`].
    pub async fn list_stores(&self, ctx: &RequestContext, detail: StoreDetail) -> Result<Value> {
        if !self.stores.is_multi() {
            return Err(Error::NotFound("Multi backend is not supported at this site.".into()));
        }
        if detail == StoreDetail::Everything {
            self.policy.enforce(ctx, "stores_info_detail", &Target::none()).await?;
        }
        let default = &self.stores.default_store().id;
        let stores: Vec<Value> = self
            .stores
            .listed()
            .map(|entry| {
                let mut store = Map::new();
                store.insert("id".into(), json!(entry.id.as_str()));
                if let Some(description) = &entry.description {
                    store.insert("description".into(), json!(description));
                }
                if entry.id == *default {
                    store.insert("default".into(), json!("true"));
                }
                if !entry.driver.capabilities().write {
                    store.insert("read-only".into(), json!("true"));
                }
                if detail == StoreDetail::Everything {
                    store.insert("type".into(), json!(entry.kind));
                    store.insert("properties".into(), Value::Object(entry.driver.properties()));
                    store.insert("weight".into(), json!(entry.weight));
                }
                Value::Object(store)
            })
            .collect();
        Ok(json!({ "stores": stores }))
    }
}
