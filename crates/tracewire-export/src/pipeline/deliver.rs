//! What the pipeline asks of items and of exporters.

use super::failure::Failure;
use opentelemetry_sdk::{Resource, metrics::data::ResourceMetrics};
use std::{collections::VecDeque, fmt};
use tracewire_exemplar::Exemplars;

/// Takes batches to where they belong.
pub(crate) trait Deliver<T>: Send + Sync + fmt::Debug + 'static {
    /// What is sent, again if need be.
    type Body: Send + 'static;

    /// Encodes what fits into one request, at least one item, and takes it out of `batch`. May panic.
    fn encode(&self, batch: &mut VecDeque<T>) -> Encoded<Self::Body>;

    /// Sends a body. Blocks, for a bounded time; may panic.
    fn send(&self, body: Self::Body) -> Result<(), Failure>;

    /// Says who sends what is to come.
    fn set_resource(&self, _resource: &Resource) {}

    /// Nothing will be delivered any more.
    fn shutdown(&self) {}

    /// Whether several batches may be under way at once.
    fn is_concurrent(&self) -> bool {
        true
    }
}

/// A body, and how many bytes it keeps.
#[derive(Debug)]
pub(crate) struct Encoded<B> {
    pub(crate) body: B,
    pub(crate) bytes: usize,
}

/// Something that keeps memory while it waits.
pub(crate) trait HeapSize: Send + fmt::Debug + 'static {
    /// About how many bytes it keeps.
    fn heap_size(&self) -> usize;
}

/// Takes collected metrics to where they belong.
pub(crate) trait DeliverMetrics: Send + Sync + fmt::Debug + 'static {
    /// Encodes metrics, and gives what sends them. May panic.
    fn prepare(&self, metrics: &ResourceMetrics) -> Dispatch;

    /// Takes exemplars from this store, where they are exported.
    fn set_exemplars(&mut self, _exemplars: Exemplars) {}
}

/// Sends metrics. Blocks, for a bounded time; may panic.
pub(crate) type Dispatch = Box<dyn FnOnce() -> Result<(), Failure> + Send>;
