//! How often one request was sent, counted across the middlewares that it passes.

use crate::{
    sync::{Arc, Mutex, MutexGuard},
    values::repeated::digest,
};
use foldhash::fast::FixedState;
use http::{Extensions, Method};
use std::{
    hash::{BuildHasher, Hasher},
    sync::PoisonError,
};

/// Counts how often a request is sent, in the request's extensions.
///
/// Every attempt after the first gets `http.request.resend_count`. The count starts anew for
/// another method or URL. What sends clones of a request, as [tower's retry layer][retry] does,
/// must insert one before it clones, so that the clones share it; reqwest-retry needs no help.
///
/// [retry]: https://docs.rs/tower/latest/tower/retry/
///
/// ```
/// use tracewire_http::Resends;
///
/// let mut request = http::Request::new(());
/// request.extensions_mut().insert(Resends::new());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Resends {
    shared: Arc<Mutex<State>>,
    /// The attempt that the request with this copy is part of.
    around: Option<u32>,
}

#[derive(Debug, Default)]
struct State {
    /// Which method and URL is counted.
    request: Option<u64>,
    /// Where a redirect of it led.
    redirected: Option<u64>,
    /// How often it was sent.
    sent: u32,
    /// The number of the next attempt.
    next: u32,
    /// The attempts without a response yet. Nearly always there is one, which needs no allocation.
    open: Option<Open>,
    also_open: Vec<Open>,
}

/// An attempt without a response yet.
#[derive(Debug)]
struct Open {
    number: u32,
    /// How often middlewares inside sent it.
    sent_inside: u32,
}

impl Resends {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts in `extensions` that `method` to `url` is sent.
    ///
    /// Inside another attempt of ours there is no new one: it is the outer one that is counted.
    pub(crate) fn begin(extensions: &mut Extensions, method: &Method, url: &str) -> Place {
        let counter = extensions.get_or_insert_with(Self::new);
        let mut state = counter.lock();
        if let Some(around) = counter.around.and_then(|number| state.find(number)) {
            around.sent_inside = around.sent_inside.saturating_add(1);
            if around.sent_inside > 1 {
                state.sent = state.sent.saturating_add(1);
            }
            return Place::Inside;
        }
        let request = Some(fingerprint(method, url));
        if state.request != request && state.redirected != request {
            (state.request, state.redirected, state.sent) = (request, None, 0);
        }
        let number = state.next;
        state.next = number.wrapping_add(1);
        let (resends, redirected) = (state.sent, state.request != request);
        state.sent = resends.saturating_add(1);
        state.open(number);
        drop(state);
        counter.around = Some(number);
        let shared = counter.shared.clone();
        Place::Attempt(OpenAttempt { shared, number, resends, redirected, sent_inside: None })
    }

    /// Says that the request counted in `extensions` goes on as `method` to `url`.
    ///
    /// Call it for each redirect that you follow, and the count goes on.
    pub fn redirect(extensions: &Extensions, method: &Method, url: &str) {
        if let Some(counter) = extensions.get::<Self>() {
            let sent = url.split('#').next().unwrap_or_default();
            counter.lock().redirected = Some(fingerprint(method, sent));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.shared)
    }
}

fn lock(shared: &Mutex<State>) -> MutexGuard<'_, State> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    fn find(&mut self, number: u32) -> Option<&mut Open> {
        self.open.iter_mut().chain(&mut self.also_open).find(|open| open.number == number)
    }

    fn open(&mut self, number: u32) {
        let open = Open { number, sent_inside: 0 };
        if self.open.is_none() {
            self.open = Some(open);
        } else {
            self.also_open.push(open);
        }
    }

    fn close(&mut self, number: u32) -> Option<Open> {
        if let Some(open) = self.open.take_if(|open| open.number == number) {
            return Some(open);
        }
        let position = self.also_open.iter().position(|open| open.number == number)?;
        Some(self.also_open.swap_remove(position))
    }
}

/// Where a request is among the times that it is sent.
#[derive(Debug)]
pub(crate) enum Place {
    /// An attempt of its own.
    Attempt(OpenAttempt),
    /// Inside another call of ours, which records and counts it.
    Inside,
    /// Nobody counts.
    Uncounted,
}

/// An attempt under way, until its response or error is there; dropping it ends it.
#[derive(Debug)]
pub(crate) struct OpenAttempt {
    shared: Arc<Mutex<State>>,
    number: u32,
    /// How often the request was sent before.
    pub(crate) resends: u32,
    /// Whether a redirect led here.
    pub(crate) redirected: bool,
    /// How often it was sent inside, once it is closed.
    sent_inside: Option<u32>,
}

impl OpenAttempt {
    /// Ends the attempt: what is sent from now on is another one, even while the response is read.
    pub(crate) fn close(&mut self) {
        if self.sent_inside.is_none() {
            let open = lock(&self.shared).close(self.number);
            self.sent_inside = Some(open.map_or(0, |open| open.sent_inside));
        }
    }

