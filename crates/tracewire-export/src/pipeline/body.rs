//! Bodies of requests: items of a batch, one after the other, up to a size.
//!
//! An item is released as soon as it is encoded, so that a batch is never in memory twice. What does
//! not fit stays in the batch.

use crate::pipeline::deliver::HeapSize;
use opentelemetry::InstrumentationScope;
use opentelemetry_sdk::trace::SpanData;
use std::{collections::VecDeque, sync::Arc};

/// The most that one body holds, before compression, unless a single item is larger: collectors
/// refuse bodies beyond a few megabytes, and gRPC servers usually beyond four.
pub(crate) const MOST_BODY_BYTES: usize = 1024 * 1024;
/// What the end of a body may take besides schema URLs: lengths, brackets and names of fields.
const END: usize = 128;

/// Where an item comes from: its scope, and the name that stands for the scope's, if any.
pub(crate) type Source<'a> = (&'a InstrumentationScope, Option<&'a str>);

/// Something that is exported below the scope it comes from.
pub(crate) trait Scoped {
    fn source(&self) -> Source<'_>;
}

impl<T: Scoped> Scoped for Arc<T> {
    fn source(&self) -> Source<'_> {
        T::source(self)
    }
}

impl Scoped for SpanData {
    fn source(&self) -> Source<'_> {
        (&self.instrumentation_scope, None)
    }
}

/// How a body is written, piece by piece.
pub(crate) trait Encoding<T> {
    /// What is remembered from the beginning of a scope to its end.
    type Scope;

