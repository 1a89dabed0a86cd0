//! Addresses of community rooms in their canonical form (spec/04-configs.md §13).

use crate::base64;
use crate::keys::{Ed25519PublicKey, decode_hex};

/// Most bytes of a server's address.
pub const MAX_BASE_URL: usize = 267;
/// Most characters of a room's token.
pub const MAX_ROOM: usize = 64;
/// Fewest characters of a host.
const MIN_HOST: usize = 4;
/// What precedes the key in an address.
const KEY_QUERY: &str = "?public_key=";
/// What some addresses have before the room.
const ROOM_PREFIX: &str = "r/";
/// The alphabet of base32z, the rarest form of a key.
const BASE32Z: &[u8; 32] = b"ybndrfg8ejkmcpqxot1uwisza345h769";
/// Characters of a key in hex, base64 (with and without padding) and base32z.
const KEY_HEX: usize = 64;
const KEY_BASE64: [usize; 2] = [43, 44];
const KEY_BASE32Z: usize = 52;

/// Why an address is none of a community room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CommunityUrlError {
    /// It does not start with `http://` or `https://`.
    #[error("not a web address")]
    Scheme,
    /// The host is no name with a dot.
    #[error("bad host")]
    Host,
    /// The port is no number from 1 to 65535.
    #[error("bad port")]
    Port,
    /// The server's address is longer than [`MAX_BASE_URL`].
    #[error("address too long")]
    TooLong,
    /// The room is missing, too long, or has other characters than letters, digits, `-` and `_`.
    #[error("bad room")]
    Room,
    /// The key is none in hex, base64 or base32z.
    #[error("bad key")]
    Key,
}

/// The address of a room. Without a key it is enough to look a room up, not to join it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommunityUrl {
    /// `https://host`, canonical.
    pub base_url: String,
    /// The room's token as it was written.
    pub room: String,
    /// The server's key.
    pub public_key: Option<Ed25519PublicKey>,
}

impl CommunityUrl {
    /// Reads `BASE/ROOM?public_key=KEY`, with or without `r/` before the room and with or without the key.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(url: &str) -> Result<Self, CommunityUrlError> {
        let (url, key) = match url.split_once(KEY_QUERY) {
            Some((url, key)) => (url, Some(parse_key(key)?)),
            None => (url, None),
        };
        let (_, authority) = scheme(url)?;
        let (host, path) = authority.split_once('/').ok_or(CommunityUrlError::Room)?;
        let base = url.get(..url.len() - authority.len() + host.len());
        let room = path.strip_prefix(ROOM_PREFIX).unwrap_or(path);
        Self::from_parts(base.unwrap_or_default(), room, key)
    }

    /// From the server's address, which is made canonical, and a room.
    ///
    /// # Errors
    /// When either is wrong.
    pub fn from_parts(
        base_url: &str,
        room: &str,
        public_key: Option<Ed25519PublicKey>,
    ) -> Result<Self, CommunityUrlError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if room.is_empty() || room.len() > MAX_ROOM || !room.bytes().all(allowed) {
            return Err(CommunityUrlError::Room);
        }
        Ok(Self {
            base_url: canonical_base_url(base_url)?,
            room: room.to_owned(),
            public_key,
        })
    }

    /// The token by which rooms are told apart: in lower case.
    pub fn canonical_room(&self) -> String {
        self.room.to_ascii_lowercase()
    }

    /// The address to share: `BASE/ROOM?public_key=HEX`, without the query when the key is not known.
    pub fn full_url(&self) -> String {
        let Self { base_url, room, .. } = self;
        match &self.public_key {
            Some(key) => format!("{base_url}/{room}{KEY_QUERY}{key}"),
            None => format!("{base_url}/{room}"),
        }
    }
}

/// Scheme and rest.
fn scheme(url: &str) -> Result<(&'static str, &str), CommunityUrlError> {
    ["http://", "https://"]
        .into_iter()
        .find_map(|scheme| {
            let (start, rest) = url.split_at_checked(scheme.len())?;
            start.eq_ignore_ascii_case(scheme).then_some((scheme, rest))
        })
        .ok_or(CommunityUrlError::Scheme)
}

