//! The encoded spans and log records of one trace.

use std::sync::Arc;

use prost::encoding::{decode_varint, encode_varint};

use super::source::Source;

/// Segments that are appended to have one of few sizes and never move, so that the memory of an evicted
/// trace fits the next one. One that grows by each span leaves holes of every size.
const LEAST_SEGMENT: usize = 512;
const MOST_SEGMENT: usize = 64 * 1024;
/// More sources than a trace ever has; those beyond are counted to the last one.
const MOST_SOURCES: usize = 1024;

/// What one entry of a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Span,
    Log,
}

/// The entries of a trace, each the OTLP encoding of a span or a log record.
#[derive(Clone, Debug, Default)]
pub(crate) struct Body {
    segments: Vec<Vec<u8>>,
    sources: Vec<Arc<Source>>,
}

impl Body {
    /// Writes one entry to `scratch`, for [`append`](Self::append).
    pub(crate) fn write(
        &mut self,
        scratch: &mut Vec<u8>,
        kind: Kind,
        source: &Arc<Source>,
        bytes: &[u8],
    ) {
        let source = self.index(source) as u64;
        encode_varint(source << 1 | u64::from(kind == Kind::Log), scratch);
        encode_varint(bytes.len() as u64, scratch);
        scratch.extend_from_slice(bytes);
    }

    /// Takes over the entries in `scratch`. The first ones take no more memory than they need, as most
    /// traces come at once. Later ones make place for a quarter of what is there.
    pub(crate) fn append(&mut self, scratch: &[u8]) {
        if scratch.is_empty() {
            return;
        }
        if let Some(last) = self.segments.last_mut()
            && last.capacity() - last.len() >= scratch.len()
        {
            last.extend_from_slice(scratch);
            return;
        }
        let spare = match self.len() {
            0 => 0,
            len => (len / 4).next_power_of_two().clamp(LEAST_SEGMENT, MOST_SEGMENT),
        };
        let mut segment = Vec::with_capacity(spare.max(scratch.len()));
        segment.extend_from_slice(scratch);
        self.segments.reserve_exact(1);
        self.segments.push(segment);
    }

    /// Returns the bytes of memory that the entries take.
    pub(crate) fn weight(&self) -> usize {
        self.segments.iter().map(Vec::capacity).sum::<usize>()
            + self.segments.capacity() * size_of::<Vec<u8>>()
            + self.sources.capacity() * size_of::<Arc<Source>>()
    }

    /// Returns the bytes of the entries themselves.
    pub(crate) fn len(&self) -> usize {
        self.segments.iter().map(Vec::len).sum()
    }

    pub(crate) fn sources(&self) -> &[Arc<Source>] {
        &self.sources
    }

    /// Returns all entries, in the order in which they came.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (Kind, &Arc<Source>, &[u8])> {
        self.segments.iter().flat_map(move |segment| {
            let mut rest = &segment[..];
            std::iter::from_fn(move || {
                let head = decode_varint(&mut rest).ok()?;
                let len = usize::try_from(decode_varint(&mut rest).ok()?).ok()?;
                let (bytes, after) = rest.split_at_checked(len)?;
                rest = after;
                let kind = if head & 1 == 0 { Kind::Span } else { Kind::Log };
                let source = self.sources.get(usize::try_from(head >> 1).ok()?)?;
                Some((kind, source, bytes))
            })
        })
    }

    pub(crate) fn spans(&self) -> impl Iterator<Item = (&Arc<Source>, &[u8])> {
        self.entries()
            .filter(|(kind, ..)| *kind == Kind::Span)
            .map(|(_, source, bytes)| (source, bytes))
    }

    fn index(&mut self, source: &Arc<Source>) -> usize {
        // The newest first: spans come in batches of one source.
        if let Some(place) = self.sources.iter().rposition(|known| Arc::ptr_eq(known, source)) {
            return place;
        }
        if self.sources.len() < MOST_SOURCES {
            self.sources.reserve_exact(1);
            self.sources.push(Arc::clone(source));
        }
        self.sources.len() - 1
    }
}
