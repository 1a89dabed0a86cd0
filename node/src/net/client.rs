//! Calling other servers: bounded in time and size, with the certificate rules of whoever is called.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method, Request, Uri, header};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tower::{Service, ServiceExt as _};

use super::address::is_public;

/// How long connecting may take (spec/03-network.md §7.3).
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an unused connection is kept. Shorter than servers keep theirs, so that none is reused while it closes.
const KEEP_IDLE: Duration = Duration::from_secs(50);
/// Unused connections kept for one host.
const KEEP_PER_HOST: usize = 128;

/// Why a call brought no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The address is not one that may be called: private, malformed, or unknown to the name service.
    #[error("forbidden or unknown address")]
    Forbidden,
    /// No connection, or it broke before the answer was complete.
    #[error("could not reach the server")]
    Unreachable,
    /// The TLS handshake failed or the certificate was refused.
    #[error("the TLS handshake failed")]
    Tls,
    /// No complete answer in time.
    #[error("no answer in time")]
    Timeout,
    /// The answer is larger than allowed.
    #[error("the answer is too large")]
    TooLarge,
}

/// An answer, whatever its status.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// The beginning of an answer, whatever its status.
#[derive(Clone, Debug)]
pub struct Begun {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body's first bytes.
    pub bytes: Bytes,
    /// There were no more of them.
    pub whole: bool,
}

/// Connections kept open, for requests with bodies of one kind.
pub(crate) type Pool<B> = Client<HttpsConnector<Tcp>, B>;

/// Calls servers over HTTP and HTTPS with connections kept open.
#[derive(Clone)]
pub struct HttpClient {
    client: Pool<Full<Bytes>>,
    reach: Reach,
}

/// Which addresses may be connected to.
#[derive(Clone, Debug)]
pub(crate) struct Reach {
    local_network: bool,
    /// Servers on private addresses that may be called all the same, each with its port.
    servers: Arc<[SocketAddr]>,
}

impl Reach {
    pub(crate) fn new(local_network: bool, servers: &[SocketAddr]) -> Self {
        Self {
            local_network,
            servers: servers.iter().copied().map(canonical).collect(),
        }
    }

    fn allows(&self, address: SocketAddr) -> bool {
        self.local_network || is_public(address.ip()) || self.servers.contains(&canonical(address))
    }
}

/// An address as it is compared: one of IPv4, however it is wrapped, without what a system adds to one of IPv6.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// The port that an address means.
fn port_of(uri: &Uri) -> u16 {
    let usual = if uri.scheme_str() == Some("https") {
        443
    } else {
        80
    };
    uri.port_u16().unwrap_or(usual)
}

/// A pool with this TLS configuration, which connects to addresses within reach only.
pub(crate) fn pool<B>(tls: ClientConfig, reach: Reach) -> Pool<B>
where
    B: hyper::body::Body + Send,
    B::Data: Send,
{
    let https = hyper_rustls::HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http()
        .enable_http1()
        .wrap_connector(Tcp { reach });
    Client::builder(TokioExecutor::new())
        .pool_idle_timeout(KEEP_IDLE)
        .pool_max_idle_per_host(KEEP_PER_HOST)
        .pool_timer(TokioTimer::new())
        .build(https)
}

impl HttpClient {
    /// A client with this TLS configuration. Unless `local_network`, only public addresses are ever connected to, as
    /// resolved at that moment: a name that leads elsewhere is refused too.
    pub fn new(tls: ClientConfig, local_network: bool) -> Self {
        Self::within(tls, Reach::new(local_network, &[]))
    }

    fn within(tls: ClientConfig, reach: Reach) -> Self {
        Self {
            client: pool(tls, reach.clone()),
            reach,
        }
    }

    /// A client that verifies certificates as a browser does.
    pub fn verifying(local_network: bool) -> Result<Self, super::tls::TlsError> {
        Self::verifying_with(local_network, &[])
    }

    /// The same, which also connects to these servers, whatever their address.
    pub fn verifying_with(local_network: bool, servers: &[SocketAddr]) -> Result<Self, super::tls::TlsError> {
        let tls = super::tls::client_verified(None)?;
        Ok(Self::within(tls, Reach::new(local_network, servers)))
    }

    /// Posts a body. `max` bounds the answer in bytes, `timeout` the whole exchange.
    pub async fn post(
        &self,
        url: &str,
        content_type: &'static str,
        body: Bytes,
        max: usize,
        timeout: Duration,
    ) -> Result<Answer, CallError> {
        let kind = Some((header::CONTENT_TYPE, content_type));
        self.call(Method::POST, url, kind, body, max, timeout).await
    }

