//! The collector of the service: OTLP over HTTP, which it takes or not as it is told.

mod answer;
mod fault;
mod metrics;

pub(crate) use self::fault::{Fault, fault_at};
pub(crate) use self::metrics::Measured;

use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::{
    collections::HashSet,
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::watch,
    task::{AbortHandle, JoinSet},
    time::sleep,
};

/// A running collector. Dropping it ends it.
pub(crate) struct Collector {
    address: SocketAddr,
    fault: watch::Sender<Fault>,
    received: Arc<Received>,
    task: AbortHandle,
    // Bound, and never listening: nobody else gets the port while nothing listens.
    _port: TcpSocket,
}

#[derive(Debug, Default)]
struct Received {
    /// The ids of spans that it took.
    spans: Mutex<HashSet<[u8; 8]>>,
    /// How often it did each of [`Fault::ALL`].
    faults: [AtomicU64; Fault::ALL.len()],
    metrics: Mutex<Measured>,
}

/// What the collector took so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Taken {
    pub(crate) spans: u64,
    pub(crate) faults: [u64; Fault::ALL.len()],
    /// The latest metrics.
    pub(crate) metrics: Measured,
}

impl Collector {
    /// Starts one on a free loopback port.
    pub(crate) fn start() -> io::Result<Self> {
        let port = bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let address = port.local_addr()?;
        let (fault, faults) = watch::channel(Fault::None);
        let received = Arc::<Received>::default();
        let listener = bind(address)?.listen(1_024)?;
        let task = tokio::spawn(accept(address, listener, faults, received.clone()));
        Ok(Self { address, fault, received, task: task.abort_handle(), _port: port })
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Falters so from now on.
    pub(crate) fn falter(&self, fault: Fault) {
        let changed = |now: &mut Fault| {
            let changes = *now != fault;
            *now = fault;
            changes
        };
        self.fault.send_if_modified(changed);
    }

    pub(crate) fn taken(&self) -> Taken {
        let metrics = self.received.metrics.lock().unwrap_or_else(PoisonError::into_inner);
        Taken {
            spans: self.received.spans.lock().unwrap_or_else(PoisonError::into_inner).len() as u64,
            faults: self.received.faults.each_ref().map(|count| count.load(SeqCst)),
            metrics: *metrics,
        }
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Received {
    fn count(&self, fault: Fault) {
        self.faults[fault as usize].fetch_add(1, SeqCst);
    }
}

/// Two sockets share the port: one keeps it, the other listens when it does.
fn bind(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseport(true)?;
    socket.bind(address)?;
    Ok(socket)
}

async fn accept(
    address: SocketAddr,
    mut listener: TcpListener,
    mut faults: watch::Receiver<Fault>,
    received: Arc<Received>,
) {
    loop {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                refuses = becomes(&mut faults, |fault| fault == Fault::Refuse) => match refuses {
                    true => break,
                    false => return,
                },
                Ok((stream, _)) = listener.accept() => {
                    connections.spawn(serve(stream, faults.clone(), received.clone()));
                }
                Some(_) = connections.join_next() => {}
            }
        }
        drop((listener, connections));
        received.count(Fault::Refuse);
        if !becomes(&mut faults, |fault| fault != Fault::Refuse).await {
            return;
        }
        listener = loop {
            match bind(address).and_then(|socket| socket.listen(1_024)) {
                Ok(listener) => break listener,
                Err(_) => sleep(Duration::from_millis(50)).await,
            }
        };
    }
}

/// Waits for such a fault. Gives whether it can still come.
async fn becomes(faults: &mut watch::Receiver<Fault>, such: impl Fn(Fault) -> bool) -> bool {
    faults.wait_for(|fault| such(*fault)).await.is_ok()
}

async fn serve(stream: TcpStream, faults: watch::Receiver<Fault>, received: Arc<Received>) {
    let service = service_fn(move |request| {
        let fault = *faults.borrow();
        answer::answer(request, fault, received.clone())
    });
    // Connections break: that is what this is for.
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}
