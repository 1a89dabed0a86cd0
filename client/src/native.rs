//! The ports natively: HTTP over hyper, time from tokio, randomness from the system. Needs a tokio runtime of one thread
//! with I/O and time enabled.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::future::LocalBoxFuture;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Request, Uri};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use crate::ports::{Clock, HttpRequest, HttpResponse, Method, Network, NetworkError, Ports, Rng, Store};

type Body = Full<VecDeque<u8>>;

/// The four native ports over a store.
pub fn ports(store: Rc<dyn Store>) -> Ports {
    Ports {
        network: Rc::new(HttpNetwork::new()),
        store,
        clock: Rc::new(TokioClock::new()),
        rng: Rc::new(SystemRng),
    }
}

/// Carries requests over HTTP and HTTPS.
///
/// Servers with a name must show a certificate for it. Those at a bare address are service nodes, whose self-signed
/// certificates say nothing: what travels to them is protected by onion layers (`spec/03-network.md §7.1`).
pub struct HttpNetwork {
    named: Client<HttpsConnector<HttpConnector>, Body>,
    bare: Client<HttpsConnector<HttpConnector>, Body>,
}

impl Default for HttpNetwork {
    fn default() -> Self {
        Self::new()
    }
}

impl HttpNetwork {
    /// A client with connections of its own.
    pub fn new() -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = RootCertStore::empty();
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        let builder = || ClientConfig::builder_with_provider(provider.clone());
        // The provider supports the default versions, so that neither of these fails.
        let named = builder()
            .with_safe_default_protocol_versions()
            .ok()
            .map(|builder| builder.with_root_certificates(roots).with_no_client_auth());
        let verifier = Arc::new(AnyCertificate(provider.clone()));
        let bare = builder()
            .with_safe_default_protocol_versions()
            .ok()
            .map(|builder| {
                builder
                    .dangerous()
                    .with_custom_certificate_verifier(verifier)
                    .with_no_client_auth()
            });
        Self {
            named: client(named),
            bare: client(bare),
        }
    }

    async fn exchange(&self, request: HttpRequest) -> Result<HttpResponse, NetworkError> {
        let uri: Uri = request.url.parse().map_err(|_| NetworkError::Unreachable)?;
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
        let client = if host.parse::<IpAddr>().is_ok() {
            &self.bare
        } else {
            &self.named
        };
        let mut outgoing = Request::new(Full::new(VecDeque::from(request.body)));
        *outgoing.uri_mut() = uri;
        *outgoing.method_mut() = match request.method {
            Method::Get => http::Method::GET,
            Method::Post => http::Method::POST,
        };
        if request.method == Method::Post {
            let octets = HeaderValue::from_static("application/octet-stream");
            outgoing.headers_mut().insert(CONTENT_TYPE, octets);
        }
        let response = client
            .request(outgoing)
            .await
            .map_err(|_| NetworkError::Unreachable)?;
        let (head, body) = response.into_parts();
        let headers = head
            .headers
            .iter()
            .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
            .collect();
        let body = Limited::new(body, request.max_response)
            .collect()
            .await
            .map_err(|error| {
                if error.is::<LengthLimitError>() {
                    NetworkError::TooLarge
                } else {
                    NetworkError::Unreachable
                }
            })?;
        Ok(HttpResponse {
            status: head.status.as_u16(),
            headers,
            body: body.to_bytes().to_vec(),
        })
    }
}

fn client(tls: Option<ClientConfig>) -> Client<HttpsConnector<HttpConnector>, Body> {
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    let tls = tls.unwrap_or_else(|| {
        ClientConfig::builder()
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth()
    });
    let https = HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http()
        .enable_http1()
        .wrap_connector(http);
    Client::builder(TokioExecutor::new()).build(https)
}

impl Network for HttpNetwork {
    fn send(&self, request: HttpRequest) -> LocalBoxFuture<'_, Result<HttpResponse, NetworkError>> {
        Box::pin(async move {
            tokio::time::timeout(request.timeout, self.exchange(request))
                .await
                .unwrap_or(Err(NetworkError::Timeout))
        })
    }
}

/// Takes any certificate, but checks that the server holds its key.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// The system's wall clock and tokio's monotonic one.
pub struct TokioClock(tokio::time::Instant);

impl Default for TokioClock {
    fn default() -> Self {
        Self::new()
    }
}

impl TokioClock {
    /// A clock that counts from now.
    pub fn new() -> Self {
        Self(tokio::time::Instant::now())
    }
}

impl Clock for TokioClock {
    fn now_ms(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    fn monotonic_ms(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn sleep(&self, duration: Duration) -> LocalBoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// The system's randomness.
pub struct SystemRng;

impl Rng for SystemRng {
    #[allow(
        clippy::panic,
        reason = "without randomness no key may be made, and a port can't say so"
    )]
    fn fill(&self, bytes: &mut [u8]) {
        if let Err(error) = getrandom::fill(bytes) {
            panic!("the system gives no randomness: {error}");
        }
    }
}
