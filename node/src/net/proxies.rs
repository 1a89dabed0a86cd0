//! Reverse proxies that the operator named: they are believed when they say who asked them.
//!
//! Limits count by client address. A connection of a proxy has the proxy's, so that all visitors behind it would share one
//! limit. Anybody can write a header, so that nobody but a named proxy is believed.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use http::{Extensions, HeaderMap, HeaderName};
use tower::util::MapRequestLayer;

/// Where proxies write who asked them: each adds an address at the end.
///
/// `Forwarded` (RFC 7239) is not read: a proxy that writes one of the two passes on what visitors wrote into the other.
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// The shortest prefix of a network: `10.0.0.0/8` and `fc00::/7` are the largest private ones.
const SHORTEST_PREFIX: u8 = 7;

/// A reverse proxy's address, or the network that it is in, such as a container's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrustedProxy {
    address: IpAddr,
    prefix: u8,
}

/// Why something is no proxy that may be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustedProxyError {
    /// It is neither an address nor a network.
    #[error("give an address such as 127.0.0.1, or a network such as 172.18.0.0/16")]
    Form,
    /// Visitors would be in the network too, and could give themselves any address.
    #[error("name the proxy, not half of the internet: /8 is the widest, or /7 in IPv6")]
    Wide,
}

impl FromStr for TrustedProxy {
    type Err = TrustedProxyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| TrustedProxyError::Form)?;
        // A server's log may have shown IPv4 in its IPv6 form.
        let address = address.to_canonical();
        let (shortest, longest) = match address {
            IpAddr::V4(_) => (SHORTEST_PREFIX + 1, 32_u8),
            IpAddr::V6(_) => (SHORTEST_PREFIX, 128),
        };
        let prefix = match prefix {
            Some(prefix) => prefix.parse::<u8>().map_err(|_| TrustedProxyError::Form)?,
            None => longest,
        };
        if prefix > longest {
            Err(TrustedProxyError::Form)
        } else if prefix < shortest {
            Err(TrustedProxyError::Wide)
        } else {
            Ok(Self { address, prefix })
        }
    }
}

impl TrustedProxy {
    fn holds(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let differing = bits(self.address) ^ bits(address);
        self.address.is_ipv4() == address.is_ipv4() && differing >> (128 - u32::from(self.prefix)) == 0
    }
}

/// An address's bits, the first one highest.
fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(u32::from(v4)) << 96,
        IpAddr::V6(v6) => u128::from(v6),
    }
}

/// The same router for whom these proxies name: [`client_of`] gives the visitor's address where one of them connects.
pub fn behind(proxies: &[TrustedProxy], app: Router) -> Router {
    if proxies.is_empty() {
        return app;
    }
    let proxies: Arc<[TrustedProxy]> = proxies.into();
    app.layer(MapRequestLayer::new(move |mut request: Request| {
        let peer = client_of(request.extensions());
        let client = named(&proxies, peer, request.headers());
        request
            .extensions_mut()
            .insert(ConnectInfo(SocketAddr::new(client, 0)));
        request
    }))
}

/// The address that a request's limits count for. It is nowhere logged.
pub fn client_of(extensions: &Extensions) -> IpAddr {
    extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |info| info.0.ip())
}

/// The last hop that is no trusted proxy. Where a proxy names nobody, or something that is no address, it is the proxy itself.
fn named(proxies: &[TrustedProxy], peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    let mut hops = headers
        .get_all(X_FORWARDED_FOR)
        .iter()
        .rev()
        .flat_map(|line| line.to_str().unwrap_or_default().rsplit(','));
    let mut client = peer;
    while proxies.iter().any(|proxy| proxy.holds(client)) {
        match hops.next().and_then(hop) {
            Some(before) => client = before,
            None => break,
        }
    }
    client
}

