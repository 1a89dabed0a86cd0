//! Where files are: file servers, and the addresses of files on them (spec/07-files-and-attachments.md §1, §2).
//!
//! An address comes from the sender and may name any host. What is read from it is checked here; whether the host is one
//! to contact unasked is for the client to decide ([`FileUrl::is_on`]).

use crate::config::MAX_PICTURE_URL;
use crate::keys::{Ed25519PublicKey, KeyError};
use crate::onion::{Destination, Protocol, v4};
use core::fmt;
use std::net::Ipv6Addr;

/// Name of the default file server's host; it is reached by plain HTTP, since requests are encrypted to its key.
pub const DEFAULT_HOST: &str = "filev2.getsession.org";
/// Key of the default file server.
pub const DEFAULT_KEY: Ed25519PublicKey = Ed25519PublicKey::from_bytes(&[
    0xb8, 0xee, 0xf9, 0x82, 0x14, 0x45, 0xae, 0x16, 0xe2, 0xe9, 0x7e, 0xf8, 0xaa, 0x6f, 0xe7, 0x82, 0xfd,
    0x11, 0xad, 0x52, 0x53, 0xcd, 0x67, 0x23, 0xb2, 0x81, 0x34, 0x1d, 0xba, 0x22, 0xe3, 0x71,
]);
/// Hosts below this are Session's own: an address on them may leave the key out.
pub const SESSION_DOMAIN: &str = ".getsession.org";
/// What no host of a file server contains: Session's community server, whose files are not encrypted.
const COMMUNITY_HOST: &str = "open.getsession.org";

/// Longest address that is read, bytes: far more than the longest that clients write.
pub const MAX_URL: usize = 2_048;
/// Longest name of a host, bytes (RFC 1035).
const MAX_HOST: usize = 253;
/// Most characters of a file's id.
pub const MAX_ID: usize = 44;

/// Paths of files: today's, and one that is only read.
pub(super) const PATH: &str = "/file/";
const LEGACY_PATH: &str = "/files/";

/// Why an address is none of a file, or cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It is longer than [`MAX_URL`].
    #[error("address too long")]
    TooLong,
    /// It is longer than a profile picture's address may be.
    #[error("address longer than {MAX_PICTURE_URL} bytes")]
    TooLongForPicture,
    /// It does not start with `http://` or `https://`.
    #[error("not a web address")]
    Scheme,
    /// The host is no name, IPv4 address or bracketed IPv6 address.
    #[error("bad host")]
    Host,
    /// The host is that of a community server.
    #[error("a community server's address")]
    CommunityHost,
    /// What follows the host's colon is no number from 1 to 65535.
    #[error("bad port")]
    Port,
    /// The path is not `/file/` with one id; or there is a path where a server's address has none.
    #[error("bad path")]
    Path,
    /// The id is empty, longer than 44 characters or has other characters than letters, digits, `-` and `_`.
    #[error("bad file id")]
    Id,
    /// The fragment's `p` is no key of 64 hex digits.
    #[error("bad server key")]
    ServerKey,
    /// The address names no key, and the host is none whose key is known.
    #[error("the server's key is not known")]
    NoServerKey,
    /// The server's key is no usable point.
    #[error("unusable server key: {0}")]
    UnusableKey(#[from] KeyError),
}

/// The name of a file on its server: 1 to 44 of `[A-Za-z0-9_-]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FileId(String);

impl FileId {
    /// Checks a text.
    ///
    /// # Errors
    /// [`AddressError::Id`].
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if (1..=MAX_ID).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(AddressError::Id)
        }
    }

    /// 44 characters of base64url.
    pub(super) const fn of_hash(text: String) -> Self {
        Self(text)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The number that old readers of an attachment look for: the id where it is one that fits, else 0 (spec/07 §7).
    pub fn number(&self) -> u64 {
        // `parse` takes a leading plus, which an id cannot have.
        self.0.parse().unwrap_or_default()
    }

    /// Whether it has the length of a hash of the content: the only ids whose expiry every client extends (spec/07 §3.4).
    pub fn is_hash(&self) -> bool {
        self.0.len() == MAX_ID
    }
}

impl fmt::Display for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A server's scheme, host and port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Origin {
    protocol: Protocol,
    /// In lower case; IPv6 addresses in brackets.
    host: String,
    port: u16,
}

