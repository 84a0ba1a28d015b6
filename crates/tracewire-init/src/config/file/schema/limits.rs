//! `attribute_limits`, and the limits of spans and log records.

use crate::config::file::position::{Place, Spanned};
use crate::config::file::read::{Cursor, Fields};

/// The depth of nested values that exporters keep, which cannot be changed.
const DEPTH: i64 = 64;

/// Limits of attributes, in general or of one signal. A signal's own ones win over the general ones.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AttributeLimits {
    pub(crate) place: Place,
    /// Characters of a value. Default: no limit.
    pub(crate) value_length: Option<Spanned<usize>>,
    /// Attributes of one item. Default: 128.
    pub(crate) count: Option<Spanned<usize>>,
}

/// `tracer_provider.limits`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SpanLimits {
    pub(crate) attributes: AttributeLimits,
    /// Each of these is 128 by default.
    pub(crate) events: Option<Spanned<usize>>,
    pub(crate) links: Option<Spanned<usize>>,
    pub(crate) event_attributes: Option<Spanned<usize>>,
    pub(crate) link_attributes: Option<Spanned<usize>>,
}

const ATTRIBUTES: [&str; 3] =
    ["attribute_value_length_limit", "attribute_value_depth_limit", "attribute_count_limit"];

impl AttributeLimits {
    /// `attribute_limits` and `logger_provider.limits`.
    pub(super) fn read(cursor: Cursor<'_>) -> Option<Self> {
        Some(Self::of(cursor, &cursor.fields(&ATTRIBUTES)?))
    }

    fn of(cursor: Cursor<'_>, fields: &Fields<'_>) -> Self {
        let limit = |key| fields.setting(key, |cursor| cursor.limit(0));
        let [length, depth, count] = ATTRIBUTES;
        fields.setting(depth, |cursor| {
            let found = cursor.whole(1..=i64::MAX)?;
            if *found != DEPTH {
                cursor.unsupported(format_args!("remove it or set it to {DEPTH}, its default"));
            }
            Some(())
        });
        Self { place: cursor.place(), value_length: limit(length), count: limit(count) }
    }
}

impl SpanLimits {
    pub(super) fn read(cursor: Cursor<'_>) -> Option<Self> {
        let [length, depth, count] = ATTRIBUTES;
        let [events, links, event_attributes, link_attributes] = [
            "event_count_limit",
            "link_count_limit",
            "event_attribute_count_limit",
            "link_attribute_count_limit",
        ];
        let known = [length, depth, count, events, links, event_attributes, link_attributes];
        let fields = cursor.fields(&known)?;
        let limit = |key| fields.setting(key, |cursor| cursor.limit(0));
        Some(Self {
            attributes: AttributeLimits::of(cursor, &fields),
            events: limit(events),
            links: limit(links),
            event_attributes: limit(event_attributes),
            link_attributes: limit(link_attributes),
        })
    }
}
