//! Bodies that take their time.

use std::pin::Pin;
use std::sync::atomic::AtomicUsize;
use std::task::{Context, Poll};

use http::StatusCode;
use http_body::Frame;
use tokio::sync::watch;
use tokio::task::yield_now;
use tokio::time::Instant;
use tracewire_live::Live;

use super::*;

/// A body without a byte, which ends when it is let go. It counts those that are being read.
struct Held {
    ends: Pin<Box<dyn Future<Output = ()> + Send>>,
    asked: Arc<AtomicUsize>,
    was_asked: bool,
}

impl Held {
    fn new(mut ends: watch::Receiver<bool>, asked: &Arc<AtomicUsize>) -> Self {
        let ends = async move { drop(ends.wait_for(|ends| *ends).await) };
        Self { ends: Box::pin(ends), asked: Arc::clone(asked), was_asked: false }
    }
}

impl http_body::Body for Held {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if !self.was_asked {
            self.was_asked = true;
            self.asked.fetch_add(1, Relaxed);
        }
        self.ends.as_mut().poll(cx).map(|()| None)
    }
}

fn receiver() -> Receiver {
    let recorder = Live::new().build();
    Receiver::new(Intake::new(&recorder), recorder.own_page())
}

fn request<B>(body: B) -> Request<B> {
    let mut request = Request::post("/v1/traces")
        .header("host", "localhost:4318")
        .header("content-type", "application/x-protobuf")
        .body(body)
        .unwrap();
    request.extensions_mut().insert(PeerAddress(([127, 0, 0, 1], 5000).into()));
    request
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_end_is_given_up() {
    let (_keep, never) = watch::channel(false);
    let begun = Instant::now();
    let answer = receiver().answer(request(Held::new(never, &Arc::default()))).await;
    assert_eq!(answer.status(), StatusCode::REQUEST_TIMEOUT);
    assert_eq!(begun.elapsed().as_secs(), body::PATIENCE.as_secs());
}

#[tokio::test(start_paused = true)]
async fn sixteen_bodies_are_read_at_a_time_and_the_next_one_waits() {
    let receiver = receiver();
    let asked = Arc::new(AtomicUsize::new(0));
    let mut held = Vec::new();
    for _ in 0..=MOST_BODIES {
        let (end, ends) = watch::channel(false);
        let (receiver, request) = (receiver.clone(), request(Held::new(ends, &asked)));
        let task = tokio::spawn(async move { receiver.answer(request).await.status() });
        held.push((end, task));
        yield_now().await;
    }
    assert_eq!(asked.load(Relaxed), MOST_BODIES);
    let (end, task) = held.swap_remove(0);
    end.send(true).unwrap();
    assert_eq!(task.await.unwrap(), StatusCode::OK);
    yield_now().await;
    assert_eq!(asked.load(Relaxed), MOST_BODIES + 1);
    for (end, task) in held {
        end.send(true).unwrap();
        assert_eq!(task.await.unwrap(), StatusCode::OK);
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_finds_no_place_for_its_body_is_told_to_come_again() {
    let receiver = receiver();
    let places = Arc::clone(&receiver.bodies).acquire_many_owned(MOST_BODIES as u32).await.unwrap();
    let (_keep, never) = watch::channel(false);
    let begun = Instant::now();
    let answer = receiver.answer(request(Held::new(never, &Arc::default()))).await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(begun.elapsed().as_secs(), body::PATIENCE.as_secs());
    drop(places);
    let (end, ends) = watch::channel(false);
    end.send(true).unwrap();
    let answer = receiver.answer(request(Held::new(ends, &Arc::default()))).await;
    assert_eq!(answer.status(), StatusCode::OK);
}