impl Origin {
    /// Splits scheme and authority off; returns the rest, which is empty or begins with `/`, `?` or `#`.
    fn parse(url: &str) -> Result<(Self, &str), AddressError> {
        let (protocol, rest) = [(Protocol::Http, "http://"), (Protocol::Https, "https://")]
            .into_iter()
            .find_map(|(protocol, scheme)| {
                let (start, rest) = url.split_at_checked(scheme.len())?;
                start.eq_ignore_ascii_case(scheme).then_some((protocol, rest))
            })
            .ok_or(AddressError::Scheme)?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at_checked(end).ok_or(AddressError::Host)?;
        let (host, port) = match authority.rsplit_once(':') {
            // The colons inside an IPv6 address are followed by its bracket.
            Some((host, port)) if !port.ends_with(']') => (host, parse_port(port)?),
            _ => (authority, protocol.default_port()),
        };
        let origin = Self {
            protocol,
            host: parse_host(host)?,
            port,
        };
        Ok((origin, rest))
    }

    /// Whether the host is one of Session's own.
    fn is_sessions(&self) -> bool {
        self.host == DEFAULT_HOST || self.host.ends_with(SESSION_DOMAIN)
    }

    /// A key as addresses on this host carry it: Session's own is left out at home.
    fn named_key(&self, key: Ed25519PublicKey) -> Option<Ed25519PublicKey> {
        (key != DEFAULT_KEY || !self.is_sessions()).then_some(key)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { protocol, host, port } = self;
        write!(f, "{}://{host}", protocol.as_str())?;
        if *port != protocol.default_port() {
            write!(f, ":{port}")?;
        }
        Ok(())
    }
}

fn parse_port(text: &str) -> Result<u16, AddressError> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(port) if port != 0 && digits => Ok(port),
        _ => Err(AddressError::Port),
    }
}

fn parse_host(text: &str) -> Result<String, AddressError> {
    let host = text.to_ascii_lowercase();
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    let valid = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => (1..=MAX_HOST).contains(&host.len()) && host.bytes().all(allowed),
    };
    if !valid {
        return Err(AddressError::Host);
    }
    if host.contains(COMMUNITY_HOST) {
        return Err(AddressError::CommunityHost);
    }
    Ok(host)
}

/// A file server: its address and key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FileServer {
    origin: Origin,
    key: Ed25519PublicKey,
}

impl FileServer {
    /// Reads `http[s]://HOST[:PORT]`, with or without a slash at its end.
    ///
    /// # Errors
    /// [`AddressError`] when the address is no such one. The key is checked when it is used.
    pub fn parse(base_url: &str, key: Ed25519PublicKey) -> Result<Self, AddressError> {
        if base_url.len() > MAX_URL {
            return Err(AddressError::TooLong);
        }
        match Origin::parse(base_url)? {
            (origin, "" | "/") => Ok(Self { origin, key }),
            _ => Err(AddressError::Path),
        }
    }

    /// Session's own server, which a network profile may replace.
    pub fn session() -> Self {
        Self {
            origin: Origin {
                protocol: Protocol::Http,
                host: DEFAULT_HOST.to_owned(),
                port: Protocol::Http.default_port(),
            },
            key: DEFAULT_KEY,
        }
    }

    /// The server's key.
    pub const fn key(&self) -> &Ed25519PublicKey {
        &self.key
    }

    /// `http[s]://HOST[:PORT]`.
    pub fn base_url(&self) -> String {
        self.origin.to_string()
    }

    /// Whom onion requests to this server go to.
    ///
    /// # Errors
    /// [`AddressError::UnusableKey`] when the key is no point of the prime-order subgroup.
    pub fn destination(&self) -> Result<Destination, AddressError> {
        let Origin { protocol, host, port } = &self.origin;
        Ok(Destination::Server {
            host: host.clone(),
            protocol: *protocol,
            port: *port,
            target: v4::TARGET.to_owned(),
            x25519: self.key.to_x25519()?,
        })
    }

    /// The address of a file on this server, `stream` when it is encrypted in that form.
    pub fn url_of(&self, id: FileId, stream: bool) -> FileUrl {
        FileUrl {
            key: self.origin.named_key(self.key),
            origin: self.origin.clone(),
            id,
            stream,
        }
    }
}

