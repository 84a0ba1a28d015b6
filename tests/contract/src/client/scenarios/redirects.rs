//! Redirects, whether one span covers them or each hop has its own.

use crate::client::{
    ClientUnderTest, Redirects,
    recorded::parent,
    server::Transport,
    stage::{Stage, assert_child},
};
use http::header::AUTHORIZATION;
use opentelemetry::trace::{FutureExt, Status};

pub async fn one_redirect<C: ClientUnderTest>(over: Transport) {
    let stage = Stage::<C>::new(over).await;
    assert_eq!(stage.get("/redirect").await, 200);
    let expected = match C::REDIRECTS {
        Redirects::OneSpan => vec![stage.answered("/redirect", 200)],
        _ => vec![stage.answered("/redirect", 302), stage.resent("/success", 200, 1)],
    };
    stage.assert_recorded(expected);
    assert_eq!(stage.server.received().len(), 2);
}

pub async fn two_redirects<C: ClientUnderTest>(over: Transport) {
    let stage = Stage::<C>::new(over).await;
    assert_eq!(stage.get("/another-redirect").await, 200);
    let expected = match C::REDIRECTS {
        Redirects::OneSpan => vec![stage.answered("/another-redirect", 200)],
        _ => vec![
            stage.answered("/another-redirect", 302),
            stage.resent("/redirect", 302, 1),
            stage.resent("/success", 200, 2),
        ],
    };
    stage.assert_recorded(expected);
    let spans = stage.spans();
    for (n, received) in stage.server.received().iter().enumerate() {
        let span = if C::REDIRECTS == Redirects::OneSpan { &spans[0] } else { &spans[n] };
        assert_child(received, span);
    }
    let paths: Vec<_> = stage.server.received().into_iter().map(|sent| sent.path).collect();
    assert_eq!(paths, ["/another-redirect", "/redirect", "/success"]);
}

pub async fn redirects_without_end<C: ClientUnderTest>(over: Transport) {
    let stage = Stage::<C>::new(over).await;
    let parent = parent(&stage.capture);
    let answer = stage.client.call(stage.request("/circular-redirect"));
    let answer = answer.with_context(parent).await;
    let spans = stage.spans();
    let (last, followed) = spans.split_last().unwrap();
    match C::REDIRECTS {
        Redirects::Hops => assert_eq!(answer.unwrap().status(), 302),
        _ => {
            answer.unwrap_err();
            last.has("error.type", "redirect").is_status(Status::error(""));
        }
    }
    let hops = if C::REDIRECTS == Redirects::OneSpan { 0 } else { 10 };
    assert_eq!(followed.len(), hops);
    for (n, span) in followed.iter().enumerate() {
        let count = u32::try_from(n).unwrap();
        let mut expected = stage.answered("/circular-redirect", 302);
        if count > 0 {
            // The URL is the same each time, so it is a resend however it is followed.
            expected.insert("http.request.resend_count", i64::from(count).into());
        }
        if C::REDIRECTS == Redirects::Hops {
            expected.remove("http.request.resend_count");
        }
        span.has_exactly(expected);
    }
    assert_eq!(stage.server.received().len(), 11);
}

pub async fn headers_of_the_caller_survive_a_redirect<C: ClientUnderTest>(over: Transport) {
    let stage = Stage::<C>::new(over).await;
    let mut request = stage.request("/to-secured");
    request.headers_mut().insert(AUTHORIZATION, "me".parse().unwrap());
    assert_eq!(stage.send(request).await, 200);
}