    /// Fetches a resource.
    pub async fn get(&self, url: &str, max: usize, timeout: Duration) -> Result<Answer, CallError> {
        self.call(Method::GET, url, None, Bytes::new(), max, timeout)
            .await
    }

    /// Fetches a resource in this content coding, if the server has it so. The answer is as it came.
    pub async fn get_coded(
        &self,
        url: &str,
        coding: &'static str,
        max: usize,
        timeout: Duration,
    ) -> Result<Answer, CallError> {
        let wanted = Some((header::ACCEPT_ENCODING, coding));
        self.call(Method::GET, url, wanted, Bytes::new(), max, timeout)
            .await
    }

    /// Fetches the beginning of a resource: at most `max` bytes of it, whatever follows. `accept` says what is wanted.
    pub async fn get_start(
        &self,
        url: &str,
        accept: &'static str,
        max: usize,
        timeout: Duration,
    ) -> Result<Begun, CallError> {
        let uri: Uri = url.parse().map_err(|_| CallError::Forbidden)?;
        self.check_literal(&uri)?;
        let mut request = Request::new(Full::new(Bytes::new()));
        *request.uri_mut() = uri;
        for (name, value) in [
            (header::ACCEPT, accept),
            (header::ACCEPT_ENCODING, "identity"),
            (
                header::USER_AGENT,
                "Mozilla/5.0 (compatible; Holdfast; link preview)",
            ),
        ] {
            request
                .headers_mut()
                .insert(name, header::HeaderValue::from_static(value));
        }
        let exchange = async {
            let response = self.client.request(request).await.map_err(|e| classify(&e))?;
            let (parts, mut body) = response.into_parts();
            let mut bytes = Vec::new();
            let mut whole = true;
            while let Some(frame) = body.frame().await {
                let frame = frame.map_err(|_| CallError::Unreachable)?;
                let Some(data) = frame.data_ref() else { continue };
                let room = max.saturating_sub(bytes.len());
                bytes.extend_from_slice(data.get(..room).unwrap_or(data));
                if data.len() > room {
                    whole = false;
                    break;
                }
            }
            Ok(Begun {
                status: parts.status.as_u16(),
                headers: parts.headers,
                bytes: bytes.into(),
                whole,
            })
        };
        tokio::time::timeout(timeout, exchange)
            .await
            .unwrap_or(Err(CallError::Timeout))
    }

