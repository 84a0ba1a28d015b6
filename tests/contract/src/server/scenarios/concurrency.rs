//! Many requests at once: each keeps to its own trace.

use crate::server::{Running, ServerUnderTest, app::CROWD, bodies};
use futures_util::future::join_all;
use tokio::sync::Mutex;
use tracewire_testing::{Span, Spans};

/// Crowds come one at a time: each holds many sockets, and a process may have only so many.
static TURN: Mutex<()> = Mutex::const_new(());

/// The trace and the parent that request `n` names.
fn ids(n: usize) -> (String, String) {
    (format!("{:032x}", n + 1), format!("{:016x}", n + 1))
}

fn traceparent(n: usize) -> String {
    let (trace, parent) = ids(n);
    format!("00-{trace}-{parent}-01")
}

/// The server span of request `n`, and its only child.
fn family(spans: &Spans, n: usize) -> (Span, Span) {
    let (trace, parent) = ids(n);
    let family: Vec<_> = spans.iter().filter(|span| span.trace_id.to_string() == trace).collect();
    let [server, child] = family[..] else { panic!("request {n}:\n{spans}") };
    assert_eq!(server.parent_span_id.unwrap().to_string(), parent);
    child.is_child_of(server);
    (server.clone(), child.clone())
}

pub async fn requests_interleaved_on_one_thread_keep_to_their_traces<S: ServerUnderTest>() {
    let _turn = TURN.lock().await;
    let running = Running::start::<S>().await;
    let requests = running.crowd(CROWD).await.into_iter().enumerate();
    // Every handler waits until all are there.
    let answers = requests.map(async |(n, mut client)| {
        let request = client.request("GET", &format!("/meet?id={n}"));
        let request = request.header("traceparent", traceparent(n)).body(bodies::empty()).unwrap();
        (client.ask(request).await.body, client)
    });
    let answers = join_all(answers).await;
    let spans = running.ended(2 * CROWD).await;
    for (n, (body, client)) in answers.into_iter().enumerate() {
        assert_eq!(body, format!("id={n}"));
        let (server, controller) = family(&spans, n);
        let expected = running.expected(client.address, "/meet").route("/meet");
        expected.set("url.query", format!("id={n}")).check(&server);
        controller.has_exactly([
            ("test.id.first", format!("id={n}")),
            ("test.id.last", format!("id={n}")),
        ]);
    }
}

pub async fn pipelined_requests_keep_to_their_traces<S: ServerUnderTest>() {
    let running = Running::start::<S>().await;
    let mut raw = running.connect_raw().await;
    let requests: String = (0..10)
        .map(|n| {
            let traceparent = traceparent(n);
            format!("GET /query?id={n} HTTP/1.1\r\nHost: a\r\ntraceparent: {traceparent}\r\n\r\n")
        })
        .collect();
    raw.write(requests).await;
    for n in 0..10 {
        assert_eq!(raw.read().await.body, format!("id={n}"));
    }
    let spans = running.ended(20).await;
    for n in 0..10 {
        let (server, _) = family(&spans, n);
        running
            .expected(raw.address, "/query")
            .route("/query")
            .set("url.query", format!("id={n}"))
            .set("server.address", "a")
            .unset("server.port")
            .unset("user_agent.original")
            .check(&server);
    }
}

pub async fn pipelined_uploads_keep_to_their_traces<S: ServerUnderTest>() {
    let running = Running::start::<S>().await;
    let mut raw = running.connect_raw().await;
    for n in 0..10 {
        let (traceparent, size) = (traceparent(n), n + 1);
        raw.write(format!(
            "POST /upload HTTP/1.1\r\nHost: a\r\ntraceparent: {traceparent}\r\n\
             Transfer-Encoding: chunked\r\n\r\n{size:x}\r\n{}\r\n3\r\nend\r\n0\r\n\r\n",
            "x".repeat(size)
        ))
        .await;
    }
    for n in 0..10 {
        assert_eq!(raw.read().await.body, (n + 4).to_string());
    }
    let spans = running.ended(20).await;
    for n in 0..10 {
        let (server, consumer) = family(&spans, n);
        consumer.has_exactly([("test.size", i64::try_from(n).unwrap() + 4)]);
        running
            .expected(raw.address, "/upload")
            .method("POST")
            .route("/upload")
            .set("server.address", "a")
            .unset("server.port")
            .unset("user_agent.original")
            .check(&server);
    }
}

/// What the tests above cannot show: handlers that move between threads while they run.
pub async fn parallel_requests_keep_to_their_traces<S: ServerUnderTest>() {
    let _turn = TURN.lock().await;
    let running = Running::start::<S>().await;
    let clients = running.crowd(CROWD).await.into_iter().enumerate();
    let answers = clients.map(|(n, mut client)| {
        tokio::spawn(async move {
            let request = client.request("GET", &format!("/meet?id={n}"));
            let request = request.header("traceparent", traceparent(n));
            client.ask(request.body(bodies::empty()).unwrap()).await.body
        })
    });
    for (n, answer) in join_all(answers).await.into_iter().enumerate() {
        assert_eq!(answer.unwrap(), format!("id={n}"));
    }
    let spans = running.capture.ended(2 * CROWD).await;
    assert_eq!(spans.len(), 2 * CROWD);
    for n in 0..CROWD {
        let (server, controller) = family(&spans, n);
        server.has("url.query", format!("id={n}"));
        controller.has("test.id.first", format!("id={n}")).has("test.id.last", format!("id={n}"));
    }
}
