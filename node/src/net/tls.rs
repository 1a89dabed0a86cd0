//! TLS for nodes and gateways: a self-signed or given certificate, unverified guards, pinned seeds.

use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, ServerConfig, SignatureScheme};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Why TLS could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificate or key file could not be read or is no PEM.
    #[error("certificate files: {0}")]
    Pem(#[from] rustls::pki_types::pem::Error),
    /// Certificate and key do not fit together, or are of an unknown kind.
    #[error("certificate: {0}")]
    Rustls(#[from] rustls::Error),
    /// A self-signed certificate could not be made.
    #[error("self-signed certificate: {0}")]
    Generate(#[from] rcgen::Error),
    /// The new certificate could not be kept.
    #[error("certificate files: {0}")]
    Io(#[from] std::io::Error),
}

/// The cryptography behind every TLS connection of this process.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// A server configuration from PEM files.
pub fn server_from_files(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    let chain = CertificateDer::pem_file_iter(certificate)?.collect::<Result<Vec<_>, _>>()?;
    server(chain, PrivateKeyDer::from_pem_file(key)?)
}

/// A server configuration with the self-signed certificate in `folder`, made on first use. As on the public network
/// nothing binds it to the node: authenticity comes from the layers above (spec/03-network.md §7.1).
pub fn server_self_signed(folder: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    let (certificate, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    if !certificate.exists() || !key.exists() {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()])?;
        crate::files::write_private(&key, made.signing_key.serialize_pem().as_bytes())?;
        std::fs::write(&certificate, made.cert.pem())?;
    }
    server_from_files(&certificate, &key)
}

fn server(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<Arc<ServerConfig>, TlsError> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// A client that verifies certificates as a browser does, or against the authorities in a PEM file instead.
pub fn client_verified(authorities: Option<&Path>) -> Result<ClientConfig, TlsError> {
    let mut roots = rustls::RootCertStore::empty();
    match authorities {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(file) => {
            for certificate in CertificateDer::pem_file_iter(file)? {
                roots.add(certificate?)?;
            }
        }
    }
    Ok(ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

/// A client that accepts any certificate: for guards and swarm members, whose certificates say nothing. What travels
/// inside is protected by onion layers or the member channel.
pub fn client_unverified() -> Result<ClientConfig, TlsError> {
    client_with(Arc::new(AnyCertificate(provider())))
}

/// A client that accepts only the pinned certificates.
pub fn client_pinned(pins: &'static [Pin]) -> Result<ClientConfig, TlsError> {
    client_with(Arc::new(PinnedCertificates {
        pins,
        provider: provider(),
    }))
}

fn client_with(verifier: Arc<dyn ServerCertVerifier>) -> Result<ClientConfig, TlsError> {
    Ok(ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth())
}

#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(
            message,
            cert,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(
            message,
            cert,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// What a host's certificate must be.
#[derive(Clone, Copy, Debug)]
pub struct Pin {
    /// The host name.
    pub host: &'static str,
    /// Base64 of SHA-256 over the DER SubjectPublicKeyInfo.
    pub public_key: &'static str,
    /// SHA-256 over the whole DER certificate.
    pub certificate: [u8; 32],
}

/// The public network's seeds (spec/03-network.md §1.1).
pub static SEED_PINS: [Pin; 3] = [
    Pin {
        host: "seed1.getsession.org",
        public_key: "mlYTXvkmIEYcpswANTpnBwlz9Cswi0py/RQKkbdQOZQ=",
        certificate: [
            0x36, 0xEA, 0x0B, 0x25, 0x35, 0x37, 0x98, 0x85, 0x51, 0xEE, 0x85, 0x6E, 0x4F, 0xD2, 0x0D, 0x55,
            0x01, 0x1E, 0x9C, 0x8B, 0x27, 0xEA, 0xA2, 0xF3, 0x4B, 0x8F, 0x32, 0xA0, 0xBD, 0xF0, 0x4F, 0x2D,
        ],
    },
    Pin {
        host: "seed2.getsession.org",
        public_key: "ZuUxe4wopBR83Yy5fePPNX0c00BnkQCu/49oapFpB0k=",
        certificate: [
            0xC5, 0x90, 0x8D, 0xD4, 0x13, 0x9A, 0xCD, 0x96, 0xAE, 0xDD, 0x1E, 0x45, 0x57, 0x65, 0x97, 0x65,
            0x08, 0x09, 0xC8, 0xA5, 0xEA, 0x02, 0xAF, 0x55, 0x6D, 0x48, 0x53, 0xD4, 0x53, 0x96, 0xE0, 0xE7,
        ],
    },
    Pin {
        host: "seed3.getsession.org",
        public_key: "4xe+8k1NjxerVTjUsWlZJNKt3PA7Y31pUls2tHYippA=",
        certificate: [
            0x8A, 0x0A, 0xF2, 0xC7, 0x12, 0x34, 0x2F, 0x22, 0xCE, 0x00, 0xE5, 0x3C, 0x16, 0x01, 0x41, 0x0E,
            0xF8, 0xD8, 0x41, 0x56, 0xAE, 0xE0, 0xA9, 0x80, 0x9C, 0x32, 0xF6, 0xF7, 0xEF, 0xBE, 0x55, 0x6E,
        ],
    },
];

#[derive(Debug)]
struct PinnedCertificates {
    pins: &'static [Pin],
    provider: Arc<CryptoProvider>,
}

/// Whether a certificate is the one pinned for a host: its public key and the whole of it.
fn matches_pin(pins: &[Pin], host: &str, certificate: &CertificateDer<'_>) -> bool {
    let Some(pin) = pins.iter().find(|pin| pin.host.eq_ignore_ascii_case(host)) else {
        return false;
    };
    let Ok(parsed) = webpki::EndEntityCert::try_from(certificate) else {
        return false;
    };
    let key: [u8; 32] = Sha256::digest(parsed.subject_public_key_info()).into();
    let whole: [u8; 32] = Sha256::digest(certificate.as_ref()).into();
    let key_ok = data_encoding::BASE64
        .encode(&key)
        .as_bytes()
        .ct_eq(pin.public_key.as_bytes());
    (key_ok & whole.ct_eq(&pin.certificate)).into()
}

impl ServerCertVerifier for PinnedCertificates {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if matches_pin(self.pins, &server_name.to_str(), end_entity) {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(rustls::Error::General("not the pinned certificate".to_owned()))
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pin_of(host: &'static str, certificate: &CertificateDer<'_>) -> Pin {
        let parsed = webpki::EndEntityCert::try_from(certificate).unwrap();
        let key: [u8; 32] = Sha256::digest(parsed.subject_public_key_info()).into();
        Pin {
            host,
            public_key: data_encoding::BASE64.encode(&key).leak(),
            certificate: Sha256::digest(certificate.as_ref()).into(),
        }
    }

    #[test]
    fn only_the_pinned_certificate_of_the_same_host_passes() {
        let ours = rcgen::generate_simple_self_signed(vec!["seed.test".to_owned()]).unwrap();
        let other = rcgen::generate_simple_self_signed(vec!["seed.test".to_owned()]).unwrap();
        let pins = [pin_of("seed.test", ours.cert.der())];
        assert!(matches_pin(&pins, "seed.test", ours.cert.der()));
        assert!(!matches_pin(&pins, "seed.test", other.cert.der()));
        assert!(!matches_pin(&pins, "else.test", ours.cert.der()));
    }

    #[test]
    fn both_hashes_must_match() {
        let ours = rcgen::generate_simple_self_signed(vec!["seed.test".to_owned()]).unwrap();
        let right = pin_of("seed.test", ours.cert.der());
        let wrong_whole = Pin {
            certificate: [0; 32],
            ..right
        };
        let wrong_key = Pin {
            public_key: SEED_PINS[0].public_key,
            ..right
        };
        assert!(!matches_pin(&[wrong_whole], "seed.test", ours.cert.der()));
        assert!(!matches_pin(&[wrong_key], "seed.test", ours.cert.der()));
    }

    #[test]
    fn a_self_signed_certificate_is_made_once() {
        let folder = crate::files::temporary_folder("tls");
        server_self_signed(&folder).unwrap();
        let first = std::fs::read(folder.join("cert.pem")).unwrap();
        server_self_signed(&folder).unwrap();
        assert_eq!(first, std::fs::read(folder.join("cert.pem")).unwrap());
        std::fs::remove_dir_all(folder).unwrap();
    }
}
