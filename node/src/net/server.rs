//! Accepting connections: plain or TLS, HTTP/1.1 or 2, bounded in number, and ending within a moment when asked.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tower::ServiceExt as _;

/// Connections served at once; more wait to be accepted.
const MAX_CONNECTIONS: usize = 16_384;
/// How long a client may take for its TLS handshake or for a request's head, also between requests.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);
/// How long open exchanges may go on after the order to stop.
const GRACE: Duration = Duration::from_millis(800);
/// Streams of one HTTP/2 connection.
const MAX_STREAMS: u32 = 1_024;

/// Tells every server and task that holds a [`Stopping`] to end.
#[derive(Debug)]
pub struct Stopper(watch::Sender<bool>);

/// Completes when the [`Stopper`] was told to stop or dropped.
#[derive(Clone, Debug)]
pub struct Stopping(watch::Receiver<bool>);

/// A new pair.
pub fn stopper() -> (Stopper, Stopping) {
    let (sender, receiver) = watch::channel(false);
    (Stopper(sender), Stopping(receiver))
}

impl Stopper {
    /// Gives the order.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Stopping {
    /// Waits for the order.
    pub async fn wait(&mut self) {
        // An error means that the stopper is gone, which is the same order.
        let _ = self.0.wait_for(|stop| *stop).await;
    }

    /// Whether the order was given.
    pub fn is_stopping(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }

    /// Runs a future until it is done or the order comes.
    pub async fn or<T>(&mut self, future: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.wait() => None,
            value = future => Some(value),
        }
    }
}

/// Serves a router on a listener until told to stop. Returns when every connection has ended or the grace is over.
pub async fn serve(
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    app: Router,
    mut stopping: Stopping,
) {
    let acceptor = tls.map(tokio_rustls::TlsAcceptor::from);
    let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let Some(Ok(permit)) = stopping.or(Arc::clone(&permits).acquire_owned()).await else {
            break;
        };
        while connections.try_join_next().is_some() {}
        let (stream, peer) = match stopping.or(listener.accept()).await {
            None => break,
            Some(Ok(accepted)) => accepted,
            Some(Err(error)) => {
                // Out of file descriptors, mostly: waiting lets some close.
                tracing::warn!(%error, "could not accept a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let (app, acceptor, stopping) = (app.clone(), acceptor.clone(), stopping.clone());
        connections.spawn(async move {
            serve_stream(stream, peer, acceptor, app, stopping).await;
            drop(permit);
        });
    }
    drop(listener);
    let all = async { while connections.join_next().await.is_some() {} };
    // Whoever is still there after the grace is cut off when the set is dropped.
    let _ = tokio::time::timeout(GRACE, all).await;
}

async fn serve_stream(
    stream: TcpStream,
    peer: SocketAddr,
    acceptor: Option<tokio_rustls::TlsAcceptor>,
    app: Router,
    stopping: Stopping,
) {
    // Small answers must not wait for more; if the option is refused they are merely slower.
    let _ = stream.set_nodelay(true);
    match acceptor {
        None => serve_io(stream, peer, app, stopping).await,
        Some(acceptor) => {
            if let Ok(Ok(stream)) = tokio::time::timeout(HEAD_TIMEOUT, acceptor.accept(stream)).await {
                serve_io(stream, peer, app, stopping).await;
            }
        }
    }
}

async fn serve_io<I>(io: I, peer: SocketAddr, app: Router, mut stopping: Stopping)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = hyper::service::service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        let app = app.clone();
        async move { Ok::<_, Infallible>(app.oneshot(request).await.unwrap_or_else(|never| match never {})) }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    // Not `pipeline_flush`: with it answers are gathered without a limit while their reader is slow.
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .keep_alive_interval(Some(HEAD_TIMEOUT));
    let connection = builder.serve_connection(TokioIo::new(io), service);
    tokio::pin!(connection);
    tokio::select! {
        // A broken connection is the client's business.
        _ = connection.as_mut() => return,
        () = stopping.wait() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}
