//! Where spans come from: a resource and a scope, kept once however many spans share them.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, PoisonError, Weak};

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;
use tracewire_text::cut;

use crate::sync::Mutex;
use crate::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The longest encoded resource or scope that is kept whole.
const MOST_BYTES: usize = 16 * 1024;
/// The longest one that is read at all, as reading takes a multiple of its bytes.
const MOST_READ: usize = 256 * 1024;
/// The longest service name.
const MOST_NAME: usize = 256;
/// Beyond its fields: the counters of the `Arc`, and the entry in the table.
const OVERHEAD: usize = 96;

/// A resource and an instrumentation scope, in their OTLP encodings.
///
/// ```
/// use tracewire_live::Live;
///
/// let recorder = Live::new().build();
/// let source = recorder.source(b"", b"");
/// assert_eq!(source.service(), ""); // this resource names none
/// ```
#[derive(Debug)]
pub struct Source {
    resource: Box<[u8]>,
    scope: Box<[u8]>,
    service: Box<str>,
    version: Box<str>,
    used: Arc<AtomicUsize>,
}

impl Source {
    /// Returns the encoded OTLP `Resource`.
    pub fn resource(&self) -> &[u8] {
        &self.resource
    }

    /// Returns the encoded OTLP `InstrumentationScope`.
    pub fn scope(&self) -> &[u8] {
        &self.scope
    }

    /// Returns `service.name`, or an empty string.
    pub fn service(&self) -> &str {
        &self.service
    }

    /// Returns `service.version`, or an empty string.
    pub fn version(&self) -> &str {
        &self.version
    }

    fn weight(&self) -> usize {
        size_of::<Self>()
            + OVERHEAD
            + self.resource.len()
            + self.scope.len()
            + self.service.len()
            + self.version.len()
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        self.used.fetch_sub(self.weight(), Relaxed);
    }
}

/// All sources that a stored span refers to, and the bytes they take.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources {
    used: Arc<AtomicUsize>,
    table: Arc<Mutex<Table>>,
}

#[derive(Debug, Default)]
struct Table {
    hasher: RandomState,
    known: HashMap<u64, Weak<Source>>,
    /// The size at which sources that nothing refers to are looked for.
    sweep_at: usize,
}

impl Sources {
    /// Returns the source for a resource and a scope, the same one for the same bytes.
    ///
    /// Of a resource above 16 KiB only `service.name` and `service.version` are kept, of a scope its
    /// name and version. Nothing is kept of one above 256 KiB.
    pub(crate) fn intern(&self, resource: &[u8], scope: &[u8]) -> Arc<Source> {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let key = table.hasher.hash_one((resource, scope));
        if let Some(source) = table.known.get(&key).and_then(Weak::upgrade) {
            return source;
        }
        let source = Arc::new(self.make(resource, scope));
        self.used.fetch_add(source.weight(), Relaxed);
        if table.known.len() >= table.sweep_at {
            table.known.retain(|_, source| source.strong_count() > 0);
            table.sweep_at = (table.known.len() * 2).max(64);
            table.known.shrink_to(0);
        }
        table.known.insert(key, Arc::downgrade(&source));
        source
    }

    /// Returns the bytes that all sources take.
    pub(crate) fn used(&self) -> usize {
        self.used.load(Relaxed)
    }

    fn make<'a>(&self, resource: &'a [u8], scope: &'a [u8]) -> Source {
        let read = |bytes: &'a [u8]| if bytes.len() <= MOST_READ { bytes } else { &[] };
        let (resource, scope) = (read(resource), read(scope));
        let decoded = Resource::decode(resource).unwrap_or_default();
        let service = text(&decoded.attributes, "service.name");
        let version = text(&decoded.attributes, "service.version");
        Source {
            resource: bounded(resource, || {
                let kept = ["service.name", "service.version"];
                let mut attributes = decoded.attributes;
                attributes.retain(|attribute| {
                    kept.contains(&&*attribute.key) && attribute.encoded_len() < MOST_BYTES / 4
                });
                Resource { attributes, ..Resource::default() }.encode_to_vec()
            }),
            scope: bounded(scope, || {
                let whole = InstrumentationScope::decode(scope).unwrap_or_default();
                InstrumentationScope {
                    name: cut(whole.name, MOST_NAME).into_owned(),
                    version: cut(whole.version, MOST_NAME).into_owned(),
                    ..Default::default()
                }
                .encode_to_vec()
            }),
            service: service.into(),
            version: version.into(),
            used: Arc::clone(&self.used),
        }
    }
}

fn bounded(bytes: &[u8], smaller: impl FnOnce() -> Vec<u8>) -> Box<[u8]> {
    if bytes.len() <= MOST_BYTES { bytes.into() } else { smaller().into() }
}

fn text(attributes: &[KeyValue], key: &str) -> String {
    let value = attributes.iter().find(|attribute| attribute.key == key);
    match value.and_then(|attribute| attribute.value.as_ref()?.value.as_ref()) {
        Some(Value::StringValue(text)) => cut(text, MOST_NAME).into_owned(),
        _ => String::new(),
    }
}
