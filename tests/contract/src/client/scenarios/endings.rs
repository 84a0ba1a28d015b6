//! When a call ends: with the head of its response, with the body, or before.

use crate::client::{
    ClientUnderTest, Setup, recorded::unanswered, server::Transport, stage::Stage,
};
use http_body_util::BodyExt;
use opentelemetry::trace::Status;

pub async fn a_call_ends_with_the_head<C: ClientUnderTest>(over: Transport) {
    let stage = Stage::<C>::new(over).await;
    let response = stage.client.call(stage.request("/long-request")).await.unwrap();
    stage.assert_recorded([stage.answered("/long-request", 200)]);
    stage.server.release();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(&*body, b"HelloWorld");
    assert_eq!(stage.spans().len(), 1);
}

pub async fn a_call_can_end_with_the_body<C: ClientUnderTest>(over: Transport) {
    let stage = Stage::<C>::set_up(over, Setup { end_at_body: true, ..Setup::default() }).await;
    let response = stage.client.call(stage.request("/long-request")).await.unwrap();
    assert!(stage.spans().is_empty());
    stage.server.release();
    let mut body = response.into_body();
    let mut read = 0;
    while read < 10 {
        read += body.frame().await.unwrap().unwrap().into_data().unwrap().len();
    }
    // The last byte is the end, also for those who do not ask again.
    stage.assert_recorded([stage.answered("/long-request", 200)]);
}

pub async fn a_response_without_a_body_ends_at_once<C: ClientUnderTest>(over: Transport) {
    let stage = Stage::<C>::set_up(over, Setup { end_at_body: true, ..Setup::default() }).await;
    let response = stage.client.call(stage.request("/missing")).await.unwrap();
    stage.assert_recorded([stage.answered("/missing", 404)]);
    drop(response);
}

pub async fn a_broken_body_is_an_error<C: ClientUnderTest>(over: Transport) {
    let stage = Stage::<C>::set_up(over, Setup { end_at_body: true, ..Setup::default() }).await;
    let response = stage.client.call(stage.request("/broken-body")).await.unwrap();
    stage.server.release();
    response.into_body().collect().await.unwrap_err();
    let mut expected = stage.answered("/broken-body", 200);
    expected.insert("error.type", "body".into());
    stage.assert_recorded([expected]);
    stage.span().is_status(Status::error(""));
}

pub async fn a_dropped_body_is_no_error<C: ClientUnderTest>(over: Transport) {
    let stage = Stage::<C>::set_up(over, Setup { end_at_body: true, ..Setup::default() }).await;
    drop(stage.client.call(stage.request("/long-request")).await.unwrap());
    stage.assert_recorded([stage.answered("/long-request", 200)]);
    stage.span().is_status(Status::Unset);
}

pub async fn a_dropped_call_is_no_error<C: ClientUnderTest>(over: Transport) {
    let stage = Stage::<C>::new(over).await;
    tokio::select! {
        _ = stage.client.call(stage.request("/silence")) => unreachable!("there is no answer"),
        () = stage.server.arrived() => {}
    }
    let url = stage.server.url("/silence");
    let expected = unanswered(stage.server.port(), &url, None);
    stage.assert_recorded([expected]);
    stage.span().is_status(Status::Unset);
}