/// A hop as proxies write it: an address, and with some of them a port.
fn hop(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let address = bare.unwrap_or(text).parse::<IpAddr>().ok();
    address.or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use http::HeaderValue;
    use tower::ServiceExt as _;

    fn proxies(names: &[&str]) -> Vec<TrustedProxy> {
        names.iter().map(|name| name.parse().unwrap()).collect()
    }

    /// Whom a connection from `peer` with these lines of the header counts for.
    fn client(trusted: &[&str], peer: &str, lines: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(X_FORWARDED_FOR, HeaderValue::from_str(line).unwrap());
        }
        named(&proxies(trusted), peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn only_a_named_proxy_is_believed() {
        assert_eq!(client(&[], "198.51.100.1", &["192.0.2.1"]), "198.51.100.1");
        assert_eq!(
            client(&["127.0.0.1"], "198.51.100.1", &["192.0.2.1"]),
            "198.51.100.1"
        );
        assert_eq!(client(&["127.0.0.1"], "127.0.0.1", &["192.0.2.1"]), "192.0.2.1");
        // A listener for both families sees IPv4 in its IPv6 form.
        assert_eq!(
            client(&["127.0.0.1"], "::ffff:127.0.0.1", &["192.0.2.1"]),
            "192.0.2.1"
        );
        assert_eq!(client(&["127.0.0.1"], "::1", &["192.0.2.1"]), "::1");
    }

    #[test]
    fn the_last_hop_that_is_no_proxy_counts_and_not_what_a_visitor_wrote_before_it() {
        let trusted = ["127.0.0.1", "10.0.0.0/8", "fd00::/8"];
        for (lines, expected) in [
            (vec!["203.0.113.9, 192.0.2.1"], "192.0.2.1"),
            (vec!["203.0.113.9, 192.0.2.1, 10.1.2.3"], "192.0.2.1"),
            // Some proxies add a line of their own.
            (vec!["203.0.113.9", "192.0.2.1", "fd00::5"], "192.0.2.1"),
            // A visitor from within, through two proxies.
            (vec!["10.9.9.9, 10.1.2.3"], "10.9.9.9"),
            (vec!["2001:db8::7"], "2001:db8::7"),
            (vec!["[2001:db8::7]"], "2001:db8::7"),
            (vec!["[2001:db8::7]:4711"], "2001:db8::7"),
            (vec![" 192.0.2.1:4711 "], "192.0.2.1"),
        ] {
            assert_eq!(client(&trusted, "127.0.0.1", &lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn where_a_proxy_names_nobody_its_visitors_share_its_limit() {
        for lines in [
            vec![],
            vec![""],
            vec!["unknown"],
            vec!["192.0.2.1, _hidden"],
            vec!["192.0.2.1,"],
            vec!["192.0.2.1 203.0.113.9"],
        ] {
            assert_eq!(
                client(&["127.0.0.1"], "127.0.0.1", &lines),
                "127.0.0.1",
                "{lines:?}"
            );
        }
    }

    #[test]
    fn a_proxy_is_an_address_or_a_network_that_is_not_everybody() {
        let holds = |network: &str, address: &str| {
            network
                .parse::<TrustedProxy>()
                .unwrap()
                .holds(address.parse().unwrap())
        };
        assert!(holds("172.18.0.0/16", "172.18.255.1") && !holds("172.18.0.0/16", "172.19.0.1"));
        assert!(holds("172.18.4.5/16", "172.18.0.1"));
        assert!(holds("192.0.2.1/32", "192.0.2.1") && !holds("192.0.2.1", "192.0.2.2"));
        assert!(holds("fc00::/7", "fdff::1") && !holds("fc00::/7", "fe80::1"));
        assert!(!holds("fc00::/7", "252.0.0.1"));
        assert!(holds("::ffff:192.0.2.1", "192.0.2.1"));
        for (text, why) in [
            ("", TrustedProxyError::Form),
            ("proxy.example", TrustedProxyError::Form),
            ("127.0.0.1:80", TrustedProxyError::Form),
            ("10.0.0.0/33", TrustedProxyError::Form),
            ("10.0.0.0/", TrustedProxyError::Form),
            ("0.0.0.0/0", TrustedProxyError::Wide),
            ("10.0.0.0/7", TrustedProxyError::Wide),
            ("::/0", TrustedProxyError::Wide),
        ] {
            assert_eq!(text.parse::<TrustedProxy>(), Err(why), "{text}");
        }
    }

    #[tokio::test]
    async fn a_router_behind_a_proxy_sees_the_visitor() {
        let app = Router::new()
            .fallback(|request: Request| async move { client_of(request.extensions()).to_string() });
        let app = behind(&proxies(&["127.0.0.1"]), app);
        for (peer, expected) in [("127.0.0.1", "192.0.2.1"), ("198.51.100.1", "198.51.100.1")] {
            let mut request = Request::new(Body::empty());
            let header = HeaderValue::from_static("192.0.2.1");
            request.headers_mut().insert(X_FORWARDED_FOR, header);
            let peer = SocketAddr::new(peer.parse().unwrap(), 4711);
            request.extensions_mut().insert(ConnectInfo(peer));
            let answer = app.clone().oneshot(request).await.unwrap();
            let body = axum::body::to_bytes(answer.into_body(), 100).await.unwrap();
            assert_eq!(&body[..], expected.as_bytes());
        }
    }
}
