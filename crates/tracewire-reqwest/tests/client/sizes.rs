//! A middleware's future lies in a box of its own: what it takes is allocated with every call.

use http::Extensions;
use reqwest::{Request, Response};
use reqwest_middleware::{ClientBuilder, Middleware, Next, Result};
use std::mem::size_of_val;
use tracewire_reqwest::{ClientMiddleware, Redirects};

/// Looks at the future of the middleware inside it, and answers without it.
struct Measure(fn(usize));

#[async_trait::async_trait]
impl Middleware for Measure {
    async fn handle(
        &self,
        request: Request,
        all: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response> {
        self.0(size_of_val(&*next.run(request, all)));
        Ok(http::Response::new("").into())
    }
}

async fn measure(inner: ClientMiddleware, look: fn(usize)) {
    let client = ClientBuilder::new(reqwest::Client::new()).with(Measure(look)).with(inner).build();
    client.get("http://127.0.0.1/").send().await.unwrap();
}

#[tokio::test]
async fn the_future_of_a_call_is_small() {
    measure(ClientMiddleware::new(), |size| {
        println!("future {size}, request {}", size_of::<Request>());
        println!("response {}", size_of::<Result<Response>>());
        assert!(size <= 512, "{size}");
    })
    .await;
    let following = ClientMiddleware::new().redirects(Redirects::default());
    measure(following, |size| assert!(size <= 1536, "{size}")).await;
}
