//! A span before its start.

use crate::{
    InSpan, Span, SpanOutput, StreamInSpan, Tracer, limit, provider,
    run::{self, Lazy, Started},
    tracer::polled_parent,
    value::{IntoAttribute, IntoValue, attribute, attributes},
};
use futures_core::Stream;
use opentelemetry::{
    Context, Key, KeyValue,
    baggage::{Baggage, BaggageExt},
    trace::{self, Link, SpanContext, SpanKind},
};
use std::{borrow::Cow, mem, sync::Arc, time::SystemTime};
use tracewire_propagation::current;

/// A span before its start. Samplers see what is set here.
///
/// Returned by [`span`](crate::span()) and [`Tracer::span`]. Unless you set one, its parent is the
/// span that is current at the start; if there is none, as in a task that was just spawned, it is the
/// one that was current where the future or stream was made.
///
/// ```
/// use tracewire_span::{SpanKind, span};
/// # async fn fetch(_: u64) -> Result<String, std::io::Error> { Ok(String::new()) }
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # let id = 17;
/// let price = span("price")
///     .kind(SpanKind::Client)
///     .attribute("item.id", id)
///     .run(fetch(id))
///     .await;
/// # });
/// ```
#[derive(Clone, Debug)]
#[must_use = "a span starts with `run`, `in_scope`, `stream` or `start`"]
pub struct SpanBuilder {
    tracer: Tracer,
    name: Cow<'static, str>,
    kind: SpanKind,
    attributes: Vec<KeyValue>,
    rare: Option<Box<Rare>>,
}

/// What few spans have: futures hold a builder until they are polled.
#[derive(Clone, Debug, Default)]
struct Rare {
    parent: Option<Context>,
    links: Vec<Link>,
    start_time: Option<SystemTime>,
}

impl SpanBuilder {
    pub(crate) fn new(tracer: Tracer, name: Cow<'static, str>) -> Self {
        let name = limit::name(name);
        Self { tracer, name, kind: SpanKind::Internal, attributes: Vec::new(), rare: None }
    }

    /// Sets the role of the span in a call between services. Default: `Internal`.
    pub fn kind(mut self, kind: SpanKind) -> Self {
        self.kind = kind;
        self
    }

    /// Sets an attribute. The last value of a key wins.
    pub fn attribute(mut self, key: impl Into<Key>, value: impl IntoValue) -> Self {
        self.set(attribute(key, value));
        self
    }

    /// Sets several attributes.
    pub fn attributes<I>(mut self, several: I) -> Self
    where
        I: IntoIterator,
        I::Item: IntoAttribute,
    {
        attributes(several).for_each(|attribute| self.set(Some(attribute)));
        self
    }

    fn set(&mut self, attribute: Option<KeyValue>) {
        let Some(attribute) = attribute else { return };
        let set = &mut self.attributes;
        match set.iter_mut().find(|own| own.key == attribute.key) {
            Some(own) => *own = attribute,
            None => {
                if set.capacity() == 0 {
                    *set = Vec::with_capacity(4); // to grow from nothing costs more
                }
                set.push(attribute);
            }
        }
    }

    /// Links the span to another one that it is not a child of.
    pub fn link(self, other: SpanContext) -> Self {
        self.link_with(other, [] as [KeyValue; 0])
    }

    /// Links the span to another one, with attributes on the link.
    pub fn link_with<I>(mut self, other: SpanContext, several: I) -> Self
    where
        I: IntoIterator,
        I::Item: IntoAttribute,
    {
        if other.is_valid() {
            let link = Link::new(other, attributes(several).collect(), 0);
            self.rare().links.push(link);
        }
        self
    }

    /// Makes the span a child of this one, or of the span in this context.
    pub fn parent(mut self, parent: impl Into<Context>) -> Self {
        self.rare().parent = Some(parent.into());
        self
    }

    /// Makes the span the root of a new trace. Baggage stays.
    pub fn root(self) -> Self {
        // There is no way to take the span out of a context, so what else we know of moves over.
        let root = current::with(|current| {
            let mut root = Context::new();
            if !current.baggage().is_empty() {
                root = root.with_baggage(clone(current.baggage()));
            }
            if let Some(provider) = provider::provider(current) {
                root = root.with_value(Arc::clone(provider));
            }
            root
        });
        self.parent(root)
    }

    /// Sets when the work began. Default: the start of the span.
    pub fn start_time(mut self, start: SystemTime) -> Self {
        self.rare().start_time = Some(start);
        self
    }

