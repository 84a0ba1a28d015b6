//! Keys that come again, shared between requests.
//!
//! A system has few keys in its baggage, and many values. A caller who sends other keys only has
//! them copied, as all would be without this.

use opentelemetry::Key;
use std::{cell::RefCell, sync::Arc};

/// How many keys each thread keeps, a power of two.
const SLOTS: usize = 128;
/// Bytes of the longest key that is kept.
const LONGEST: usize = 64;

/// Returns `text` as a key.
pub(super) fn key(text: &str) -> Key {
    let kept =
        if text.len() <= LONGEST { KEPT.try_with(|kept| find(kept, text)).ok() } else { None };
    kept.unwrap_or_else(|| Key::from(text.to_owned()))
}

fn find(kept: &RefCell<[Option<Arc<str>>; SLOTS]>, text: &str) -> Key {
    let slot = &mut kept.borrow_mut()[slot(text)];
    if let Some(known) = slot
        && **known == *text
    {
        return Key::from(Arc::clone(known));
    }
    let new: Arc<str> = text.into();
    *slot = Some(Arc::clone(&new));
    Key::from(new)
}

/// Where a key is kept. Keys that share a place take turns, which costs a copy and no more.
fn slot(text: &str) -> usize {
    // FNV-1a, whose upper bits are the better ones.
    let hash = text
        .bytes()
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    ((hash >> 16) ^ hash) as usize % SLOTS
}

thread_local! {
    static KEPT: RefCell<[Option<Arc<str>>; SLOTS]> = const { RefCell::new([const { None }; SLOTS]) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn is_shared(text: &str) -> bool {
        key(text).as_str().as_ptr() == key(text).as_str().as_ptr()
    }

    #[test]
    fn a_short_key_that_comes_again_is_shared() {
        assert!(is_shared("tenant") && is_shared(&"k".repeat(LONGEST)));
        assert!(!is_shared(&"k".repeat(LONGEST + 1)));
    }

    #[test]
    #[cfg_attr(miri, ignore = "takes minutes")]
    fn a_thread_keeps_no_more_than_its_slots() {
        let keys: Vec<_> = (0..10_000).map(|i| key(&format!("key{i}"))).collect();
        let kept = KEPT.with_borrow(|kept| kept.iter().flatten().count());
        assert!(
            kept <= SLOTS && keys.iter().zip(0..).all(|(k, i)| k.as_str() == format!("key{i}"))
        );
    }

    proptest! {
        #[test]
        fn every_key_is_what_it_was_made_of(texts in proptest::collection::vec("[a-c]{0,3}|.*", 0..40)) {
            for text in texts {
                let found = key(&text);
                prop_assert_eq!(found.as_str(), text);
            }
        }
    }
}
