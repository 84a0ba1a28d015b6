//! That no figure comes of recording less.

use super::{Case, Recorded, Records, Variant, clients, servers};

/// The variant and the case of these names.
#[must_use]
pub fn find(side: &str, variant: &str, case: &str) -> Option<(Variant, Case)> {
    let mut variants = match side {
        "server" => servers(),
        "client" => clients(),
        _ => return None,
    };
    variants.retain(|found| found.name == variant);
    Some((variants.pop()?, Case::find(case)?))
}

impl Variant {
    /// Holds what was exported of `requests` requests to what the variant promises.
    ///
    /// # Panics
    ///
    /// If a span, a duration or, of [`Records::Everything`], one attribute is missing or too many.
    pub fn check(&self, case: &Case, requests: u64, recorded: &Recorded) {
        let spans = match self.records {
            Records::Nothing => 0,
            _ => requests * u64::from(case.sdk && case.sampled),
        };
        assert_eq!(recorded.spans, spans, "spans of {}", self.name);
        let durations = match self.records {
            Records::Nothing | Records::Span => 0,
            _ => requests * u64::from(case.sdk),
        };
        assert_eq!(recorded.durations, durations, "durations of {}", self.name);
        if self.records == Records::Everything {
            let (name, span, duration) = self.everything(case);
            if spans > 0 {
                assert_eq!(recorded.name, name);
                assert_eq!(pairs(&recorded.span), span, "span of {}", self.name);
                if matches!(self.side, super::Side::Server(_)) && WITH_LISTS.contains(&self.name) {
                    assert_eq!(recorded.trace_state, case.last_state(requests), "{}", self.name);
                }
            }
            if durations > 0 {
                assert_eq!(pairs(&recorded.duration), duration, "duration of {}", self.name);
            }
        }
    }

    /// The names of the attributes of a span that has [`Records::Everything`].
    #[must_use]
    pub fn attributes(&self) -> Vec<&'static str> {
        self.everything(&super::CASES[0]).1.iter().map(|(name, _)| *name).collect()
    }

    /// Name and attributes of the span, and attributes of the duration.
    fn everything(&self, case: &Case) -> (&'static str, &'static [Pair], &'static [Pair]) {
        match self.side {
            super::Side::Client(_) if case.root => ("GET", ROOT_SPAN, ROOT_DURATION),
            super::Side::Server(_) => ("GET /users/{id}", SERVER_SPAN, SERVER_DURATION),
            super::Side::Client(_) => ("GET", CLIENT_SPAN, CLIENT_DURATION),
        }
    }
}

/// The servers whose spans have the caller's whole `tracestate`.
const WITH_LISTS: &[&str] = &["tracewire", "tracewire, own SDK"];

type Pair = (&'static str, &'static str);

const SERVER_SPAN: &[Pair] = &[
    ("client.address", "192.0.2.17"),
    ("http.request.method", "GET"),
    ("http.response.status_code", "200"),
    ("http.route", "/users/{id}"),
    ("network.peer.address", "192.0.2.17"),
    ("network.peer.port", "51712"),
    ("network.protocol.version", "1.1"),
    ("server.address", "shop.example"),
    ("server.port", "8080"),
    ("url.path", "/users/4711"),
    ("url.scheme", "http"),
    ("user_agent.original", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0)"),
];

const SERVER_DURATION: &[Pair] = &[
    ("http.request.method", "GET"),
    ("http.response.status_code", "200"),
    ("http.route", "/users/{id}"),
    ("network.protocol.version", "1.1"),
    ("url.scheme", "http"),
];

const CLIENT_SPAN: &[Pair] = &[
    ("http.request.method", "GET"),
    ("http.response.status_code", "200"),
    ("network.protocol.version", "1.1"),
    ("server.address", "inventory"),
    ("server.port", "8080"),
    ("url.full", "http://inventory:8080/users/4711"),
];

const CLIENT_DURATION: &[Pair] = &[
    ("http.request.method", "GET"),
    ("http.response.status_code", "200"),
    ("network.protocol.version", "1.1"),
    ("server.address", "inventory"),
    ("server.port", "8080"),
];

const ROOT_SPAN: &[Pair] = &[
    ("http.request.method", "GET"),
    ("http.response.status_code", "200"),
    ("network.protocol.version", "1.1"),
    ("server.address", "api.partner.example"),
    ("server.port", "443"),
    ("url.full", "https://api.partner.example/v2/users/4711/orders?page=2&sort=date"),
];

const ROOT_DURATION: &[Pair] = &[
    ("http.request.method", "GET"),
    ("http.response.status_code", "200"),
    ("network.protocol.version", "1.1"),
    ("server.address", "api.partner.example"),
    ("server.port", "443"),
];

fn pairs(attributes: &[(String, String)]) -> Vec<(&str, &str)> {
    attributes.iter().map(|(name, value)| (&**name, &**value)).collect()
}
