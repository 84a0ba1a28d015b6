//! The work of a server's process.

use super::Export;
use crate::http::{Greeting, Variant};
use axum::{
    Router,
    extract::{Path, State},
    routing::get,
};
use std::{
    fs, io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};
use tokio::{net::TcpListener, runtime, sync::oneshot};

/// Serves on a free loopback port, on this thread, until standard input ends.
///
/// It prints the address when it listens, and at the end what [`Report`](super::Report) reads.
///
/// # Panics
///
/// If no port can be had, or the telemetry cannot be set up. Once in the life of a process.
#[allow(clippy::print_stdout)] // for the process that started it
pub fn serve(variant: &Variant, export: Export) {
    let mut installed = export.install();
    let served = Arc::new(AtomicU64::new(0));
    let router = variant.instrument(routes(served.clone()), &mut installed.telemetry);
    let service =
        router.with_state("Hello".into()).into_make_service_with_connect_info::<SocketAddr>();
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime can be made");
    runtime.block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        println!("{}", listener.local_addr().expect("a bound socket has an address"));
        tokio::select! {
            result = axum::serve(listener, service) => result.expect("it listens for ever"),
            _ = input_ended() => {}
        }
    });
    drop(runtime); // ends the requests that nobody waits for
    let (spans, attributes) = installed.end().unzip();
    let shown = |number: Option<u64>| number.map_or_else(|| "-".to_owned(), |n| n.to_string());
    println!(
        "{} {} {} {}",
        served.load(Ordering::Relaxed),
        shown(peak_kib()),
        shown(spans),
        attributes.unwrap_or_default().join(",")
    );
}

/// Ten routes, the first of which answers and counts.
fn routes(served: Arc<AtomicU64>) -> Router<Greeting> {
    let show = async move |State(greeting): State<Greeting>, Path(id): Path<u32>| {
        assert_eq!(id, 4711);
        served.fetch_add(1, Ordering::Relaxed);
        greeting.to_string()
    };
    let other = async || "other";
    (1..10).fold(Router::new().route("/users/{id}", get(show)), |routes, number| {
        routes.route(&format!("/other{number}/{{id}}"), get(other))
    })
}

async fn input_ended() {
    let (tell, told) = oneshot::channel::<()>();
    thread::spawn(move || {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        drop(tell);
    });
    let _ = told.await;
}

/// The most memory that this process ever had, where the system tells.
fn peak_kib() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}
