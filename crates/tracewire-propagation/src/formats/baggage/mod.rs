//! W3C Baggage.

mod encoding;
mod keys;
#[cfg(feature = "tracecontext")]
pub(crate) mod known;
mod members;
mod plain;
// `W3c` alone keeps baggage unread, and needs both formats.
#[cfg_attr(not(feature = "tracecontext"), allow(dead_code))]
pub(crate) mod unread;

use self::{
    encoding::{Decoded, decode, encode},
    members::{List, MAX_LEN, MAX_MEMBERS, Members, len_of_parts, push_properties},
    plain::Plain,
};
use crate::{
    propagator::Propagator,
    tools::{
        malformed::Malformed,
        read::{MAX_LINES, Single, joined_len, lines, single},
        write,
    },
};
use arrayvec::ArrayVec;
use http::{HeaderMap, HeaderName};
use opentelemetry::{
    Context,
    baggage::{Baggage as Entries, BaggageExt, BaggageMetadata},
    trace::{SpanContext, TraceContextExt},
};
use std::ptr;

/// W3C Baggage: the header `baggage`.
///
/// Entries are read and changed through OpenTelemetry's [`BaggageExt`]. What the application leaves
/// alone is sent on as it came: in its order, its encoding and with its properties. Entries that it
/// adds are sent in the order of their keys. A malformed member is left out, the others stay. 64
/// members and 8192 bytes, over all header lines together, are kept; whole members beyond that are
/// left out. A stray `%` in a value or a property is sent on as `%25`.
///
/// Follows <https://www.w3.org/TR/baggage/>.
///
/// # Examples
///
/// ```
/// use http::{HeaderMap, HeaderValue};
/// use opentelemetry::{Context, baggage::BaggageExt};
/// use tracewire_propagation::{Baggage, Propagator};
///
/// let mut headers = HeaderMap::new();
/// headers.insert("baggage", HeaderValue::from_static("user=Ada%20L,plan=free"));
/// let context = Baggage::new().extract(&headers, &Context::new());
/// assert_eq!(context.baggage().get("user").unwrap().as_str(), "Ada L");
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Baggage(());

impl Baggage {
    /// Creates the format.
    pub const fn new() -> Self {
        Self(())
    }
}

impl Propagator for Baggage {
    fn extract(&self, headers: &HeaderMap, parent: &Context) -> Context {
        extract(&single(headers, HEADER), headers, parent)
    }

    fn inject(&self, context: &Context, headers: &mut HeaderMap) {
        let entries = context.baggage();
        if unread::inject(context, headers) || entries.is_empty() {
            return;
        }
        match context.get::<Original>() {
            Some(original) if original.is_unchanged(entries) => {
                write::set(headers, HEADER, original.text.as_bytes());
            }
            Some(original) => write::set_string(headers, HEADER, original.with_changes(entries)),
            None => write::set_string(headers, HEADER, header_value(entries)),
        }
    }

    fn header_names(&self) -> &[HeaderName] {
        &NAMES
    }
}

/// Returns `parent` with the baggage in `headers`, of which `found` is the value.
pub(crate) fn extract(found: &Single<'_>, headers: &HeaderMap, parent: &Context) -> Context {
    let plain = match found {
        Single::Absent => return parent.clone(),
        Single::One(line) => plain_in(line, parent),
        Single::Many => None,
    };
    plain.or_else(|| extract_lines(headers, parent)).unwrap_or_else(|| parent.clone())
}

/// Returns `parent` with the baggage in `line`, if that is plain.
fn plain_in(line: &[u8], parent: &Context) -> Option<Context> {
    let line = str::from_utf8(line).ok()?;
    let Plain { entries, is_canonical } = plain::read(line)?;
    Some(with_entries(parent, entries, (!is_canonical).then(|| line.to_owned())))
}

/// Returns `parent` with the baggage in all lines, put right where that is needed.
fn extract_lines(headers: &HeaderMap, parent: &Context) -> Option<Context> {
    let len = joined_len(lines(headers, HEADER), MAX_LEN + 1);
    let mut received = Received::with_capacity(len.unwrap_or(MAX_LEN));
    received.dropped = len.is_none();
    let mut budget = MAX_LEN;
    for line in lines(headers, HEADER).take(MAX_LINES) {
        received.read_line(whole_members(line, budget));
        budget = budget.saturating_sub(line.len() + 1);
    }
    if received.dropped {
        MALFORMED.warn();
    }
    received.into_context(parent)
}

/// Returns `parent` with these entries and, where they do not say all, the list that they are sent on
/// as.
fn with_entries(parent: &Context, entries: Entries, text: Option<String>) -> Context {
    let context = parent.with_baggage(entries);
    let Some(text) = text else { return context };
    let received = if context.span().span_context().is_remote() || !context.has_active_span() {
        context.clone()
    } else {
        // Holding on to a span of this process would put off its end.
        context.with_remote_span_context(SpanContext::NONE)
    };
    context.with_value(Original { text, received })
}

static NAMES: [HeaderName; 1] = [HeaderName::from_static("baggage")];
static HEADER: &HeaderName = &NAMES[0];
static MALFORMED: Malformed = Malformed::new("baggage");

/// Malformed members behind which no more are read.
const MAX_MALFORMED: usize = 64;

/// The front of `line` that fits into `budget` bytes, without a member that is cut.
fn whole_members(line: &[u8], budget: usize) -> &[u8] {
    match line.get(..budget) {
        None => line,
        Some(front) if line.len() == budget => front,
        // A comma right behind the front ends its last member.
        Some(front) if line[budget] == b',' => front,
        Some(front) => &front[..front.iter().rposition(|&byte| byte == b',').unwrap_or_default()],
    }
}

