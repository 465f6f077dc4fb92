//! A store in memory whose every call may fail before, after, or take place later.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream;
use glance_store::{
    ByteRange, Capabilities, Error, Hold, Journal, Kind, NewObject, Object, Phase, Result, Store, StoreContext,
    StoreWriter, Stored,
};
use serde_json::{Map, Value};

use crate::world::{LateOperation, Operation, StoreFate, World};

const SCHEME: &str = "memory";

/// The store as one process has it.
#[derive(Clone)]
pub(crate) struct FaultStore {
    pub(crate) world: World,
    pub(crate) node: usize,
}

/// The name of the object at a location.
pub(crate) fn name_of(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or(url)
}

impl FaultStore {
    async fn call(&self, operation: Operation, hold: &Hold) -> Result<()> {
        let fate = self.world.decide(self.node, operation.clone()).await;
        let unknown = || Error::new(Kind::Timeout, "no answer");
        let mut shared = self.world.lock();
        match fate {
            StoreFate::Done if shared.operate(&operation) => Ok(()),
            StoreFate::Done => Err(match operation {
                Operation::Delete { .. } => Error::new(Kind::NotFound, "there is none"),
                Operation::Publish { .. } => Error::new(Kind::Unavailable, "the draft is gone"),
                Operation::Create { .. } | Operation::Abandon { .. } => Error::new(Kind::Duplicate, "there is one"),
            }),
            StoreFate::Refused => Err(match operation {
                Operation::Delete { .. } => Error::new(Kind::InUse, "in use"),
                _ => Error::new(Kind::Full, "full"),
            }),
            StoreFate::Failed => Err(unknown()),
            StoreFate::Lost => {
                shared.operate(&operation);
                Err(unknown())
            }
            StoreFate::Late => {
                shared.late.push(LateOperation { node: self.node, operation, _hold: hold.clone() });
                Err(unknown())
            }
        }
    }
}

#[async_trait]
impl Store for FaultStore {
    fn schemes(&self) -> &'static [&'static str] {
        &[SCHEME]
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { write: true, delete: true, read_random: true, owns_data: true }
    }

    async fn begin(
        &self,
        context: &StoreContext,
        object: &NewObject,
        _: Arc<dyn Journal>,
    ) -> Result<Box<dyn StoreWriter>> {
        self.call(Operation::Create { attempt: object.attempt.clone() }, &context.hold).await?;
        let (store, object, hold) = (self.clone(), object.clone(), context.hold.clone());
        Ok(Box::new(Writer { store, object, hold, bytes: Vec::new() }))
    }

    async fn open(&self, _: &StoreContext, url: &str, _: Option<ByteRange>) -> Result<Object> {
        let found = self.world.lock().objects.get(name_of(url)).cloned();
        let bytes = found.ok_or_else(|| Error::new(Kind::NotFound, "there is none"))?.bytes;
        Ok(Object { length: Some(bytes.len() as u64), chunks: Box::pin(stream::iter([Ok(bytes)])) })
    }

    async fn size(&self, context: &StoreContext, url: &str) -> Result<u64> {
        Ok(self.open(context, url, None).await?.length.unwrap_or(0))
    }

    async fn delete(&self, context: &StoreContext, url: &str) -> Result<()> {
        self.call(Operation::Delete { name: name_of(url).to_owned() }, &context.hold).await
    }

    async fn abandon(&self, context: &StoreContext, object: &NewObject, phase: Phase, _: Option<&str>) -> Result<()> {
        let published = (phase == Phase::Finishing).then(|| object.name.clone());
        self.call(Operation::Abandon { attempt: object.attempt.clone(), published }, &context.hold).await
    }

    async fn list(&self, _: &StoreContext) -> Result<Vec<String>> {
        Ok(self.world.lock().objects.keys().map(|name| format!("{SCHEME}:///{name}")).collect())
    }

    async fn health(&self) -> Result<()> {
        Ok(())
    }

    fn properties(&self) -> Map<String, Value> {
        Map::new()
    }
}

struct Writer {
    store: FaultStore,
    object: NewObject,
    hold: Hold,
    bytes: Vec<u8>,
}

#[async_trait]
impl StoreWriter for Writer {
    async fn write(&mut self, chunk: Bytes) -> Result<()> {
        self.bytes.extend_from_slice(&chunk);
        Ok(())
    }

    async fn write_zeroes(&mut self, length: u64) -> Result<()> {
        self.bytes.resize(self.bytes.len() + usize::try_from(length).expect("a small image"), 0);
        Ok(())
    }

    async fn finish(self: Box<Self>) -> Result<Stored> {
        let Self { store, object, hold, bytes } = *self;
        let (length, url) = (bytes.len() as u64, format!("{SCHEME}:///{}", object.name));
        let publish = Operation::Publish { attempt: object.attempt, name: object.name, bytes: bytes.into() };
        store.call(publish, &hold).await?;
        Ok(Stored { url, metadata: Map::new(), bytes: length })
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        let abandon = Operation::Abandon { attempt: self.object.attempt, published: None };
        self.store.call(abandon, &self.hold).await
    }
}
