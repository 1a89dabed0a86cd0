//! HTTP/1.1 over one kept-alive connection, with as little of its own cost as possible.

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::Outcome;

/// One connection to one server.
pub struct Connection {
    host: String,
    stream: BufReader<TcpStream>,
}

impl Connection {
    /// Connects to `http://host:port`, with or without a path behind it.
    pub async fn open(url: &str) -> Outcome<Self> {
        let host = url
            .trim_start_matches("http://")
            .split('/')
            .next()
            .unwrap_or_default();
        let stream = TcpStream::connect(host)
            .await
            .map_err(|error| format!("{host}: {error}"))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            host: host.to_owned(),
            stream: BufReader::with_capacity(64 * 1024, stream),
        })
    }

    /// Posts a body and reads the whole answer.
    pub async fn post(&mut self, path: &str, body: &[u8]) -> Outcome<(u16, Vec<u8>)> {
        self.request("POST", path, body).await
    }

    /// Fetches a resource and reads the whole answer.
    pub async fn get(&mut self, path: &str) -> Outcome<(u16, Vec<u8>)> {
        self.request("GET", path, &[]).await
    }

    /// Posts and reads JSON; any status but success is a failure.
    pub async fn json(&mut self, method: &str, path: &str, body: &Value) -> Outcome<Value> {
        let body = if body.is_null() {
            Vec::new()
        } else {
            body.to_string().into_bytes()
        };
        let (status, answer) = self.request(method, path, &body).await?;
        if !(200..300).contains(&status) {
            return Err(format!("{method} {path}: {status} {}", String::from_utf8_lossy(&answer)).into());
        }
        Ok(serde_json::from_slice(&answer)?)
    }

    async fn request(&mut self, method: &str, path: &str, body: &[u8]) -> Outcome<(u16, Vec<u8>)> {
        let mut request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            self.host,
            body.len()
        )
        .into_bytes();
        request.extend_from_slice(body);
        self.stream.get_mut().write_all(&request).await?;
        let mut line = String::new();
        self.stream.read_line(&mut line).await?;
        let status = line
            .split(' ')
            .nth(1)
            .and_then(|code| code.parse().ok())
            .ok_or("not an HTTP answer")?;
        let (mut length, mut chunked) = (0, false);
        loop {
            line.clear();
            if self.stream.read_line(&mut line).await? == 0 {
                return Err("the answer ended early".into());
            }
            let Some((name, value)) = line.trim_end().split_once(':') else {
                break;
            };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse()?;
            }
            chunked |= name.eq_ignore_ascii_case("transfer-encoding");
        }
        let mut answer = Vec::new();
        if chunked {
            return Ok((status, self.chunks().await?));
        }
        answer.resize(length, 0);
        self.stream.read_exact(&mut answer).await?;
        Ok((status, answer))
    }

    async fn chunks(&mut self) -> Outcome<Vec<u8>> {
        let mut answer = Vec::new();
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line).await?;
            let size = usize::from_str_radix(line.trim(), 16)?;
            let start = answer.len();
            answer.resize(start + size + 2, 0);
            self.stream
                .read_exact(answer.get_mut(start..).unwrap_or_default())
                .await?;
            answer.truncate(start + size);
            if size == 0 {
                return Ok(answer);
            }
        }
    }
}