/// The members of a header while they are read.
struct Received {
    entries: Entries,
    list: List,
    /// The list is what [`header_value`] would write.
    canonical: bool,
    duplicates: bool,
    /// Members that were malformed.
    malformed: usize,
    /// Something was malformed or over a limit.
    dropped: bool,
}

impl Received {
    fn with_capacity(bytes: usize) -> Self {
        Self {
            entries: Entries::new(),
            list: List::with_capacity(bytes),
            canonical: true,
            duplicates: false,
            malformed: 0,
            dropped: false,
        }
    }

    fn read_line(&mut self, line: &[u8]) {
        match str::from_utf8(line) {
            Ok(line) => self.read_members(line),
            // U+FFFD belongs to no part of a member, so the broken member alone is malformed.
            Err(_) => self.read_members(&String::from_utf8_lossy(line)),
        }
    }

    fn read_members(&mut self, line: &str) {
        // What a line before this one began is not compared.
        self.canonical &= self.list.text.is_empty();
        let mut previous = "";
        for member in Members::new(line) {
            if self.list.is_full() || self.malformed == MAX_MALFORMED {
                self.dropped = true;
                return;
            }
            let Ok(member) = member else {
                self.dropped = true;
                self.malformed += 1;
                continue;
            };
            let Decoded { value, is_exact, is_canonical } = decode(member.value);
            self.canonical &= is_canonical && previous < member.key;
            previous = member.key;
            let mut properties_at = 0;
            let pushed = self.list.append(|text| {
                text.push_str(member.key);
                text.push('=');
                if is_exact {
                    text.push_str(member.value);
                } else {
                    encode(&value, text);
                }
                properties_at = text.len();
                if !member.properties.is_empty() {
                    push_properties(member.properties, text);
                }
            });
            if !pushed {
                self.dropped = true;
                continue;
            }
            let metadata = match self.list.text.get(properties_at + 1..) {
                Some(properties) => BaggageMetadata::from(properties),
                None => BaggageMetadata::default(),
            };
            let key = keys::key(member.key);
            let earlier = self.entries.insert_with_metadata(key, value, metadata);
            self.duplicates |= earlier.is_some();
        }
    }

    fn into_context(mut self, parent: &Context) -> Option<Context> {
        if self.entries.is_empty() {
            return None;
        }
        if self.duplicates {
            self.list.text = without_duplicates(&self.list.text);
        }
        let text = (!self.canonical).then_some(self.list.text);
        Some(with_entries(parent, self.entries, text))
    }
}

/// `list` with the last member of each key alone: the one that [`Entries`] holds.
fn without_duplicates(list: &str) -> String {
    let key = |member: &str| member.split('=').next().map(str::to_owned);
    let members: Vec<&str> = list.split(',').collect();
    let keys: Vec<_> = members.iter().map(|member| key(member)).collect();
    let last = (0..members.len()).filter(|&at| !keys[at + 1..].contains(&keys[at]));
    last.map(|at| members[at]).collect::<Vec<_>>().join(",")
}

/// The header as it came, beside the entries that OpenTelemetry holds without their order.
#[derive(Debug)]
struct Original {
    text: String,
    /// Holds the entries that were read from `text`, for comparison.
    received: Context,
}

impl Original {
    /// Whether `entries` are the very ones received. While `received` lives nothing else can
    /// stand at their address.
    fn is_unchanged(&self, entries: &Entries) -> bool {
        ptr::eq(entries, self.received.baggage())
    }

    /// The header for what the application made of it: what it left alone as it came and in its
    /// place, then what it added.
    fn with_changes(&self, entries: &Entries) -> String {
        let received = self.received.baggage();
        let mut list = List::with_capacity(self.text.len());
        for member in self.text.split(',') {
            let Some((key, _)) = member.split_once('=') else {
                continue;
            };
            match entries.get_with_metadata(key) {
                None => {}
                Some(entry) if received.get_with_metadata(key) == Some(entry) => {
                    list.push(member);
                }
                Some((value, properties)) => {
                    list.push_parts(key, value.as_str(), properties.as_str());
                }
            }
        }
        for (key, value, properties) in sorted(entries) {
            if received.get(key).is_none() {
                list.push_parts(key, value, properties);
            }
        }
        list.text
    }
}

/// The header for entries whose order nothing tells.
fn header_value(entries: &Entries) -> String {
    let parts = sorted(entries);
    let len: usize = parts.iter().map(|(key, value, rest)| len_of_parts(key, value, rest)).sum();
    let mut list = List::with_capacity(len.saturating_sub(1));
    for (key, value, properties) in parts {
        list.push_parts(key, value, properties);
    }
    list.text
}

/// Key, value and properties of an entry.
type Parts<'a> = (&'a str, &'a str, &'a str);

/// All entries by their keys, so that a caller's list in this order needs no text beside them.
fn sorted(entries: &Entries) -> ArrayVec<Parts<'_>, MAX_MEMBERS> {
    let parts =
        entries.iter().map(|(key, (value, rest))| (key.as_str(), value.as_str(), rest.as_str()));
    let mut parts: ArrayVec<_, MAX_MEMBERS> = parts.take(MAX_MEMBERS).collect(); // it holds no more
    parts.sort_unstable_by_key(|(key, ..)| *key);
    parts
}

#[cfg(test)]
mod tests;