/// The address of a file. Its text form has the parts that are known here and no others.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct FileUrl {
    origin: Origin,
    id: FileId,
    /// None for Session's own key on its own hosts, and where the address names none.
    key: Option<Ed25519PublicKey>,
    stream: bool,
}

impl FileUrl {
    /// Reads an address (spec/07 §2.2, §2.3): either path, a slash or query behind the id, and in the fragment `p`, and
    /// `d` in any of the ways in which clients write it.
    ///
    /// # Errors
    /// [`AddressError`], for each part another.
    pub fn parse(url: &str) -> Result<Self, AddressError> {
        if url.len() > MAX_URL {
            return Err(AddressError::TooLong);
        }
        let (origin, rest) = Origin::parse(url)?;
        let (path, fragment) = rest.split_once('#').unwrap_or((rest, ""));
        let path = path.split_once('?').map_or(path, |(path, _)| path);
        let id = [PATH, LEGACY_PATH]
            .into_iter()
            .find_map(|prefix| path.strip_prefix(prefix))
            .ok_or(AddressError::Path)?;
        let id = id.strip_suffix('/').unwrap_or(id);
        if id.contains('/') {
            return Err(AddressError::Path);
        }
        let mut parsed = Self {
            origin,
            id: FileId::parse(id)?,
            key: None,
            stream: false,
        };
        for part in fragment.split('&') {
            match part.split_once('=').unwrap_or((part, "")) {
                ("p", key) => {
                    let key = Ed25519PublicKey::from_hex(key).map_err(|_| AddressError::ServerKey)?;
                    parsed.key = parsed.origin.named_key(key);
                }
                ("d", _) => parsed.stream = true,
                _ => {}
            }
        }
        Ok(parsed)
    }

    /// The file's name on the server.
    pub const fn id(&self) -> &FileId {
        &self.id
    }

    /// Whether the address says that the file is in the stream form.
    pub const fn is_stream(&self) -> bool {
        self.stream
    }

    /// The same file, said to be in the stream form or not.
    pub(super) fn with_form(mut self, stream: bool) -> Self {
        self.stream = stream;
        self
    }

    /// Name or address of the host, in lower case; IPv6 addresses in brackets.
    pub fn host(&self) -> &str {
        &self.origin.host
    }

    /// The server to ask: at the address's own scheme, host and port, with the key it names. Without a key it must be on
    /// the `configured` server or on one of Session's.
    ///
    /// # Errors
    /// [`AddressError::NoServerKey`] for a host whose key nobody knows: a request to it could not be read there, and
    /// would only tell that the address was opened.
    pub fn server(&self, configured: &FileServer) -> Result<FileServer, AddressError> {
        let key = match self.key {
            Some(key) => key,
            None if self.origin == configured.origin => configured.key,
            None if self.origin.is_sessions() => DEFAULT_KEY,
            None => return Err(AddressError::NoServerKey),
        };
        Ok(FileServer {
            origin: self.origin.clone(),
            key,
        })
    }

    /// Whether the file is on this server, under its key.
    pub fn is_on(&self, server: &FileServer) -> bool {
        self.origin == server.origin && self.server(server).is_ok_and(|found| found.key == server.key)
    }

    /// The address without fragment and query: what a cached copy is found by (spec/07 §8.6).
    pub fn without_fragment(&self) -> String {
        format!("{}{PATH}{}", self.origin, self.id)
    }

    /// The text form, for a profile picture.
    ///
    /// # Errors
    /// [`AddressError::TooLongForPicture`] above 223 bytes, the most that configs hold.
    pub fn to_picture_url(&self) -> Result<String, AddressError> {
        let url = self.to_string();
        if url.len() > MAX_PICTURE_URL {
            return Err(AddressError::TooLongForPicture);
        }
        Ok(url)
    }
}

impl fmt::Display for FileUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{PATH}{}", self.origin, self.id)?;
        match (self.key, self.stream) {
            (None, false) => Ok(()),
            (None, true) => f.write_str("#d"),
            (Some(key), false) => write!(f, "#p={key}"),
            (Some(key), true) => write!(f, "#p={key}&d"),
        }
    }
}

/// Who knows id and key can read the file, so the id is not printed.
impl fmt::Debug for FileUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileUrl({}, ..)", self.origin)
    }
}

impl core::str::FromStr for FileUrl {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl serde::Serialize for FileUrl {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for FileUrl {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <String as serde::Deserialize>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