/// A server's address as it stands in configs: lower case, without the scheme's own port, without a path.
///
/// # Errors
/// When it is no such address.
pub fn canonical_base_url(url: &str) -> Result<String, CommunityUrlError> {
    let (scheme, authority) = scheme(url)?;
    let authority = authority.strip_suffix('/').unwrap_or(authority);
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    let host = host.to_ascii_lowercase();
    let allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-');
    if host.len() < MIN_HOST || !host.contains('.') || !host.bytes().all(allowed) {
        return Err(CommunityUrlError::Host);
    }
    let own_port = if scheme == "http://" { 80 } else { 443 };
    let port = match port {
        None => own_port,
        Some(port) if port.bytes().all(|digit| digit.is_ascii_digit()) => port
            .parse::<u16>()
            .ok()
            .filter(|port| *port != 0)
            .ok_or(CommunityUrlError::Port)?,
        Some(_) => return Err(CommunityUrlError::Port),
    };
    let url = if port == own_port {
        format!("{scheme}{host}")
    } else {
        format!("{scheme}{host}:{port}")
    };
    if url.len() > MAX_BASE_URL {
        return Err(CommunityUrlError::TooLong);
    }
    Ok(url)
}

fn parse_key(text: &str) -> Result<Ed25519PublicKey, CommunityUrlError> {
    let bytes = match text.len() {
        KEY_HEX => decode_hex(text).ok(),
        length if KEY_BASE64.contains(&length) => {
            let bytes = base64::decode(text.as_bytes()).ok();
            bytes.and_then(|bytes| bytes.try_into().ok())
        }
        KEY_BASE32Z => decode_base32z(text),
        _ => None,
    };
    bytes.map(Ed25519PublicKey::from).ok_or(CommunityUrlError::Key)
}

/// 52 characters of five bits; the last four bits are left over.
fn decode_base32z(text: &str) -> Option<[u8; 32]> {
    let (mut buffer, mut bits) = (0_u32, 0);
    let mut bytes = Vec::new();
    for letter in text.bytes() {
        let value = BASE32Z.iter().position(|known| *known == letter)?;
        buffer = buffer << 5 | u32::try_from(value).ok()?;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push((buffer >> bits & 0xff) as u8);
        }
    }
    bytes.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 32] = [
        0x85, 0xaa, 0xe6, 0x94, 0xfd, 0x7f, 0xa2, 0x80, 0xcd, 0xd2, 0x0b, 0xeb, 0x0a, 0x4a, 0xda, 0x56, 0x38,
        0xa6, 0x46, 0x12, 0x1e, 0x68, 0x2f, 0x88, 0x57, 0x8d, 0x67, 0x40, 0x2a, 0x4a, 0x6e, 0x52,
    ];

    #[test]
    fn a_key_is_read_in_each_of_its_forms() {
        let hex = data_encoding::HEXLOWER.encode(&KEY);
        let base64 = data_encoding::BASE64.encode(&KEY);
        // Computed from the published alphabet.
        let base32z = "osiqpf87x6tebuq1bxiow1s4kahkcto1d3wn9nnztiuwyk1kp3jy";
        for key in [&hex, &base64, base64.trim_end_matches('='), base32z] {
            let url = CommunityUrl::parse(&format!("https://e.org/r/Room?public_key={key}")).unwrap();
            assert_eq!(url.public_key, Some(Ed25519PublicKey::from(KEY)), "{key}");
            assert_eq!(url.full_url(), format!("https://e.org/Room?public_key={hex}"));
        }
    }

    #[test]
    fn each_fault_is_told_apart() {
        for (url, error) in [
            ("ftp://e.org/r", CommunityUrlError::Scheme),
            ("https://é.org/r", CommunityUrlError::Host),
            ("https://host/r", CommunityUrlError::Host),
            ("https://e.org:0/r", CommunityUrlError::Port),
            ("https://e.org:65536/r", CommunityUrlError::Port),
            ("https://e.org:+1/r", CommunityUrlError::Port),
            ("https://e.org:/r", CommunityUrlError::Port),
            ("https://e.org", CommunityUrlError::Room),
            ("https://e.org/", CommunityUrlError::Room),
            ("https://e.org/a/b", CommunityUrlError::Room),
            ("https://e.org/r?public_key=", CommunityUrlError::Key),
            ("https://e.org/r?public_key=00", CommunityUrlError::Key),
        ] {
            assert_eq!(CommunityUrl::parse(url), Err(error), "{url}");
        }
        let long = format!("https://{}.org/r", "a".repeat(MAX_BASE_URL));
        assert_eq!(CommunityUrl::parse(&long), Err(CommunityUrlError::TooLong));
    }
}
