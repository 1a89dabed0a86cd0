//! Which pages may show the app's chat in a frame: the operator's list of origins, checked, and what browsers and the app
//! are told of it (`docs/embedding.md`).

use std::fmt;
use std::str::FromStr;

use axum::body::Bytes;

/// The page that may be framed: the app, reduced to one chat.
pub const PAGE: &str = "/embed.html";
/// The script that other pages load, from wherever they are.
pub const SCRIPT: &str = "/embed.js";
/// Where the app reads the list.
pub const LIST: &str = "/embed.json";
/// The longest host name, bytes.
const MAX_HOST: usize = 253;
/// The longest part of one, bytes.
const MAX_LABEL: usize = 63;

/// An origin as browsers write it: scheme, host in lower case, and a port that is not the scheme's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmbedOrigin(String);

/// Why something is no origin that may be allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EmbedOriginError {
    /// It has no scheme, or one that pages don't have.
    #[error("begin with https://, as in https://www.example.org")]
    Scheme,
    /// Whoever is between such a page and its visitors could put anything around the chat.
    #[error("only https is safe for pages of others; http is for localhost and 127.0.0.1")]
    Insecure,
    /// A wildcard would let in hosts that nobody thought of.
    #[error("name each host: a * would also let in those that you don't know of")]
    Wildcard,
    /// Browsers compare nothing but scheme, host and port.
    #[error("give scheme, host and port only, without a path, a name or a question mark")]
    More,
    /// The host is no name: policies can't name addresses by number.
    #[error(
        "the host must be a name such as www.example.org; write one with other letters in its ASCII form (xn--…)"
    )]
    Host,
    /// The port is no number from 1 to 65535.
    #[error("the port must be a number from 1 to 65535")]
    Port,
}

impl fmt::Display for EmbedOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for EmbedOrigin {
    type Err = EmbedOriginError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (scheme, rest) = text.trim().split_once("://").ok_or(EmbedOriginError::Scheme)?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains('*') {
            return Err(EmbedOriginError::Wildcard);
        }
        if rest.contains(['/', '?', '#', '@', '\\']) {
            return Err(EmbedOriginError::More);
        }
        if rest.starts_with('[') {
            return Err(EmbedOriginError::Host);
        }
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) => (host, Some(port_of(port)?)),
            None => (rest, None),
        };
        let host = host.to_ascii_lowercase();
        let local = is_local(&host);
        if !local && !is_name(&host) {
            return Err(EmbedOriginError::Host);
        }
        let (scheme, usual) = match scheme.to_ascii_lowercase().as_str() {
            "https" => ("https", 443),
            "http" if local => ("http", 80),
            "http" => return Err(EmbedOriginError::Insecure),
            _ => return Err(EmbedOriginError::Scheme),
        };
        Ok(Self(match port {
            Some(port) if port != usual => format!("{scheme}://{host}:{port}"),
            _ => format!("{scheme}://{host}"),
        }))
    }
}

fn port_of(text: &str) -> Result<u16, EmbedOriginError> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    let port = text.parse().ok().filter(|port| *port > 0 && digits);
    port.ok_or(EmbedOriginError::Port)
}

/// This machine: what browsers trust without TLS, and policies can name. They can name no other address by number.
fn is_local(host: &str) -> bool {
    host == "localhost" || host == "127.0.0.1"
}

fn is_name(host: &str) -> bool {
    let label = |label: &str| {
        (1..=MAX_LABEL).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let numeric = host
        .rsplit('.')
        .next()
        .is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()));
    host.len() <= MAX_HOST && host.split('.').all(label) && !numeric
}

/// The list as the policy's `frame-ancestors` says it.
pub(crate) fn ancestors(origins: &[EmbedOrigin]) -> String {
    if origins.is_empty() {
        return "'none'".to_owned();
    }
    texts(origins).join(" ")
}

/// The list as the app reads it.
pub(crate) fn list(origins: &[EmbedOrigin]) -> Bytes {
    Bytes::from(serde_json::json!({ "origins": texts(origins) }).to_string())
}

fn texts(origins: &[EmbedOrigin]) -> Vec<&str> {
    origins.iter().map(|origin| origin.0.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::{EmbedOrigin, EmbedOriginError, ancestors, list};

    fn read(text: &str) -> Result<String, EmbedOriginError> {
        text.parse::<EmbedOrigin>().map(|origin| origin.to_string())
    }

    #[test]
    fn origins_are_written_as_browsers_write_them() {
        for (given, meant) in [
            ("https://www.example.org", "https://www.example.org"),
            ("HTTPS://WWW.Example.org:443/", "https://www.example.org"),
            ("https://shop.example:8443", "https://shop.example:8443"),
            ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
            ("http://localhost:8000", "http://localhost:8000"),
            ("http://127.0.0.1:80", "http://127.0.0.1"),
            ("https://intranet", "https://intranet"),
        ] {
            assert_eq!(read(given).as_deref(), Ok(meant), "{given}");
        }
    }

    #[test]
    fn what_is_no_origin_is_refused_with_its_reason() {
        use EmbedOriginError::{Host, Insecure, More, Port, Scheme, Wildcard};
        let long = format!("https://{}.example", "a".repeat(64));
        for (given, why) in [
            ("", Scheme),
            ("www.example.org", Scheme),
            ("ftp://example.org", Scheme),
            ("'self'", Scheme),
            ("http://example.org", Insecure),
            ("https://*.example.org", Wildcard),
            ("https://*", Wildcard),
            ("https://example.org/shop", More),
            ("https://example.org//", More),
            ("https://example.org?x", More),
            ("https://example.org#x", More),
            ("https://me@example.org", More),
            ("https://", Host),
            ("https://exa mple.org", Host),
            ("https://example.org;", Host),
            ("https://example.org,https", Host),
            ("https://example..org", Host),
            ("https://-example.org", Host),
            ("https://bücher.example", Host),
            ("https://10.0.0.5", Host),
            ("https://[::1]", Host),
            ("https://[::1]:8443", Host),
            (long.as_str(), Host),
            ("https://example.org:", Port),
            ("https://example.org:0", Port),
            ("https://example.org:+1", Port),
            ("https://example.org:65536", Port),
        ] {
            assert_eq!(read(given), Err(why), "{given}");
        }
    }

    #[test]
    fn the_list_is_told_to_browsers_and_to_the_app() {
        assert_eq!(ancestors(&[]), "'none'");
        assert_eq!(&list(&[])[..], br#"{"origins":[]}"#);
        let two =
            ["https://a.example", "http://localhost:1"].map(|text| text.parse::<EmbedOrigin>().unwrap());
        assert_eq!(ancestors(&two), "https://a.example http://localhost:1");
        assert_eq!(
            &list(&two)[..],
            br#"{"origins":["https://a.example","http://localhost:1"]}"#
        );
    }
}
