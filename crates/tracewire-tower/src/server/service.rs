//! Begins: one request enters, one exchange starts.

use super::{RequestHead, ResponseBody, ResponseFuture, hooks::ask, layer::Config, request, route};
use http::{Method, Request, Response};
use http_body::Body;
use std::{
    sync::Arc,
    task::{self, Poll},
};
use tower_service::Service;
use tracewire_http::{Exchange, ExchangeHandle, Origin, Scope, Trust, declared_length};
use tracewire_propagation::untraced;

/// The service that [`ServerLayer`](super::ServerLayer) makes.
#[derive(Clone, Debug)]
pub struct ServerService<S> {
    inner: S,
    config: Arc<Config>,
}

impl<S> ServerService<S> {
    pub(super) fn new(inner: S, config: Arc<Config>) -> Self {
        Self { inner, config }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for ServerService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    S::Error: 'static,
    ResBody: Body,
{
    type Response = Response<ResponseBody<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut task::Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let around = request.extensions().get::<ExchangeHandle>();
        let mut scope = match around.filter(|handle| !handle.has_ended()) {
            // Another layer of ours is around this one.
            Some(outer) => {
                if let Some(route) = route::of(&request) {
                    outer.set_route(&route);
                }
                Scope::Bare
            }
            None => self.config.begin(&mut request),
        };
        let method = shape(request.method());
        #[cfg(feature = "tower-http")]
        let is_traced = matches!(scope, Scope::Traced(_));
        let inner = scope.run(|| {
            #[cfg(feature = "tower-http")]
            if is_traced {
                super::request_span::show_ids();
            }
            self.inner.call(request)
        });
        ResponseFuture::new(inner, scope, method, self.config.clone())
    }
}

/// The method as far as it says whether a response has a body. Others are not cloned: one that a
/// caller made up may be as long as all headers together.
fn shape(method: &Method) -> Method {
    match *method {
        Method::HEAD => Method::HEAD,
        Method::CONNECT => Method::CONNECT,
        _ => Method::GET,
    }
}

impl Config {
    fn begin<B>(&self, request: &mut Request<B>) -> Scope<Exchange> {
        let head = RequestHead::new(request);
        let origin = self.origin(&head);
        let path = head.uri.path();
        let excluded = self.excluded.iter().any(|paths| paths.contains(path));
        if excluded || !self.hooks.admits(&head) {
            let (context, handle) = ExchangeHandle::untraced(&untraced(&origin.into_context()));
            // For layers inside: the decision is made.
            request.extensions_mut().insert(handle);
            return Scope::Context(context);
        }
        let exchange = if self.instrumentation.records() {
            self.start(request, &head, origin)
        } else {
            Exchange::unrecorded(origin)
        };
        request.extensions_mut().insert(exchange.handle());
        Scope::Traced(exchange)
    }

    /// What the request's headers and our trust in them make of its parent.
    fn origin(&self, head: &RequestHead<'_>) -> Origin {
        let trust = match &self.hooks.trust {
            None => self.trust,
            // A caller whose headers make the hook panic must gain nothing by it.
            hook => ask(hook, head).unwrap_or(Trust::Ignore),
        };
        trust.origin(|parent| self.instrumentation.extract(head.headers, parent))
    }

    fn start<B>(&self, request: &Request<B>, head: &RequestHead<'_>, origin: Origin) -> Exchange {
        let route = ask(&self.hooks.route, head).flatten();
        let matched = route::of(request);
        let name = ask(&self.hooks.span_name, head).flatten();
        let added = self.hooks.on_request(head);

        let forwarded = self.proxies.forwarded(request::peer(request), head.headers);
        let mut facts = request::describe(request, head.uri, self.scheme, &forwarded);
        facts.route = route.as_deref().or(matched.as_deref());
        facts.name = name.as_deref();
        facts.attributes = added.as_ref().map_or(&[], |added| &added.span);
        let mut exchange = Exchange::serve(&self.instrumentation, origin, &facts);
        if let Some(added) = added {
            exchange.add_metric_attributes(added.metric);
        }
        if exchange.measures_sizes()
            && let Some(bytes) = declared_length(request.headers())
        {
            exchange.request_size(bytes);
        }
        exchange
    }
}