    async fn call(
        &self,
        method: Method,
        url: &str,
        said: Option<(HeaderName, &'static str)>,
        body: Bytes,
        max: usize,
        timeout: Duration,
    ) -> Result<Answer, CallError> {
        let uri: Uri = url.parse().map_err(|_| CallError::Forbidden)?;
        self.check_literal(&uri)?;
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        if let Some((name, value)) = said {
            request
                .headers_mut()
                .insert(name, header::HeaderValue::from_static(value));
        }
        let exchange = async {
            let response = self.client.request(request).await.map_err(|e| classify(&e))?;
            let (parts, body) = response.into_parts();
            let body = Limited::new(body, max).collect().await.map_err(|error| {
                if error.is::<LengthLimitError>() {
                    CallError::TooLarge
                } else {
                    CallError::Unreachable
                }
            })?;
            Ok(Answer {
                status: parts.status.as_u16(),
                headers: parts.headers,
                body: body.to_bytes(),
            })
        };
        tokio::time::timeout(timeout, exchange)
            .await
            .unwrap_or(Err(CallError::Timeout))
    }

    /// Addresses written as numbers never reach the resolver, so they are looked at here.
    fn check_literal(&self, uri: &Uri) -> Result<(), CallError> {
        let host = uri.host().ok_or(CallError::Forbidden)?;
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        match bare.parse::<IpAddr>() {
            Ok(address) if !self.reach.allows(SocketAddr::new(address, port_of(uri))) => {
                Err(CallError::Forbidden)
            }
            _ => Ok(()),
        }
    }
}

/// Tells the kinds of failure apart by the errors underneath.
fn classify(error: &hyper_util::client::legacy::Error) -> CallError {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(current) = cause {
        if current.is::<NotPublic>() {
            return CallError::Forbidden;
        }
        if current.is::<rustls::Error>() {
            return CallError::Tls;
        }
        cause = match current.downcast_ref::<std::io::Error>() {
            // Whoever hangs up while we connect does so during the handshake.
            Some(io) if error.is_connect() && io.kind() == std::io::ErrorKind::UnexpectedEof => {
                return CallError::Tls;
            }
            // An I/O error shows what its cause comes from, but not the cause itself.
            Some(io) => io
                .get_ref()
                .map(|inner| inner as &(dyn std::error::Error + 'static)),
            None => current.source(),
        };
    }
    CallError::Unreachable
}

/// A name led to an address that may not be called, or to none.
#[derive(Debug, thiserror::Error)]
#[error("no public address")]
pub(crate) struct NotPublic;

/// Connects to servers within reach.
#[derive(Clone, Debug)]
pub(crate) struct Tcp {
    reach: Reach,
}

impl Service<Uri> for Tcp {
    type Response = TokioIo<TcpStream>;
    type Error = Box<dyn std::error::Error + Send + Sync>;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        // One for each connection: a resolver is told names only, and the port counts too.
        let mut http = HttpConnector::new_with_resolver(Resolver {
            reach: self.reach.clone(),
            port: port_of(&uri),
        });
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(CONNECT_TIMEOUT));
        Box::pin(async move { http.oneshot(uri).await.map_err(Into::into) })
    }
}

/// Resolves names and lets only addresses within reach through, so that what was checked is what is connected to.
#[derive(Clone, Debug)]
struct Resolver {
    reach: Reach,
    /// Of the server that is looked for.
    port: u16,
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = NotPublic;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, NotPublic>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), NotPublic>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let Self { reach, port } = self.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0))
                .await
                .map_err(|_| NotPublic)?;
            let allowed: Vec<SocketAddr> = found
                .filter(|address| reach.allows(SocketAddr::new(address.ip(), port)))
                .collect();
            if allowed.is_empty() {
                Err(NotPublic)
            } else {
                Ok(allowed.into_iter())
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn refused(url: &str) -> CallError {
        let client = HttpClient::verifying(false).unwrap();
        client
            .post(url, "text/plain", Bytes::new(), 10, Duration::from_secs(2))
            .await
            .unwrap_err()
    }

    #[tokio::test]
    async fn private_addresses_are_refused_as_numbers_and_as_names() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        for host in [
            "127.0.0.1",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "localhost",
            "10.0.0.1",
            "169.254.169.254",
        ] {
            assert_eq!(
                refused(&format!("http://{host}:{port}/")).await,
                CallError::Forbidden,
                "{host}"
            );
        }
        let accepted = tokio::time::timeout(Duration::from_millis(20), listener.accept()).await;
        assert!(accepted.is_err(), "something connected");
    }

    #[tokio::test]
    async fn servers_that_are_named_may_be_called_and_no_others_beside_them() {
        let named = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let other = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = named.local_addr().unwrap();
        let (_stopper, stopping) = super::super::server::stopper();
        let app = axum::Router::new().fallback(|| async { "heard" });
        tokio::spawn(super::super::server::serve(named, None, app, stopping));
        let client = HttpClient::verifying_with(false, &[address]).unwrap();
        let timeout = Duration::from_secs(5);
        let wrapped = "::ffff:127.0.0.1".parse().unwrap();
        assert!(client.reach.allows(SocketAddr::new(wrapped, address.port())));
        for host in ["127.0.0.1", "localhost"] {
            let url = format!("http://{host}:{}/", address.port());
            let answer = client.get(&url, 10, timeout).await.unwrap();
            assert_eq!(answer.body.as_ref(), b"heard", "{host}");
            let url = format!("http://{host}:{}/", other.local_addr().unwrap().port());
            let refused = client.get(&url, 10, timeout).await.unwrap_err();
            assert_eq!(refused, CallError::Forbidden, "{host}");
        }
        assert!(
            futures::FutureExt::now_or_never(other.accept()).is_none(),
            "something connected"
        );
    }

    #[tokio::test]
    async fn a_local_network_may_be_called_when_allowed() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let (stopper, stopping) = super::super::server::stopper();
        let app = axum::Router::new().fallback(|body: Bytes| async move { body });
        let server = tokio::spawn(super::super::server::serve(listener, None, app, stopping));
        let client = HttpClient::verifying(true).unwrap();
        let timeout = Duration::from_secs(5);
        let answer = client
            .post(&url, "text/plain", Bytes::from("hi"), 10, timeout)
            .await
            .unwrap();
        assert_eq!((answer.status, answer.body.as_ref()), (200, b"hi".as_slice()));
        let large = client
            .post(&url, "text/plain", Bytes::from("hello hello"), 10, timeout)
            .await;
        assert_eq!(large.unwrap_err(), CallError::TooLarge);
        stopper.stop();
        server.await.unwrap();
    }
}