    /// Ends the attempt, and tells how often the request was resent if a middleware inside did.
    pub(crate) fn resends_inside(&mut self) -> Option<u32> {
        self.close();
        let more = self.sent_inside?.saturating_sub(1);
        (more > 0).then(|| self.resends.saturating_add(more))
    }
}

impl Drop for OpenAttempt {
    fn drop(&mut self) {
        self.close();
    }
}

/// Which request is counted; a copy of its URL would cost an allocation for each.
///
/// Both are our own side's, so the hash need not withstand an attack.
fn fingerprint(method: &Method, url: &str) -> u64 {
    let mut hasher = FixedState::default().build_hasher();
    hasher.write(url.as_bytes());
    hasher.write_u64(digest(method.as_str()));
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begin(extensions: &mut Extensions, url: &str) -> Option<OpenAttempt> {
        attempt(extensions, &Method::GET, url)
    }

    fn attempt(extensions: &mut Extensions, method: &Method, url: &str) -> Option<OpenAttempt> {
        match Resends::begin(extensions, method, url) {
            Place::Attempt(attempt) => Some(attempt),
            Place::Inside | Place::Uncounted => None,
        }
    }

    #[test]
    fn attempts_one_after_another_are_numbered() {
        let mut extensions = Extensions::new();
        for resends in 0..3 {
            let mut attempt = begin(&mut extensions, "http://h/").unwrap();
            assert_eq!((attempt.resends, attempt.resends_inside()), (resends, None));
        }
    }

    #[test]
    fn another_url_or_method_starts_anew() {
        let mut extensions = Extensions::new();
        drop(begin(&mut extensions, "http://h/"));
        assert_eq!(begin(&mut extensions, "http://h/2").unwrap().resends, 0);
        assert_eq!(begin(&mut extensions, "http://h/2").unwrap().resends, 1);
        let post = attempt(&mut extensions, &Method::POST, "http://h/2").unwrap();
        assert_eq!(post.resends, 0);
    }

    #[test]
    fn a_redirect_goes_on_counting() {
        let mut extensions = Extensions::new();
        drop(begin(&mut extensions, "http://h/"));
        Resends::redirect(&extensions, &Method::GET, "http://h/2");
        assert_eq!(begin(&mut extensions, "http://h/2").unwrap().resends, 1);
        assert_eq!(begin(&mut extensions, "http://h/").unwrap().resends, 2);
        assert_eq!(begin(&mut extensions, "http://h/3").unwrap().resends, 0);
    }

    #[test]
    fn attempts_inside_an_open_one_are_counted_by_the_outer() {
        let mut extensions = Extensions::new();
        let mut outer = begin(&mut extensions, "http://h/").unwrap();
        for _ in 0..3 {
            assert!(begin(&mut extensions, "http://h/").is_none());
        }
        assert_eq!((outer.resends, outer.resends_inside()), (0, Some(2)));
        drop(outer);
        assert_eq!(begin(&mut extensions, "http://h/").unwrap().resends, 3);
    }

    #[test]
    fn clones_share_the_count() {
        let mut extensions = Extensions::new();
        extensions.insert(Resends::new());
        let mut clone = extensions.clone();
        drop(begin(&mut extensions, "http://h/"));
        assert_eq!(begin(&mut clone, "http://h/").unwrap().resends, 1);
    }

    #[test]
    fn a_closed_attempt_is_around_nothing() {
        let mut extensions = Extensions::new();
        let mut first = begin(&mut extensions, "http://h/").unwrap();
        let mut kept = extensions.clone();
        first.close();
        assert_eq!(begin(&mut extensions, "http://h/").unwrap().resends, 1);
        assert_eq!(begin(&mut kept, "http://h/").unwrap().resends, 2);
    }

    #[test]
    fn clones_in_flight_together_are_attempts_of_their_own() {
        let mut extensions = Extensions::new();
        extensions.insert(Resends::new());
        let mut clones: Vec<_> = (0..4).map(|_| extensions.clone()).collect();
        let mut open: Vec<_> =
            clones.iter_mut().map(|clone| begin(clone, "http://h/").unwrap()).collect();
        for (clone, inside) in clones.iter_mut().zip(0..) {
            for _ in 0..inside {
                assert!(begin(&mut clone.clone(), "http://h/").is_none());
            }
        }
        // Each counts what was sent inside itself alone: 0, 1, 2 and 3 times.
        let counts: Vec<_> =
            open.iter_mut().map(|attempt| (attempt.resends, attempt.resends_inside())).collect();
        assert_eq!(counts, [(0, None), (1, None), (2, Some(3)), (3, Some(5))]);
        assert_eq!(begin(&mut extensions, "http://h/").unwrap().resends, 7);
    }
}