    /// Does not record an `Err`, and accepts outputs of any type. Panics are still recorded.
    ///
    /// Call it last, before `run`, `in_scope` or `stream`.
    ///
    /// ```
    /// # use tracewire_span::span;
    /// # struct Page;
    /// # fn find(_: &str) -> Result<Page, String> { Err(String::from("not there")) }
    /// // A missing page is an ordinary answer here.
    /// let page = span("find page").ignore_errors().in_scope(|| find("/home"));
    /// ```
    pub fn ignore_errors(self) -> WithoutErrors {
        WithoutErrors(self)
    }

    /// Runs a future inside the span.
    ///
    /// The span starts when the future is first polled, is current in every poll, and ends when the
    /// future is done or dropped. An `Err` is recorded as by [`Span::fail`], with its message; so is a
    /// panic, which then continues. Credentials in URLs and after `password=` are removed from the
    /// message, other values are not: use [`ignore_errors`](Self::ignore_errors) if an error may quote
    /// private data.
    pub fn run<F>(self, future: F) -> InSpan<F>
    where
        F: Future,
        F::Output: SpanOutput,
    {
        InSpan::new(Lazy::custom(self), future, F::Output::record_on)
    }

    /// Runs a closure inside the span, with errors and panics recorded as in [`run`](Self::run).
    ///
    /// Do not return an `async` block from the closure: it would run after the span has ended.
    pub fn in_scope<T: SpanOutput>(self, scope: impl FnOnce() -> T) -> T {
        run::in_scope(&self.start_current(), scope, T::record_on)
    }

    /// Runs a stream inside the span, which ends when the stream ends or is dropped.
    ///
    /// Every item that is an `Err` is recorded.
    pub fn stream<S>(self, stream: S) -> StreamInSpan<S>
    where
        S: Stream,
        S::Item: SpanOutput,
    {
        StreamInSpan::new(Lazy::custom(self), stream, S::Item::record_on)
    }

    /// Starts the span without making it current, for work that ends elsewhere.
    ///
    /// ```
    /// # use tracewire_span::span;
    /// let upload = span("upload").start();
    /// upload.in_scope(|| span("first part").in_scope(|| ()));
    /// std::thread::spawn(move || {
    ///     upload.in_scope(|| span("second part").in_scope(|| ()));
    ///     upload.end();
    /// });
    /// ```
    pub fn start(self) -> Span {
        self.start_current().span
    }

    fn start_current(mut self) -> Started {
        self.start_in(current::get)
    }

    /// Starts the span at the first poll of a future that was made in this context.
    ///
    /// The builder is left empty where it is: to move it costs more.
    pub(crate) fn start_polled(&mut self, made_in: &Context) -> Started {
        self.start_in(|| polled_parent(made_in).0)
    }

    fn start_in(&mut self, parent: impl FnOnce() -> Context) -> Started {
        let Self { tracer, name, kind, attributes, rare } = self;
        let name = mem::replace(name, Cow::Borrowed(""));
        let attributes = mem::take(attributes);
        let mut builder = trace::SpanBuilder::from_name(name).with_kind(kind.clone());
        builder.attributes = (!attributes.is_empty()).then_some(attributes);
        let Some(rare) = rare.take() else { return tracer.start(builder, &parent()) };
        builder.links = (!rare.links.is_empty()).then_some(rare.links);
        builder.start_time = rare.start_time;
        tracer.start(builder, &rare.parent.unwrap_or_else(parent))
    }

    fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }
}

/// A [`SpanBuilder`] after [`ignore_errors`](SpanBuilder::ignore_errors).
///
/// ```
/// use tracewire_span::span;
///
/// # async fn lookup(item: &str) -> Result<u32, std::num::ParseIntError> { item.parse() }
/// # async fn example() {
/// // Not finding the item in the cache is no error.
/// let cached = span("look up").ignore_errors().run(lookup("lamp")).await;
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a span starts with `run`, `in_scope` or `stream`"]
pub struct WithoutErrors(SpanBuilder);

impl WithoutErrors {
    /// Runs a future inside the span, as [`SpanBuilder::run`] does.
    pub fn run<F: Future>(self, future: F) -> InSpan<F> {
        InSpan::new(Lazy::custom(self.0), future, ignore)
    }

    /// Runs a closure inside the span, as [`SpanBuilder::in_scope`] does.
    pub fn in_scope<T>(self, scope: impl FnOnce() -> T) -> T {
        run::in_scope(&self.0.start_current(), scope, ignore)
    }

    /// Runs a stream inside the span, as [`SpanBuilder::stream`] does.
    pub fn stream<S: Stream>(self, stream: S) -> StreamInSpan<S> {
        StreamInSpan::new(Lazy::custom(self.0), stream, ignore)
    }
}

fn ignore<T>(_: &T, _: &Span) {}

fn clone(baggage: &Baggage) -> Baggage {
    baggage.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
}
