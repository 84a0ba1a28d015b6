//! The trace state of a trace that begins here.

use crate::Threshold;
use opentelemetry::trace::TraceState;
use std::cell::RefCell;

/// How many of them a thread keeps. A service has few probabilities, and a target rate one at a time.
const KEPT: usize = 8;

thread_local! {
    static STATES: RefCell<Vec<(Threshold, TraceState)>> =
        const { RefCell::new(Vec::new()) };
}

/// Returns `ot=th:…` alone. A copy costs half of what it costs to make one, which checks key and value.
pub(crate) fn new_trace(threshold: Threshold) -> TraceState {
    let copy = STATES.try_with(|states| {
        let mut states = states.try_borrow_mut().ok()?;
        if let Some((_, state)) = states.iter().find(|(known, _)| *known == threshold) {
            return Some(state.clone());
        }
        if states.len() == KEPT {
            states.remove(0);
        }
        let state = made(threshold);
        states.push((threshold, state.clone()));
        Some(state)
    });
    // A thread that ends has none any more.
    copy.ok().flatten().unwrap_or_else(|| made(threshold))
}

#[cold]
fn made(threshold: Threshold) -> TraceState {
    // Neither the key nor the value can be one that is refused.
    TraceState::NONE.insert("ot", format!("th:{threshold}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_threshold_has_its_own_however_many_there_are() {
        for _ in 0..3 {
            for number in 0..2 * KEPT as u64 {
                let threshold = Threshold::from_value(number << 44);
                assert_eq!(new_trace(threshold).header(), format!("ot=th:{threshold}"));
            }
        }
    }

    #[test]
    fn a_thread_that_ends_still_gets_one() {
        struct AtTheEnd;
        impl Drop for AtTheEnd {
            fn drop(&mut self) {
                assert_eq!(new_trace(Threshold::ALWAYS).header(), "ot=th:0");
            }
        }
        thread_local! {
            static LAST: AtTheEnd = const { AtTheEnd };
        }
        std::thread::spawn(|| {
            LAST.with(|_| ());
            new_trace(Threshold::ALWAYS)
        })
        .join()
        .unwrap();
    }
}
