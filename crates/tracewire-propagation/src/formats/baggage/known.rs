//! Lists that come again, shared between requests.
//!
//! The services of a system send each other few lists: of tenants, regions, flags. Filling one into
//! OpenTelemetry's type costs more than all else about a request, and a context never changes. So each
//! thread keeps contexts with the lists that it saw last. A list that is new with each request, with a
//! user's name in it, costs one look more than without.

use super::plain_in;
use crate::tools::empty::is_empty;
use opentelemetry::{Context, baggage::BaggageExt};
use std::cell::RefCell;

/// How many lists each thread keeps, a power of two.
const SLOTS: usize = 64;
/// Bytes of the longest list that is kept.
const LONGEST: usize = 1024;
/// Entries of all lists that a thread keeps. An entry takes up to 150 bytes beside its text.
const MOST_ENTRIES: usize = 512;

/// Returns `parent` with the entries of `line`, if it is plain, came just before, and `parent` holds
/// nothing else: there is no way to share the entries of one context with another that has values.
pub(crate) fn known(line: &[u8], parent: &Context) -> Option<Context> {
    if line.len() > LONGEST {
        return None;
    }
    let find = |lists: &RefCell<Lists>| lists.borrow_mut().find(line);
    LISTS.try_with(find).ok().flatten().filter(|_| is_empty(parent))
}

/// The lists of one thread.
struct Lists {
    slots: [Slot; SLOTS],
    /// Of all that are kept.
    entries: usize,
}

/// Lists that share a place take turns.
struct Slot {
    /// The digest of the last list that was not kept.
    seen: u64,
    kept: Option<Kept>,
}

struct Kept {
    line: Box<[u8]>,
    context: Context,
}

impl Lists {
    const fn new() -> Self {
        Self { slots: [const { Slot { seen: 0, kept: None } }; SLOTS], entries: 0 }
    }

    fn find(&mut self, line: &[u8]) -> Option<Context> {
        let digest = digest(line);
        let slot = &mut self.slots[digest as usize % SLOTS];
        if let Some(kept) = &slot.kept
            && *kept.line == *line
        {
            return Some(kept.context.clone());
        }
        // One that never comes again is not worth a copy.
        if slot.seen != digest {
            slot.seen = digest;
            return None;
        }
        let context = plain_in(line, &Context::new())?;
        let entries = |kept: &Kept| kept.context.baggage().len();
        self.entries -= slot.kept.take().as_ref().map_or(0, entries);
        if self.entries + context.baggage().len() > MOST_ENTRIES {
            *self = Self::new();
        }
        self.entries += context.baggage().len();
        let kept = Kept { line: line.into(), context: context.clone() };
        self.slots[digest as usize % SLOTS].kept = Some(kept);
        Some(context)
    }
}

/// A number from all bytes, whose low bits are the better ones. It finds a place, and decides nothing.
fn digest(line: &[u8]) -> u64 {
    let (words, rest) = line.as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let mix = |all: u64, word: u64| {
        let product = (all ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        product ^ (product >> 32)
    };
    let words = words.iter().chain([&last]).map(|word| u64::from_le_bytes(*word));
    words.fold(line.len() as u64, mix)
}

thread_local! {
    static LISTS: RefCell<Lists> = const { RefCell::new(Lists::new()) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::KeyValue;
    use proptest::prelude::*;
    use std::ptr;

    fn is_kept(line: &str) -> bool {
        known(line.as_bytes(), &Context::new()).is_some()
    }

    fn len(context: &Context) -> usize {
        context.baggage().len()
    }

    #[test]
    fn a_list_that_comes_again_is_shared() {
        let line = b"tenant=acme,region=eu";
        let find = || known(line, &Context::new());
        assert!(find().is_none());
        let (second, third) = (find().unwrap(), find().unwrap());
        assert_eq!(second.baggage().get("region").unwrap().as_str(), "eu");
        assert!(ptr::eq(second.baggage(), third.baggage()));
    }

    #[test]
    fn what_the_current_context_holds_is_not_lost() {
        let line = b"held=1";
        assert!(!is_kept("held=1") && is_kept("held=1"));
        assert!(known(line, &Context::new().with_value(1_u8)).is_none());
        assert!(known(line, &Context::new().with_baggage([KeyValue::new("a", "b")])).is_none());
        assert!(known(line, &Context::new().with_telemetry_suppressed()).is_none());
        assert!(is_kept("held=1"));
    }

    #[test]
    fn what_one_request_adds_no_other_sees() {
        let line = b"added=1";
        let _ = known(line, &Context::new());
        let context = known(line, &Context::new()).unwrap();
        let more = context.baggage().iter().map(|(key, value)| (key.clone(), value.clone()));
        let own = (opentelemetry::Key::from("own"), ("2".into(), "".into()));
        let added =
            context.with_baggage(more.chain([own]).collect::<opentelemetry::baggage::Baggage>());
        assert_eq!((len(&added), len(&known(line, &Context::new()).unwrap())), (2, 1));
    }

    #[test]
    fn what_is_not_plain_or_too_long_is_not_kept() {
        let long = format!("key={}", "v".repeat(LONGEST));
        for line in ["", "a=1;p", "a=1, b=2", "a=1,a=2", "a", &*long] {
            assert!(!is_kept(line) && !is_kept(line) && !is_kept(line), "{line}");
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "takes minutes")]
    fn a_thread_keeps_no_more_than_its_entries() {
        for list in 0..200 {
            let entries: Vec<_> = (0..64).map(|at| format!("k{at}={list}")).collect();
            let line = entries.join(",");
            assert!(!is_kept(&line) && is_kept(&line));
        }
        LISTS.with_borrow(|lists| {
            let kept = lists.slots.iter().filter_map(|slot| slot.kept.as_ref());
            let entries: usize = kept.map(|kept| len(&kept.context)).sum();
            assert!(entries == lists.entries && entries <= MOST_ENTRIES, "{entries}");
        });
    }

    proptest! {
        #[test]
        fn every_list_is_what_it_would_be_anew(
            lines in proptest::collection::vec("[a-b]=[0-1]{0,2}(,[a-d]=[0-2%]{0,9}){0,2}", 0..200)
        ) {
            for line in lines {
                let Some(context) = known(line.as_bytes(), &Context::new()) else { continue };
                let anew = plain_in(line.as_bytes(), &Context::new()).unwrap();
                let sorted = |context: &Context| {
                    let mut all: Vec<_> = context.baggage().iter().map(|e| format!("{e:?}")).collect();
                    all.sort();
                    all
                };
                prop_assert_eq!(sorted(&context), sorted(&anew));
            }
        }
    }
}
