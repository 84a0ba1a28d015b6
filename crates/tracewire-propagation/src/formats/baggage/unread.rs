//! Baggage that is passed on without being read.

use super::{
    HEADER, MAX_MALFORMED,
    members::{List, MAX_LEN, Members, push_properties},
    sorted, whole_members,
};
use crate::tools::{
    passed_on::PassedOn,
    read::{MAX_LINES, lines},
};
use http::{HeaderMap, HeaderValue};
use opentelemetry::{
    Context,
    baggage::{Baggage as Entries, BaggageExt},
};
use std::ptr;

/// Returns the header as it came, within the limits of what is read.
pub(crate) fn value(headers: &HeaderMap) -> Option<HeaderValue> {
    let mut values = headers.get_all(HEADER).iter();
    let value = match (values.next(), values.next()) {
        (None, _) => None,
        (Some(value), None) if value.len() <= MAX_LEN => Some(value.clone()),
        _ => joined(headers),
    };
    value.filter(|value| !value.is_empty())
}

/// Writes baggage that was kept unread, with what the application added since. Returns whether there
/// was any: what the application cleared is not sent.
pub(crate) fn inject(context: &Context, headers: &mut HeaderMap) -> bool {
    let Some(value) = PassedOn::baggage(context) else { return false };
    let entries = context.baggage();
    if is_untouched(entries) {
        let _ = headers.try_insert(HEADER, value.clone());
    } else if !entries.is_empty()
        && let Ok(value) = HeaderValue::try_from(merged(value, entries))
    {
        let _ = headers.try_insert(HEADER, value);
    }
    true
}

/// Whether `context` has baggage that was not read, and that is sent on.
pub(crate) fn is_kept(context: &Context) -> bool {
    PassedOn::baggage(context).is_some() && is_untouched(context.baggage())
}

/// Whether these are what OpenTelemetry shows of a context that nobody put baggage into.
fn is_untouched(entries: &Entries) -> bool {
    entries.is_empty() && ptr::eq(entries, Context::new().baggage())
}

/// All lines as one, with whole members up to the limit.
fn joined(headers: &HeaderMap) -> Option<HeaderValue> {
    let mut all = Vec::with_capacity(MAX_LEN);
    for line in lines(headers, HEADER).take(MAX_LINES) {
        let comma = usize::from(!all.is_empty());
        let line = whole_members(line, MAX_LEN.saturating_sub(all.len() + comma));
        if line.is_empty() {
            continue;
        }
        if comma == 1 {
            all.push(b',');
        }
        all.extend_from_slice(line);
    }
    HeaderValue::from_bytes(&all).ok()
}

/// What came, but for keys that the application has set, and then what it set.
fn merged(value: &HeaderValue, entries: &Entries) -> String {
    let mut list = List::with_capacity(value.len());
    let text = String::from_utf8_lossy(value.as_bytes());
    let mut malformed = 0;
    for member in Members::new(&text) {
        let Ok(member) = member else {
            malformed += 1;
            if malformed > MAX_MALFORMED {
                break;
            }
            continue;
        };
        if entries.get(member.key).is_none() {
            list.append(|text| {
                text.push_str(member.key);
                text.push('=');
                text.push_str(member.value);
                if !member.properties.is_empty() {
                    push_properties(member.properties, text);
                }
            });
        }
    }
    for (key, value, properties) in sorted(entries) {
        list.push_parts(key, value, properties);
    }
    list.text
}
