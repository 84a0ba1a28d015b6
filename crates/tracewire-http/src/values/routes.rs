//! Routes, which come again with nearly every request: their template and what is made of it.

use super::{
    OTHER, conventional,
    repeated::{self, LONGEST, Slots, digest, slot},
};
use foldhash::fast::RandomState;
use opentelemetry::StringValue;
use std::{borrow::Cow, cell::RefCell, hash::BuildHasher, ptr, sync::LazyLock};

/// The template of a route, and what is made of it for each request.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    pub(crate) template: StringValue,
    /// Its [`text_digest`].
    pub(crate) digest: u64,
    /// The span's name with the request's method, if it lasts.
    name: Option<&'static str>,
}

/// A route as this thread saw it last with one method.
struct Known {
    method: StringValue,
    route: Route,
}

impl Known {
    fn is(&self, template: &str, method: &StringValue) -> bool {
        self.route.template.as_str() == template && is_same(&self.method, method)
    }
}

thread_local! {
    static ROUTES: Slots<Known> = const { RefCell::new([const { None }; repeated::SLOTS]) };
}

impl Route {
    /// The route of this template, for requests of `method`; shared with earlier ones if this thread
    /// still knows it.
    pub(crate) fn of(template: &str, method: &StringValue) -> Self {
        if template.len() > LONGEST {
            return Self::new(template, method);
        }
        let shared = ROUTES.try_with(|routes| {
            let place = digest(template) ^ digest(method.as_str()).rotate_left(7);
            let slot = &mut routes.borrow_mut()[slot(place)];
            match slot {
                Some(known) if known.is(template, method) => known.route.clone(),
                _ => {
                    let route = Self::new(template, method);
                    slot.insert(Known { method: method.clone(), route }).route.clone()
                }
            }
        });
        shared.unwrap_or_else(|_| Self::new(template, method)) // the thread is ending
    }

    fn new(template: &str, method: &StringValue) -> Self {
        let name = match span_name(method, Some(template)) {
            Cow::Borrowed(name) => Some(name),
            Cow::Owned(_) => None,
        };
        let template = repeated::text(template).into();
        Self { digest: text_digest(&template), template, name }
    }

    /// The name of a span of `method`, the one that it was made for.
    pub(crate) fn span_name(&self, method: &StringValue) -> Cow<'static, str> {
        match self.name {
            Some(name) => Cow::Borrowed(name),
            None => span_name(method, Some(self.template.as_str())),
        }
    }
}

/// `{method} {target}`, or the method alone; a method that is not known is `HTTP`.
pub(crate) fn span_name(method: &StringValue, target: Option<&str>) -> Cow<'static, str> {
    let method = if method.as_str() == OTHER { "HTTP" } else { method.as_str() };
    let Some(target) = target else {
        return conventional(method).map_or_else(|| Cow::Owned(method.to_owned()), Cow::Borrowed);
    };
    repeated::span_name(method, target)
}

/// Whether two texts are equal. Most are the very same, which is seen without reading them.
pub(crate) fn is_same(one: &StringValue, other: &StringValue) -> bool {
    let (one, other) = (one.as_str(), other.as_str());
    ptr::eq(one, other) || one == other
}

/// A number from all bytes of a text, with random keys, so that nobody can choose texts that are taken
/// for one another.
pub(crate) fn text_digest(text: &StringValue) -> u64 {
    static KEYS: LazyLock<RandomState> = LazyLock::new(RandomState::default);
    KEYS.hash_one(text.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn method(name: &'static str) -> StringValue {
        StringValue::from(name)
    }

    #[test]
    fn a_repeated_route_is_shared_by_all_methods() {
        let template = |route: &Route| route.template.as_str().as_ptr();
        let first = Route::of("/routes/{id}", &method("GET"));
        for name in ["GET", "POST", "GET"] {
            let again = Route::of("/routes/{id}", &method(name));
            assert_eq!(template(&again), template(&first));
            assert_eq!(again.digest, first.digest);
            assert_eq!(again.span_name(&method(name)), format!("{name} /routes/{{id}}"));
        }
    }

    #[test]
    fn every_route_has_its_own_name() {
        for n in 0..4 * repeated::SLOTS {
            let template = format!("/routes/own/{n}");
            let route = Route::of(&template, &method(OTHER));
            assert_eq!(route.template.as_str(), template);
            assert_eq!(route.span_name(&method(OTHER)), format!("HTTP {template}"));
        }
    }

    #[test]
    fn a_long_template_is_not_kept() {
        let long = "/a".repeat(LONGEST);
        let route = Route::of(&long, &method("GET"));
        assert_eq!(route.template.as_str(), long);
        assert_eq!(route.span_name(&method("GET")), format!("GET {long}"));
    }
}
