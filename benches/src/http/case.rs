//! The requests that are measured.

use http::{HeaderMap, HeaderName, HeaderValue};
use std::borrow::Cow;

/// A request, and the process that it meets.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// What is special about it.
    pub name: &'static str,
    /// Whether the caller sampled the trace.
    pub sampled: bool,
    /// Whether an SDK is installed.
    pub sdk: bool,
    /// The members of `tracestate`.
    pub state: usize,
    /// The members of `baggage`.
    pub baggage: usize,
    /// Whether the members of both differ from request to request; else all requests have the same.
    pub new_lists: bool,
    /// All headers, those above included.
    pub headers: usize,
    /// The routes of the server.
    pub routes: usize,
    /// Whether a client's call is the first of its trace, with a query, to a public host; else it is
    /// made for a caller, to a host near by.
    pub root: bool,
}

const PLAIN: Case = Case {
    name: "sampled",
    sampled: true,
    sdk: true,
    state: 0,
    baggage: 0,
    new_lists: false,
    headers: 10,
    routes: 10,
    root: false,
};

/// Every case, the plain one first.
pub const CASES: [Case; 15] = [
    PLAIN,
    Case { name: "sampled, lists", state: 2, baggage: 2, ..PLAIN },
    Case { name: "sampled, new lists", state: 2, baggage: 2, new_lists: true, ..PLAIN },
    Case { name: "unsampled", sampled: false, ..PLAIN },
    Case { name: "unsampled, lists", sampled: false, state: 2, baggage: 2, ..PLAIN },
    Case { name: "no SDK", sdk: false, ..PLAIN },
    Case { name: "no SDK, lists", sdk: false, state: 2, baggage: 2, ..PLAIN },
    Case { name: "no SDK, new lists", sdk: false, state: 2, baggage: 2, new_lists: true, ..PLAIN },
    Case { name: "baggage 8", baggage: 8, ..PLAIN },
    Case { name: "baggage 64", baggage: 64, ..PLAIN },
    Case { name: "baggage 64, new", baggage: 64, new_lists: true, ..PLAIN },
    Case { name: "headers 60", headers: 60, ..PLAIN },
    Case { name: "routes 1000", routes: 1000, ..PLAIN },
    Case { name: "root", root: true, ..PLAIN },
    Case { name: "root, no SDK", root: true, sdk: false, ..PLAIN },
];

impl Case {
    /// The case of this name.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        CASES.into_iter().find(|case| case.name == name)
    }

    /// The headers of each request, in turns: one of them, or so many that no process remembers them.
    pub(super) fn header_maps(&self) -> Vec<HeaderMap> {
        let count = if self.new_lists { NEW_LISTS } else { 1 };
        // The first clone of a value allocates what later ones share.
        let shared = |headers: &HeaderMap| drop(headers.clone());
        (0..count).map(|number| self.header_map(number)).inspect(shared).collect()
    }

    /// What `tracestate` has in the last of `requests` requests.
    pub(super) fn last_state(&self, requests: u64) -> String {
        let number = (requests - 1) % NEW_LISTS as u64;
        members(self.state, if self.new_lists { number as usize } else { 0 })
    }

    fn header_map(&self, number: usize) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let mut insert = |name: Cow<'static, str>, value: String| {
            let name = HeaderName::try_from(&*name).expect("the names below are legal");
            headers.insert(name, value.try_into().expect("the values below are legal"));
        };
        insert("host".into(), "shop.example:8080".into());
        insert("user-agent".into(), "Mozilla/5.0 (X11; Linux x86_64; rv:140.0)".into());
        insert("accept".into(), "application/json".into());
        insert("accept-encoding".into(), "gzip, br".into());
        let flags = if self.sampled { "01" } else { "00" };
        let parent = format!("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-{flags}");
        insert("traceparent".into(), parent);
        if self.state > 0 {
            insert("tracestate".into(), members(self.state, number));
        }
        if self.baggage > 0 {
            insert("baggage".into(), members(self.baggage, number));
        }
        for filler in headers.len()..self.headers {
            let value = HeaderValue::from_static("some value of usual length");
            let name = HeaderName::try_from(format!("x-header-{filler:02}"));
            headers.insert(name.expect("the name is legal"), value);
        }
        headers
    }
}

/// How many lists there are where they differ.
const NEW_LISTS: usize = 2_048;

/// `count` list members, of `tracestate` as of `baggage`, in the list of this number.
pub(super) fn members(count: usize, number: usize) -> String {
    let member = |i| format!("key{i:02}=value-{:02}", i + number);
    (0..count).map(member).collect::<Vec<_>>().join(",")
}
