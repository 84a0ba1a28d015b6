//! `processors` of spans and of log records.

use std::time::Duration;

use crate::config::file::components::{ComponentNode, Kind};
use crate::config::file::position::{Place, Spanned};
use crate::config::file::read::Cursor;

/// One of `processors`. `E` is its exporter.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Processor<E> {
    Batch(Batch<E>),
    /// Exports each item at once. With OTLP it is a batch of one without delay, on the exporter's thread.
    Simple {
        exporter: E,
        place: Place,
    },
    Custom(ComponentNode),
}

/// `batch`: a queue of its own, with an exporter of its own.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Batch<E> {
    pub(crate) place: Place,
    /// Default: 5 s for spans, 1 s for log records.
    pub(crate) schedule_delay: Option<Spanned<Duration>>,
    /// Zero is no limit. Default: 30 s.
    pub(crate) export_timeout: Option<Spanned<Duration>>,
    /// Items. Default: the queue that is bounded by bytes, which holds more than the 2,048 of the schema.
    pub(crate) max_queue_size: Option<Spanned<usize>>,
    /// Items. Default: 512, and more under load.
    pub(crate) max_export_batch_size: Option<Spanned<usize>>,
    pub(crate) exporter: E,
}

impl<E> Processor<E> {
    /// Reads a processor of this kind with `exporter`. `others` may read further names.
    pub(super) fn read(
        cursor: Cursor<'_>,
        kind: Kind,
        exporter: impl Fn(Cursor<'_>) -> Option<E>,
    ) -> Option<Self> {
        const KNOWN: [&str; 2] = ["batch", "simple"];
        const BRIDGE: &str = "event_to_span_event_bridge/development";
        cursor.variant(&KNOWN, |name, cursor| match name {
            "batch" => batch(cursor, exporter).map(Self::Batch),
            "simple" => {
                let fields = cursor.fields(&["exporter"])?;
                let exporter = fields.required("exporter", exporter)?;
                Some(Self::Simple { exporter, place: cursor.place() })
            }
            BRIDGE if kind == Kind::LogProcessor => {
                cursor.no_fields()?;
                cursor.unsupported("remove it; events stay log records");
                None
            }
            name => cursor.component(kind, name, &KNOWN).map(Self::Custom),
        })
    }
}

fn batch<E>(cursor: Cursor<'_>, exporter: impl Fn(Cursor<'_>) -> Option<E>) -> Option<Batch<E>> {
    let fields = cursor.fields(&[
        "schedule_delay",
        "export_timeout",
        "max_queue_size",
        "max_export_batch_size",
        "exporter",
    ])?;
    let delay = |key| fields.setting(key, |cursor| cursor.milliseconds(0));
    let size = |key| fields.setting(key, |cursor| cursor.size(1));
    let [schedule_delay, export_timeout] = ["schedule_delay", "export_timeout"].map(delay);
    let [max_queue_size, max_export_batch_size] =
        ["max_queue_size", "max_export_batch_size"].map(size);
    if let (Some(queue), Some(batch)) = (&max_queue_size, &max_export_batch_size)
        && **batch > **queue
    {
        cursor.warning(format_args!(
            "max_export_batch_size is more than max_queue_size: batches are of {}",
            **queue
        ));
    }
    let exporter = fields.required("exporter", exporter)?;
    Some(Batch {
        place: cursor.place(),
        schedule_delay,
        export_timeout,
        max_queue_size,
        max_export_batch_size,
        exporter,
    })
}
