//! A GET over plain HTTP to this machine: what `--check` needs of a client.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::progress::Outcome;

/// How long the local server may be silent.
const TIMEOUT: Duration = Duration::from_secs(10);

/// An answer.
pub(crate) struct Reply {
    /// The status code.
    pub(crate) status: u16,
    /// Names in lower case, and values.
    headers: Vec<(String, String)>,
    /// The body as it came, no content coding undone.
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// The value of a header, by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// Fetches `http://host:port/path`.
pub(crate) fn get(url: &str) -> Outcome<Reply> {
    fetch(url).map_err(|error| format!("GET {url}: {error}"))
}

fn fetch(url: &str) -> Outcome<Reply> {
    let rest = url.strip_prefix("http://").ok_or("not a plain http address")?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let mut stream = TcpStream::connect(host).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    stream
        .set_read_timeout(Some(TIMEOUT))
        .and_then(|()| {
            write!(
                stream,
                "GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
            )
        })
        .and_then(|()| stream.read_to_end(&mut bytes))
        .map_err(|error| error.to_string())?;
    parse(&bytes).ok_or_else(|| "not an HTTP answer".to_owned())
}

fn parse(bytes: &[u8]) -> Option<Reply> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(bytes.get(..end)?).ok()?;
    let body = bytes.get(end + 4..)?;
    let mut lines = head.lines();
    let status = lines.next()?.split_whitespace().nth(1)?.parse().ok()?;
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let chunked = headers
        .iter()
        .any(|(name, value)| name == "transfer-encoding" && value.eq_ignore_ascii_case("chunked"));
    let body = if chunked { unchunk(body)? } else { body.to_owned() };
    Some(Reply {
        status,
        headers,
        body,
    })
}

fn unchunk(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = bytes.windows(2).position(|window| window == b"\r\n")?;
        let size = std::str::from_utf8(bytes.get(..end)?).ok()?.split(';').next()?;
        let size = usize::from_str_radix(size.trim(), 16).ok()?;
        if size == 0 {
            return Some(body);
        }
        let start = end + 2;
        body.extend_from_slice(bytes.get(start..start.checked_add(size)?)?);
        bytes = bytes.get(start + size + 2..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_framings_of_a_body_are_read() {
        let plain = parse(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\nhello").unwrap();
        assert_eq!(
            (plain.status, plain.header("content-type"), &plain.body[..]),
            (200, Some("text/html"), &b"hello"[..])
        );
        let chunked = parse(
            b"HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
        )
        .unwrap();
        assert_eq!((chunked.status, &chunked.body[..]), (404, &b"hello"[..]));
        assert!(parse(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhel").is_none());
    }
}
