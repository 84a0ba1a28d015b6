//! docs/context.md

mod tasks {
    use tracewire::span::{span, spawn, spawn_blocking};

    pub(super) async fn order() {
        spawn(async {
            span("send mail").in_scope(|| { /* the work */ })
        })
        .await
        .unwrap();
        spawn_blocking(|| span("render invoice").in_scope(|| { /* the work */ })).await.unwrap();
    }
}

mod anywhere {
    use std::thread;
    use tracewire::span::{current, span};

    pub(super) fn order() {
        let request = current();
        thread::scope(|threads| {
            threads.spawn(|| request.in_scope(|| span("compress").in_scope(|| { /* the work */ })));
        });
    }

    pub(super) async fn any_runtime() {
        let work = current().carry(async {
            span("index").in_scope(|| { /* the work */ })
        });
        tokio::spawn(work).await.unwrap(); // or any other runtime's spawn
    }
}

mod channel {
    use std::sync::mpsc::{Receiver, Sender};
    use tracewire::span::{Span, current, span};

    pub(super) struct Job {
        order: u64,
        sender: Span, // the span that was current when the job was made
    }

    pub(super) fn send(queue: &Sender<Job>, order: u64) {
        let _ = queue.send(Job { order, sender: current() });
    }

    pub(super) fn work(queue: Receiver<Job>) {
        for Job { order, sender } in queue {
            span("ship")
                .parent(sender.context().clone())
                .attribute("order.id", order)
                .in_scope(|| { /* the work */ });
        }
    }
}

mod queue {
    use std::collections::HashMap;
    use tracewire::opentelemetry::{Context, propagation::TextMapPropagator};
    use tracewire::propagation::{TextMap, default_propagator};
    use tracewire::span::{SpanKind, span};

    /// The headers of a message for a broker.
    pub(super) fn headers() -> HashMap<String, String> {
        span("send orders").kind(SpanKind::Producer).in_scope(|| {
            let mut headers = HashMap::new();
            let propagator = TextMap::new(default_propagator());
            propagator.inject_context(&Context::current(), &mut headers);
            headers
        })
    }

    /// Continues the trace of the message, in another process.
    pub(super) fn receive(headers: &HashMap<String, String>) {
        let parent = TextMap::new(default_propagator()).extract(headers);
        span("process orders")
            .kind(SpanKind::Consumer)
            .parent(parent)
            .in_scope(|| { /* the work */ });
    }
}

use std::sync::mpsc;
use tracewire::span::span;
use tracewire_testing::Capture;

#[tokio::test]
async fn tasks_stay_in_the_trace() {
    let capture = Capture::new();
    capture.run(span("order").run(tasks::order())).await;
    capture.run(span("search").run(anywhere::any_runtime())).await;
    capture.finished().await.assert_tree(
        "
        order
          send mail
          render invoice
        search
          index
        ",
    );
}

#[tokio::test]
async fn threads_and_channels_stay_in_the_trace() {
    let capture = Capture::new();
    let (sender, receiver) = mpsc::channel();
    capture.in_scope(|| {
        span("upload").in_scope(anywhere::order);
        span("order").in_scope(|| channel::send(&sender, 7));
        drop(sender);
    });
    capture.in_scope(|| channel::work(receiver));
    capture.finished().await.assert_tree("upload\n  compress\norder\n  ship");
}

#[tokio::test]
async fn a_message_carries_the_trace() {
    let capture = Capture::new();
    capture.in_scope(|| queue::receive(&queue::headers()));
    let expected = "send orders [producer]\n  process orders [consumer]";
    capture.finished().await.assert_tree(expected);
}
