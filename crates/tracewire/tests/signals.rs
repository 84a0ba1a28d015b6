//! The README's program under the signals that end a process. Signals are the process's, so each
//! test runs itself again as the program.

#![cfg(all(unix, feature = "axum", feature = "init", feature = "signal", feature = "reqwest"))]
#![allow(clippy::unwrap_used)] // a test may
#![allow(clippy::print_stdout)] // it says where it listens

use axum::{
    Router,
    routing::{get, post},
};
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    os::unix::process::ExitStatusExt,
    process::Command,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::{Duration, Instant},
};
use tests::{Service, Signal};
use tracewire_testing::Collector;

const CHILD: &str = "TRACEWIRE_TEST_SIGNALS";

fn is_child() -> bool {
    std::env::var_os(CHILD).is_some()
}

/// The program of this test, with batches that would wait for longer than any test runs.
fn start(test: &str, collector: &Collector) -> Service {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env(CHILD, "1").args(["--exact", test, "--nocapture"]);
    let endpoint = collector.endpoint();
    Service::run(
        command,
        &[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint),
            ("OTEL_BSP_SCHEDULE_DELAY", "600000"),
            ("OTEL_METRICS_EXPORTER", "none"),
        ],
    )
}

/// The README's program: `main`, without the client.
fn program() {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(async {
        let telemetry = tracewire::init().unwrap();
        let app = Router::new()
            .route("/users/{id}", get(|| async { "somebody" }))
            .route("/upload", post(|body: String| async move { body }))
            .layer(tracewire::ServerLayer::new())
            .into_make_service_with_connect_info::<SocketAddr>();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("\nlistening on http://{}", listener.local_addr().unwrap());
        axum::serve(listener, app)
            .with_graceful_shutdown(tracewire::shutdown_signal())
            .await
            .unwrap();
        telemetry.shutdown();
    });
}

/// Sends the head of a request and half its body, once the handler waits for it.
fn half_an_upload(address: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    let head = "POST /upload HTTP/1.1\r\nhost: x\r\ncontent-length: 8\r\nconnection: close\r\n\
                expect: 100-continue\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = [0; 25];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"half").unwrap();
    stream
}

#[test]
fn each_signal_ends_the_program_well_and_loses_nothing() {
    if is_child() {
        return program();
    }
    for signal in [Signal::TERM, Signal::INT] {
        let collector = Collector::start();
        let mut service = start("each_signal_ends_the_program_well_and_loses_nothing", &collector);
        for id in 0..10 {
            let answer = service.get(&format!("/users/{id}"), "");
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        }
        service.signal(signal);
        assert_eq!(service.ended().code(), Some(0), "{signal:?}");
        collector.received(10).block();
    }
}

#[test]
fn a_request_in_flight_gets_its_answer_and_its_span() {
    if is_child() {
        return program();
    }
    for signal in [Signal::TERM, Signal::INT] {
        let collector = Collector::start();
        let mut service = start("a_request_in_flight_gets_its_answer_and_its_span", &collector);
        let mut upload = half_an_upload(service.address());
        service.signal(signal);
        // It stops listening, and goes on with what it has.
        while TcpStream::connect(service.address()).is_ok() {
            thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(service.has_ended(), None);
        upload.write_all(b"half").unwrap();
        let mut answer = String::new();
        upload.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("halfhalf"), "{answer}");
        assert_eq!(service.ended().code(), Some(0), "{signal:?}");
        collector.received(1).block();
    }
}

#[test]
fn a_later_signal_ends_a_program_that_hangs() {
    if is_child() {
        return program();
    }
    for (signal, status) in [(Signal::TERM, 143), (Signal::INT, 130)] {
        let collector = Collector::start();
        let mut service = start("a_later_signal_ends_a_program_that_hangs", &collector);
        let _never_ends = half_an_upload(service.address());
        let start = Instant::now();
        let ended = loop {
            if let Some(ended) = service.has_ended() {
                break ended;
            }
            assert!(start.elapsed() < Duration::from_secs(30));
            service.signal(signal);
            thread::sleep(Duration::from_millis(50));
        };
        assert_eq!((ended.code(), ended.signal()), (Some(status), None));
    }
}

#[test]
fn a_signal_before_the_first_poll_is_kept_and_no_runtime_is_needed() {
    if is_child() {
        let stop = tracewire::shutdown_signal();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        println!("\nlistening on http://{}", listener.local_addr().unwrap());
        // Somebody connects after the signal was sent.
        drop(listener.accept().unwrap());
        block_on(stop);
        return block_on(tracewire::shutdown_signal());
    }
    let collector = Collector::start();
    let mut service =
        start("a_signal_before_the_first_poll_is_kept_and_no_runtime_is_needed", &collector);
    service.signal(Signal::TERM);
    drop(TcpStream::connect(service.address()).unwrap());
    assert_eq!(service.ended().code(), Some(0));
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = std::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}
