//! OTLP's requests, read in place.
//!
//! A request of a few bytes may declare millions of empty messages. As values in memory these would take
//! fifty times as much as the request, so resources, scopes and items stay slices of it.

use std::fmt;

use prost::DecodeError;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};

/// The fields of `ExportTraceServiceRequest`, `ResourceSpans` and `ScopeSpans`, which have the same numbers
/// for logs and metrics.
const RESOURCES: u32 = 1;
const SCOPES: u32 = 2;
const ITEMS: u32 = 2;
/// The resource of `ResourceSpans`, and the scope of `ScopeSpans`.
const OWN: u32 = 1;

/// An export of any signal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Export<'a>(&'a [u8]);

/// Spans, log records or metrics of one scope.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Group<'a> {
    pub(crate) resource: &'a [u8],
    pub(crate) scope: &'a [u8],
    message: &'a [u8],
}

/// Resources, scopes and items in one request. Real ones take 20 bytes and more, so 16 MiB have fewer, but
/// empty ones would keep the receiver busy for seconds.
const MOST_PARTS: usize = 1_000_000;

/// Why a request is not taken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NotTaken {
    NotOtlp(String),
    TooMany,
}

impl fmt::Display for NotTaken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOtlp(reason) => write!(f, "not OTLP: {reason}"),
            Self::TooMany => {
                f.write_str("more than 1,000,000 resources, scopes and items; send smaller batches")
            }
        }
    }
}

impl From<DecodeError> for NotTaken {
    fn from(error: DecodeError) -> Self {
        Self::NotOtlp(error.to_string())
    }
}

impl<'a> Export<'a> {
    /// Reads a request down to its items, which may still be malformed.
    pub(crate) fn parse(request: &'a [u8]) -> Result<Self, NotTaken> {
        let mut parts = 0;
        for resource in fields(request, RESOURCES) {
            let resource = resource?;
            check(resource, OWN, &mut parts)?;
            for scope in fields(resource, SCOPES) {
                let scope = scope?;
                check(scope, OWN, &mut parts)?;
                check(scope, ITEMS, &mut parts)?;
            }
        }
        Ok(Self(request))
    }

    /// Returns the groups that have items.
    pub(crate) fn groups(self) -> impl Iterator<Item = Group<'a>> {
        readable(self.0, RESOURCES).flat_map(|message| {
            let resource = readable(message, OWN).last().unwrap_or_default();
            let scopes = readable(message, SCOPES);
            scopes.filter(|scope| readable(scope, ITEMS).next().is_some()).map(move |message| {
                let scope = readable(message, OWN).last().unwrap_or_default();
                Group { resource, scope, message }
            })
        })
    }
}

impl<'a> Group<'a> {
    /// Returns the encoded items.
    pub(crate) fn items(self) -> impl Iterator<Item = &'a [u8]> {
        readable(self.message, ITEMS)
    }
}

/// Checks all fields of a number, and counts them with their message.
fn check(message: &[u8], tag: u32, parts: &mut usize) -> Result<(), NotTaken> {
    *parts += 1;
    for field in fields(message, tag) {
        field?;
        *parts += 1;
        if *parts > MOST_PARTS {
            return Err(NotTaken::TooMany);
        }
    }
    if *parts > MOST_PARTS { Err(NotTaken::TooMany) } else { Ok(()) }
}

/// The fields of a message that was checked.
fn readable(message: &[u8], tag: u32) -> impl Iterator<Item = &[u8]> {
    fields(message, tag).map_while(Result::ok)
}

/// The messages in all fields of a number. Ends after an error.
fn fields(message: &[u8], tag: u32) -> impl Iterator<Item = Result<&[u8], NotTaken>> {
    let mut rest = message;
    std::iter::from_fn(move || {
        let field = next_field(&mut rest, tag).transpose();
        if matches!(field, Some(Err(_))) {
            rest = &[];
        }
        field
    })
}