    fn begin(&self, body: &mut Vec<u8>);
    fn begin_scope(&self, body: &mut Vec<u8>, source: Source<'_>) -> Self::Scope;
    fn item(&self, body: &mut Vec<u8>, item: &T);
    fn end_scope(&self, body: &mut Vec<u8>, source: Source<'_>, scope: Self::Scope);
    fn end(&self, body: &mut Vec<u8>);

    /// How many bytes of text `end_scope` and `end` write at most, besides what every body has.
    fn ending(&self, source: Source<'_>) -> usize;
}

/// Writes what fits into one body of at most so many bytes, at least one item, and takes it out of
/// `batch`.
pub(crate) fn fill<T: Scoped + HeapSize>(
    most_bytes: usize,
    format: &impl Encoding<T>,
    batch: &mut VecDeque<T>,
) -> Vec<u8> {
    // Items are much alike, and most are smaller as part of a body: a look at one is enough.
    let heap_size = batch.front().map_or(0, HeapSize::heap_size).saturating_mul(batch.len());
    let mut body = Vec::with_capacity(heap_size.min(most_bytes) + END);
    let mut scopes = by_scope(batch);
    let mut is_empty = true;
    format.begin(&mut body);
    for items in &mut scopes {
        let start = body.len();
        let Some(first) = items.pop_front() else { continue };
        let scope = format.begin_scope(&mut body, first.source());
        let most = most_bytes.saturating_sub(format.ending(first.source()) + END);
        format.item(&mut body, &first);
        if body.len() > most && !is_empty {
            body.truncate(start);
            items.push_front(first);
            break;
        }
        is_empty = false;
        while let Some(item) = items.front() {
            let end = body.len();
            format.item(&mut body, item);
            if body.len() > most {
                body.truncate(end);
                break;
            }
            items.pop_front();
        }
        format.end_scope(&mut body, first.source(), scope);
        if !items.is_empty() {
            break;
        }
    }
    format.end(&mut body);
    batch.extend(scopes.into_iter().flatten());
    if body.capacity() - body.len() > body.len() / 8 {
        body.shrink_to_fit();
    }
    body
}

/// The items of each scope together, in the order of the first of each.
fn by_scope<T: Scoped>(batch: &mut VecDeque<T>) -> Vec<VecDeque<T>> {
    let is_one = batch.iter().zip(batch.iter().skip(1)).all(|(a, b)| a.source() == b.source());
    if is_one {
        return vec![std::mem::take(batch)];
    }
    let mut scopes: Vec<VecDeque<T>> = Vec::new();
    for item in batch.drain(..) {
        // A program has few scopes, and most often the same one again.
        let known = scopes.iter_mut().find(|items| items[0].source() == item.source());
        match known {
            Some(items) => items.push_back(item),
            None => scopes.push(VecDeque::from([item])),
        }
    }
    scopes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*};

    #[derive(Clone, Debug, PartialEq)]
    struct Item {
        scope: InstrumentationScope,
        bytes: usize,
    }

    impl Item {
        fn new(scope: &'static str, bytes: usize) -> Self {
            Self { scope: InstrumentationScope::builder(scope).build(), bytes }
        }
    }

    impl Scoped for Item {
        fn source(&self) -> Source<'_> {
            (&self.scope, None)
        }
    }

    impl HeapSize for Item {
        fn heap_size(&self) -> usize {
            self.bytes
        }
    }

    /// `[a:...;...;]` for two items of scope `a`.
    struct Text;

    impl Encoding<Item> for Text {
        type Scope = ();

        fn begin(&self, body: &mut Vec<u8>) {
            body.push(b'<');
        }

        fn begin_scope(&self, body: &mut Vec<u8>, (scope, _): Source<'_>) {
            body.extend_from_slice(format!("[{}:", scope.name()).as_bytes());
        }

        fn item(&self, body: &mut Vec<u8>, item: &Item) {
            body.resize(body.len() + item.bytes, b'.');
            body.push(b';');
        }

        fn end_scope(&self, body: &mut Vec<u8>, _: Source<'_>, (): ()) {
            body.push(b']');
        }

        fn end(&self, body: &mut Vec<u8>) {
            body.push(b'>');
        }

        fn ending(&self, _: Source<'_>) -> usize {
            0
        }
    }

    fn text(batch: &mut VecDeque<Item>) -> String {
        String::from_utf8(fill(MOST_BODY_BYTES, &Text, batch)).unwrap()
    }

    #[test]
    fn items_stand_below_their_scopes() {
        let items = [("a", 1), ("b", 2), ("a", 3)].map(|(scope, bytes)| Item::new(scope, bytes));
        let mut batch = VecDeque::from(items);
        assert_eq!(text(&mut batch), "<[a:.;...;][b:..;]>");
        assert!(batch.is_empty());
    }

    #[test]
    fn what_does_not_fit_stays() {
        const HALF: usize = MOST_BODY_BYTES / 2 - 200;
        let items = [("a", HALF), ("b", HALF), ("a", 3 * HALF), ("a", HALF), ("b", 1)];
        let mut batch = VecDeque::from(items.map(|(scope, bytes)| Item::new(scope, bytes)));
        let mut lengths = Vec::new();
        while !batch.is_empty() {
            lengths.push(text(&mut batch).len() / HALF);
        }
        // The one that is larger than a body goes alone.
        assert_eq!(lengths, [1, 3, 2]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn every_item_is_written_once_and_no_body_is_too_large(
            sizes in vec((0..4_usize, prop_oneof![9 => 0..100_usize, 1 => 0..MOST_BODY_BYTES * 2]), 0..20)
        ) {
            let scopes = ["a", "b", "c", "d"];
            let mut batch: VecDeque<_> =
                sizes.iter().map(|&(scope, bytes)| Item::new(scopes[scope], bytes)).collect();
            let mut written = 0;
            while !batch.is_empty() {
                let before = batch.len();
                let body = text(&mut batch);
                let items = before - batch.len();
                prop_assert_eq!(body.matches(';').count(), items);
                prop_assert!(items > 0);
                prop_assert!(items == 1 || body.len() <= MOST_BODY_BYTES);
                prop_assert!(!body.contains(":]"));
                written += items;
            }
            prop_assert_eq!(written, sizes.len());
        }
    }
}
