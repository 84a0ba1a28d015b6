//! A model of counting, which loom runs in every order, weak memory included.

use super::*;
use crate::sync::atomic::AtomicBool;
use loom::{model, thread};

/// A report is made while an item passes from one thread to the next, through a queue: its outcomes never
/// add up to more than there were items, though nothing is locked to count.
#[test]
fn a_report_never_has_more_outcomes_than_items() {
    model(|| {
        let counts = Arc::new(Counts::new("spans", "test"));
        counts.set_queue(10, 1_000, Box::new(|| 0));
        let handed_over = Arc::new(AtomicBool::new(false));
        let (ends, seen) = (Arc::clone(&counts), Arc::clone(&handed_over));
        let service = thread::spawn(move || {
            ends.ended(1);
            seen.store(true, Ordering::Release);
            ends.ended(1);
            ends.dropped(1, &Failure::of(ErrorType::AlreadyShutdown, "telemetry was shut down"));
        });
        let exports = Arc::clone(&counts);
        let exporter = thread::spawn(move || {
            if handed_over.load(Ordering::Acquire) {
                exports.taken(1);
                exports.delivered(1, Ok(()));
            }
        });
        let counted = counts.snapshot();
        assert!(counted.late <= counted.dropped, "{counted:?}");
        assert!(counted.exported <= counted.taken, "{counted:?}");
        assert!(counted.taken + counted.dropped <= counted.ended, "{counted:?}");
        service.join().unwrap();
        exporter.join().unwrap();
        assert_eq!(counts.snapshot().ended, 2);
    });
}
