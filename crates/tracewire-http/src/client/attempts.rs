//! How often one request was sent, counted across the middlewares that it passes.

use http::{Extensions, Method};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Counts how often a request is sent, in the request's extensions.
///
/// Every attempt after the first gets `http.request.resend_count`. The count starts anew for
/// another method or URL. Whoever sends clones of a request, as [tower's retry layer][retry] does,
/// inserts one before it clones, so that the clones share it; reqwest-retry needs no help.
///
/// [retry]: https://docs.rs/tower/latest/tower/retry/
///
/// ```
/// use tracewire_http::Attempts;
///
/// let mut request = http::Request::new(());
/// request.extensions_mut().insert(Attempts::new());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Attempts(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// Which method and URL is counted.
    request: Option<u64>,
    /// Where a redirect of it led.
    redirected: Option<u64>,
    /// How often it was sent.
    sent: u32,
    /// Whether an exchange of ours is under way around this point.
    open: bool,
}

impl Attempts {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts in `extensions` that `method` to `url` is sent.
    ///
    /// Inside another exchange of ours for the same request there is no new attempt: it is the
    /// outer one that is counted.
    pub(crate) fn begin(
        extensions: &mut Extensions,
        method: &Method,
        url: &str,
    ) -> Option<OpenAttempt> {
        let attempts = match extensions.get::<Self>() {
            Some(attempts) => attempts.clone(),
            None => {
                let attempts = Self::new();
                extensions.insert(attempts.clone());
                attempts
            }
        };
        let (resends, redirected) = {
            let mut state = attempts.lock();
            let request = Some(fingerprint(method, url));
            if state.open {
                state.sent += 1;
                return None;
            }
            if state.request != request && state.redirected != request {
                *state = State { request, ..State::default() };
            }
            state.open = true;
            (state.sent, state.request != request)
        };
        Some(OpenAttempt { attempts, resends, redirected })
    }

    /// Says that the request counted in `extensions` goes on as `method` to `url`.
    ///
    /// Whoever follows redirects calls it for each, and the count goes on.
    pub fn redirect(extensions: &Extensions, method: &Method, url: &str) {
        if let Some(attempts) = extensions.get::<Self>() {
            attempts.lock().redirected = Some(fingerprint(method, url));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An attempt under way; dropping it ends it.
#[derive(Debug)]
pub(crate) struct OpenAttempt {
    attempts: Attempts,
    /// How often the request was sent before.
    pub(crate) resends: u32,
    /// Whether a redirect led here.
    pub(crate) redirected: bool,
}

impl OpenAttempt {
    /// How often the request was resent, once the attempt is over, if a middleware inside did.
    pub(crate) fn resends_inside(&self) -> Option<u32> {
        let resends = self.attempts.lock().sent.saturating_sub(1);
        (resends > self.resends).then_some(resends)
    }
}

impl Drop for OpenAttempt {
    fn drop(&mut self) {
        let mut state = self.attempts.lock();
        // Where nobody inside counted, this was one sending.
        state.sent = state.sent.max(self.resends + 1);
        state.open = false;
    }
}

/// Which request is counted; a copy of its URL would cost an allocation for each.
///
/// Both are our own side's, so the hash need not withstand an attack (it is FxHash's).
fn fingerprint(method: &Method, url: &str) -> u64 {
    let add =
        |hash: u64, word: u64| (hash.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    [method.as_str(), url].into_iter().fold(0, |hash, text| {
        let (words, rest) = text.as_bytes().as_chunks::<8>();
        let hash = words.iter().fold(hash, |hash, word| add(hash, u64::from_le_bytes(*word)));
        let hash = rest.iter().fold(hash, |hash, octet| add(hash, u64::from(*octet)));
        add(hash, text.len() as u64)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begin(extensions: &mut Extensions, url: &str) -> Option<OpenAttempt> {
        Attempts::begin(extensions, &Method::GET, url)
    }

    #[test]
    fn attempts_one_after_another_are_numbered() {
        let mut extensions = Extensions::new();
        for resends in 0..3 {
            let attempt = begin(&mut extensions, "http://h/").unwrap();
            assert_eq!((attempt.resends, attempt.resends_inside()), (resends, None));
        }
    }

    #[test]
    fn another_url_or_method_starts_anew() {
        let mut extensions = Extensions::new();
        drop(begin(&mut extensions, "http://h/"));
        assert_eq!(begin(&mut extensions, "http://h/2").unwrap().resends, 0);
        assert_eq!(begin(&mut extensions, "http://h/2").unwrap().resends, 1);
        let post = Attempts::begin(&mut extensions, &Method::POST, "http://h/2").unwrap();
        assert_eq!(post.resends, 0);
    }

    #[test]
    fn a_redirect_goes_on_counting() {
        let mut extensions = Extensions::new();
        drop(begin(&mut extensions, "http://h/"));
        Attempts::redirect(&extensions, &Method::GET, "http://h/2");
        assert_eq!(begin(&mut extensions, "http://h/2").unwrap().resends, 1);
        assert_eq!(begin(&mut extensions, "http://h/").unwrap().resends, 2);
        assert_eq!(begin(&mut extensions, "http://h/3").unwrap().resends, 0);
    }

    #[test]
    fn attempts_inside_an_open_one_are_counted_by_the_outer() {
        let mut extensions = Extensions::new();
        let outer = begin(&mut extensions, "http://h/").unwrap();
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
        extensions.insert(Attempts::new());
        let mut clone = extensions.clone();
        drop(begin(&mut extensions, "http://h/"));
        assert_eq!(begin(&mut clone, "http://h/").unwrap().resends, 1);
    }
}
