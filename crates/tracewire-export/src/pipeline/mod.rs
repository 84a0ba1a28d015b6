//! The way of telemetry to an exporter: limits, a bounded queue, batches, and the count of what
//! became of each item.

pub(crate) mod batch;
pub(crate) mod block_on;
pub(crate) mod body;
pub(crate) mod counts;
pub(crate) mod courier;
pub(crate) mod custom_exporter;
pub(crate) mod deadline;
pub(crate) mod deliver;
pub(crate) mod failure;
pub(crate) mod heap_size;
pub(crate) mod limits;
pub(crate) mod queue;
pub(crate) mod span_sink;
