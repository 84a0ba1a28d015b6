//! The page on a port of its own: a thread with a hyper server.

mod connection;
mod listen;

#[cfg(test)]
mod tests;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use tokio::sync::{Semaphore, oneshot};
use tokio::time::{MissedTickBehavior, interval, sleep};

pub use self::listen::{Listen, ListenError};
use crate::recorder::Recorder;
use crate::service::LivePage;

/// Connections at a time. Further ones are closed.
const MOST_CONNECTIONS: usize = 64;
/// Ports that are tried after the one that is taken.
const MORE_PORTS: u16 = 20;

/// A running server, which stops when it is dropped.
///
/// It takes one thread. It also calls [`Recorder::tick`] each second.
///
/// ```no_run
/// use tracewire_live::{Listen, Live, Server};
///
/// # fn main() -> Result<(), tracewire_live::ListenError> {
/// let recorder = Live::new().build();
/// let server = Server::start(recorder.own_page(), &Listen::default())?;
/// println!("{}", server.url());
/// // ... the program; the server stops when it is dropped ...
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    // Taken only when dropped.
    stop: Option<oneshot::Sender<()>>,
    // In a mutex so that the server can be shared between threads.
    ended: Mutex<mpsc::Receiver<()>>,
}

impl Server {
    /// Serves a page that [`Recorder::own_page`] returned.
    ///
    /// If the port is taken, the next free one of the following 20 is used.
    ///
    /// # Errors
    ///
    /// Fails if the address is not a loopback one and the page has no token, or if no port can be
    /// listened on.
    pub fn start(page: LivePage, listen: &Listen) -> Result<Self, ListenError> {
        let listener = bind(&page, listen)?;
        let failed = |error| ListenError::Io(listen.clone(), error);
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (stop, stopped) = oneshot::channel();
        let (begin, begun) = mpsc::channel();
        let (end, ended) = mpsc::channel();
        let serve = move || {
            // Made here, because a runtime may not be dropped where another one runs.
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            match runtime {
                Ok(runtime) => {
                    runtime.block_on(run(listener, page, &begin, stopped));
                    // Ends all connections, with their streams.
                    drop(runtime);
                    drop(end);
                }
                Err(error) => drop(begin.send(Err(error))),
            }
        };
        thread::Builder::new().name("tracewire-live".to_owned()).spawn(serve).map_err(failed)?;
        // A thread that ended before it began has said why.
        begun.recv().unwrap_or(Ok(())).map_err(failed)?;
        Ok(Self { address, stop: Some(stop), ended: Mutex::new(ended) })
    }

    /// Returns the address that is listened on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the address of the page for a browser on the same host, without a token.
    pub fn url(&self) -> String {
        let mut address = self.address;
        if address.ip().is_unspecified() {
            address.set_ip([127, 0, 0, 1].into());
        }
        format!("http://{address}/")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.take();
        // So that the port can be taken again.
        let ended = self.ended.get_mut().unwrap_or_else(PoisonError::into_inner);
        let _ = ended.recv_timeout(Duration::from_millis(500));
    }
}

fn bind(page: &LivePage, listen: &Listen) -> Result<TcpListener, ListenError> {
    let addresses = listen.addresses()?;
    if !page.has_token() && !addresses.iter().all(|address| address.ip().is_loopback()) {
        return Err(ListenError::NoToken(listen.clone()));
    }
    let mut failure = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for more in 0..=MORE_PORTS {
        for address in &addresses {
            let Some(port) = address.port().checked_add(more) else { continue };
            match TcpListener::bind((address.ip(), port)) {
                Ok(listener) => return Ok(listener),
                Err(error) => failure = error,
            }
        }
        if failure.kind() != io::ErrorKind::AddrInUse {
            break;
        }
    }
    Err(ListenError::Io(listen.clone(), failure))
}

async fn run(
    listener: TcpListener,
    page: LivePage,
    begin: &mpsc::Sender<io::Result<()>>,
    stopped: oneshot::Receiver<()>,
) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return drop(begin.send(Err(error))),
    };
    let _ = begin.send(Ok(()));
    tokio::spawn(tick(page.recorder().clone()));
    tokio::spawn(accept(listener, page));
    // An error means that the server was dropped, too.
    let _ = stopped.await;
}

async fn tick(recorder: Recorder) {
    let mut seconds = interval(Duration::from_secs(1));
    seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        seconds.tick().await;
        recorder.tick();
    }
}

async fn accept(listener: tokio::net::TcpListener, page: LivePage) {
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Without a place for it, the connection is closed.
                if let Ok(place) = Arc::clone(&places).try_acquire_owned() {
                    tokio::spawn(connection::serve(stream, peer, page.clone(), place));
                }
            }
            // Out of descriptors, most likely: not a reason to spin.
            Err(_) => sleep(Duration::from_millis(100)).await,
        }
    }
}