fn next_field<'a>(rest: &mut &'a [u8], tag: u32) -> Result<Option<&'a [u8]>, NotTaken> {
    while !rest.is_empty() {
        let (found, kind) = decode_key(rest)?;
        if found != tag {
            skip_field(kind, found, rest, DecodeContext::default())?;
            continue;
        }
        if kind != WireType::LengthDelimited {
            return Err(NotTaken::NotOtlp(format!("field {tag} is not a message")));
        }
        let length = usize::try_from(decode_varint(rest)?).unwrap_or(usize::MAX);
        let Some((field, after)) = rest.split_at_checked(length) else {
            let reason = "a message is longer than what is left".to_owned();
            return Err(NotTaken::NotOtlp(reason));
        };
        *rest = after;
        return Ok(Some(field));
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
    use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
    use opentelemetry_proto::tonic::resource::v1::Resource;
    use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
    use proptest::collection::vec;
    use proptest::prelude::*;
    use prost::Message;

    use super::*;

    /// Resource, scope and name of each span, as they are read in place.
    fn read(request: &[u8]) -> Vec<(u32, String, String)> {
        let groups = Export::parse(request).unwrap().groups();
        let spans = groups.flat_map(|group| {
            let resource = Resource::decode(group.resource).unwrap().dropped_attributes_count;
            let scope = InstrumentationScope::decode(group.scope).unwrap().name;
            let names = group.items().map(|item| Span::decode(item).unwrap().name);
            names.map(move |name| (resource, scope.clone(), name))
        });
        spans.collect()
    }

    proptest! {
        #[test]
        fn what_was_encoded_is_read(shape in vec((1..9_u32, vec(("[a-c]?", vec("[a-z]{0,4}", 0..3)), 0..3)), 0..4)) {
            let mut expected = Vec::new();
            let mut request = ExportTraceServiceRequest::default();
            for (number, scopes) in shape {
                let resource = Resource { dropped_attributes_count: number, ..Resource::default() };
                let mut group = ResourceSpans { resource: Some(resource), ..ResourceSpans::default() };
                for (scope, names) in scopes {
                    let name = |name: &String| (number, scope.clone(), name.clone());
                    expected.extend(names.iter().map(name));
                    let spans = names.into_iter().map(|name| Span { name, ..Span::default() });
                    let spans = spans.collect();
                    let scope = InstrumentationScope { name: scope, ..InstrumentationScope::default() };
                    group.scope_spans.push(ScopeSpans { scope: Some(scope), spans, ..ScopeSpans::default() });
                }
                request.resource_spans.push(group);
            }
            prop_assert_eq!(read(&request.encode_to_vec()), expected);
        }

        #[test]
        fn bytes_are_read_exactly_if_protobuf_reads_them(bytes in vec(prop_oneof![0..32_u8, any::<u8>()], 0..40)) {
            // Items may be malformed here, where they are refused one by one.
            if ExportTraceServiceRequest::decode(&*bytes).is_ok() {
                prop_assert!(Export::parse(&bytes).is_ok());
            }
            if let Ok(export) = Export::parse(&bytes) {
                prop_assert!(export.groups().flat_map(Group::items).count() <= bytes.len() / 2);
            }
        }
    }

    #[test]
    fn more_parts_than_a_real_request_has_are_refused_wherever_they_are() {
        let field = |number: u8, message: &[u8]| {
            let mut field = vec![number << 3 | 2];
            prost::encoding::encode_varint(message.len() as u64, &mut field);
            [field, message.to_vec()].concat()
        };
        let many = |number| field(number, &[]).repeat(MOST_PARTS + 1);
        let scope = |message: &[u8]| field(1, &field(2, message));
        for request in
            [many(1), field(1, &many(1)), field(1, &many(2)), scope(&many(1)), scope(&many(2))]
        {
            assert_eq!(Export::parse(&request).unwrap_err(), NotTaken::TooMany);
        }
        let fewer = scope(&field(2, &[]).repeat(MOST_PARTS - 3));
        assert_eq!(
            Export::parse(&fewer).unwrap().groups().flat_map(Group::items).count(),
            MOST_PARTS - 3
        );
    }

    #[test]
    fn a_resource_after_its_scopes_is_theirs_too() {
        // Field 2 with a scope of one empty item, then field 1 with a resource.
        let request = [0x0a, 0x08, 0x12, 0x02, 0x12, 0x00, 0x0a, 0x02, 0x10, 0x07];
        let groups: Vec<_> = Export::parse(&request).unwrap().groups().collect();
        assert_eq!((groups.len(), groups[0].resource), (1, &[0x10, 0x07][..]));
    }
}
