//! Attempts that clones of one request share.

use super::check;
use crate::client::{Place, Resends};
use http::{Extensions, Method};
use loom::thread;

const URL: &str = "http://shop.test/";

fn begin(extensions: &mut Extensions) -> Option<u32> {
    match Resends::begin(extensions, &Method::GET, URL) {
        // Its end, when this returns, is part of what is tried.
        Place::Attempt(attempt) => Some(attempt.resends),
        Place::Inside | Place::Uncounted => None,
    }
}

/// Clones of a request are sent from three threads: each attempt has a number of its own, and none is
/// left out.
#[test]
fn clones_that_are_sent_at_once_are_numbered_apart() {
    check(|| {
        let mut extensions = Extensions::new();
        extensions.insert(Resends::new());
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let mut clone = extensions.clone();
                thread::spawn(move || begin(&mut clone))
            })
            .collect();
        let own = begin(&mut extensions.clone());
        let mut numbers: Vec<_> =
            threads.into_iter().map(|thread| thread.join().unwrap()).chain([own]).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, [Some(0), Some(1), Some(2)]);
        assert_eq!(begin(&mut extensions), Some(3));
    });
}

/// Two attempts are open at once, and each is sent twice by a middleware inside: each counts what was
/// sent inside itself alone.
#[test]
fn what_is_sent_inside_an_attempt_counts_for_that_one() {
    check(|| {
        let mut extensions = Extensions::new();
        extensions.insert(Resends::new());
        let attempt = |mut extensions: Extensions, inside: u32| {
            let place = Resends::begin(&mut extensions, &Method::GET, URL);
            let Place::Attempt(mut attempt) = place else { panic!("it is one of its own") };
            for _ in 0..inside {
                assert_eq!(begin(&mut extensions.clone()), None);
            }
            attempt.resends_inside().map(|resends| resends - attempt.resends)
        };
        let clone = extensions.clone();
        let other = thread::spawn(move || attempt(clone, 2));
        assert_eq!(attempt(extensions, 1), None);
        assert_eq!(other.join().unwrap(), Some(1));
    });
}
