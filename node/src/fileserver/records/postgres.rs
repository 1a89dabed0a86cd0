//! The rows in a PostgreSQL database, which several file servers may share.
//!
//! A few connections are used by all requests at once: the protocol lets statements follow each other without waiting for
//! answers, so that nothing has to be lent and given back. Each statement is its own transaction.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Mutex;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::error::SqlState;
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Config, NoTls, Row};

use super::{Answer, Begun, Records, RecordsError, Totals, begun, record, signed};
use crate::fileserver::places::{PASSWORD, PlaceError, Secrets};
use crate::storage::db::Durability;
use holdfast_protocol::file::FileId;
use holdfast_protocol::file::api::FileInfo;

/// Connections of one file server. Statements take a millisecond or so each, most of it waiting for the database's disk,
/// which commits what waits together; a database has a hundred connections for all its users (`max_connections`).
const CONNECTIONS: usize = 8;
/// How long connecting may take.
const CONNECT_TIME: Duration = Duration::from_secs(5);
/// How long a call may take, connecting included. The database gives a statement up after the same time.
const CALL_TIME: Duration = Duration::from_secs(10);
/// After what silence a connection is probed, so that one which a firewall has forgotten is noticed.
const PROBE_AFTER: Duration = Duration::from_secs(30);
/// The lock under which tables are made: servers that start at the same time would get into each other's way. Any number that
/// nothing else in the database uses; these are the bytes of `holdfast`.
const SCHEMA_LOCK: i64 = 0x686f_6c64_6661_7374;
/// [`super::TAKE_EXPIRED`], for several cleaners at once: none waits for, or takes, what another is taking.
const TAKE_EXPIRED: &str = "WITH taken AS (SELECT id FROM files \
     WHERE (state = 1 AND expires <= $1) OR (state <> 1 AND touched <= $2) LIMIT $3 FOR UPDATE SKIP LOCKED) \
     UPDATE files SET state = 2, touched = $1 FROM taken WHERE files.id = taken.id RETURNING files.id";
/// Ids.
const UNKNOWN: &str = "SELECT wanted FROM unnest($1) AS wanted \
     WHERE NOT EXISTS (SELECT 1 FROM files WHERE files.id = wanted)";

/// A statement's parameters with their types, so that one exchange does for both.
type Params<'a> = &'a [(&'a (dyn ToSql + Sync), Type)];

/// A PostgreSQL database.
pub struct Postgres {
    config: Config,
    tls: Option<MakeTls>,
    slots: [Mutex<Option<Arc<Client>>>; CONNECTIONS],
    next: AtomicUsize,
    closed: AtomicBool,
}

/// Whether an operator's address can be used.
pub(in crate::fileserver) fn check_address(address: &str) -> Result<(), PlaceError> {
    read_address(address).map(|_| ())
}

fn read_address(address: &str) -> Result<Config, PlaceError> {
    let config: Config = address.parse().map_err(|_| PlaceError::Records)?;
    if config.get_password().is_some() {
        return Err(PlaceError::PasswordInAddress);
    }
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        return Err(PlaceError::Records);
    }
    Ok(config)
}

/// Whether what is said never leaves the machine.
fn is_local(config: &Config) -> bool {
    let hosts = config.get_hosts().iter().all(|host| match host {
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    });
    hosts && config.get_hostaddrs().iter().all(IpAddr::is_loopback)
}

impl Postgres {
    /// Connects, and makes the table if there is none. Unless the address says otherwise (`sslmode`), connections that leave
    /// the machine are encrypted, with certificates verified by `tls`.
    pub async fn open(
        address: &str,
        secrets: &Secrets,
        tls: ClientConfig,
        durability: Durability,
    ) -> Result<Self, super::super::StartError> {
        let mut config = read_address(address)?;
        if let Some(password) = secrets.get(PASSWORD) {
            config.password(password);
        }
        if config.get_ssl_mode() == SslMode::Prefer {
            // "Prefer" would send everything in clear if somebody between only said that there is no TLS.
            config.ssl_mode(if is_local(&config) {
                SslMode::Disable
            } else {
                SslMode::Require
            });
        }
        let flush = match durability {
            Durability::Process => "off",
            Durability::Power => "on",
        };
        // The operator's own settings come last and win.
        let options = format!(
            "-c statement_timeout={} -c synchronous_commit={flush} {}",
            CALL_TIME.as_millis(),
            config.get_options().unwrap_or_default()
        );
        if config.get_application_name().is_none() {
            config.application_name("holdfast");
        }
        config
            .options(options.trim())
            .connect_timeout(CONNECT_TIME)
            .tcp_user_timeout(PROBE_AFTER)
            .keepalives_idle(PROBE_AFTER);
        let records = Self {
            tls: (config.get_ssl_mode() != SslMode::Disable).then(|| MakeTls(Arc::new(tls))),
            config,
            slots: std::array::from_fn(|_| Mutex::new(None)),
            next: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
        };
        let mut schema = format!("SELECT pg_advisory_xact_lock({SCHEMA_LOCK});{};", super::TABLE);
        for index in super::INDEXES {
            schema.push_str(index);
            schema.push(';');
        }
        let client = in_time(records.client()).await?;
        // Statements sent together are one transaction, at whose end the lock goes.
        in_time(async { Ok(client.batch_execute(&schema).await?) }).await?;
        Ok(records)
    }

    /// A connection, made if there is none.
    async fn client(&self) -> Result<Arc<Client>, RecordsError> {
        if self.closed.load(Ordering::Acquire) {
            return Err(RecordsError::Closed);
        }
        let place = self.next.fetch_add(1, Ordering::Relaxed) % CONNECTIONS;
        let slot = self.slots.get(place).ok_or(RecordsError::Closed)?;
        let mut slot = slot.lock().await;
        if let Some(client) = slot.as_ref()
            && !client.is_closed()
        {
            return Ok(Arc::clone(client));
        }
        let client = Arc::new(self.connect().await?);
        *slot = Some(Arc::clone(&client));
        Ok(client)
    }

    async fn connect(&self) -> Result<Client, tokio_postgres::Error> {
        match self.tls.clone() {
            Some(tls) => {
                let (client, connection) = self.config.connect(tls).await?;
                tokio::spawn(said(connection));
                Ok(client)
            }
            None => {
                let (client, connection) = self.config.connect(NoTls).await?;
                tokio::spawn(said(connection));
                Ok(client)
            }
        }
    }

    /// Gives a connection up that does not answer; the next call makes another.
    async fn give_up(&self, client: &Arc<Client>) {
        for slot in &self.slots {
            let mut slot = slot.lock().await;
            if slot.as_ref().is_some_and(|other| Arc::ptr_eq(other, client)) {
                *slot = None;
            }
        }
    }

    /// The outcome of a call over a connection, which is given up if it did not answer.
    async fn settle<T>(
        &self,
        client: &Arc<Client>,
        done: Result<T, RecordsError>,
    ) -> Result<T, RecordsError> {
        if matches!(done, Err(RecordsError::Timeout)) {
            self.give_up(client).await;
        }
        done
    }

    async fn rows(&self, sql: &str, params: Params<'_>) -> Result<Vec<Row>, RecordsError> {
        let client = in_time(self.client()).await?;
        let done = in_time(async { Ok(client.query_typed(sql, params).await?) }).await;
        self.settle(&client, done).await
    }

    /// Whether the statement changed a row.
    async fn changed(&self, sql: &str, params: Params<'_>) -> Result<bool, RecordsError> {
        let client = in_time(self.client()).await?;
        let done = in_time(async { Ok(client.execute_typed(sql, params).await?) }).await;
        Ok(self.settle(&client, done).await? > 0)
    }

    async fn one(&self, sql: &str, params: Params<'_>) -> Result<Option<FileInfo>, RecordsError> {
        self.rows(sql, params).await?.first().map(from_row).transpose()
    }
}

/// Bounds a call.
async fn in_time<T>(work: impl Future<Output = Result<T, RecordsError>>) -> Result<T, RecordsError> {
    tokio::time::timeout(CALL_TIME, work)
        .await
        .unwrap_or(Err(RecordsError::Timeout))
}

/// Carries a connection's bytes until it ends, and says why when that was no wish of ours.
async fn said(connection: impl Future<Output = Result<(), tokio_postgres::Error>>) {
    if let Err(error) = connection.await {
        tracing::warn!(error = %RecordsError::from(error), "a connection to the database broke");
    }
}

fn from_row(row: &Row) -> Result<FileInfo, RecordsError> {
    Ok(record(row.try_get(0)?, row.try_get(1)?, row.try_get(2)?))
}

impl From<tokio_postgres::Error> for RecordsError {
    fn from(error: tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            Some(answer) if *answer.code() == SqlState::DISK_FULL => Self::Full,
            // Its details could name files, and are left out.
            Some(answer) => Self::Server(format!("{} ({})", answer.message(), answer.code().code())),
            None => {
                let cause = std::error::Error::source(&error);
                Self::Server(cause.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}")))
            }
        }
    }
}

/// The parameters of a statement.
macro_rules! params {
    ($($value:expr => $kind:ident),*) => { &[$((&$value as &(dyn ToSql + Sync), Type::$kind)),*] };
}

impl Records for Postgres {
    fn begin(&self, id: FileId, size: u64, now: u64, expires: u64) -> Answer<'_, Begun> {
        Box::pin(async move {
            let params = params![id.as_str() => TEXT, signed(size) => INT8, signed(now) => INT8, signed(expires) => INT8];
            let rows = self.rows(super::BEGIN, params).await?;
            let row = rows
                .first()
                .map(|row| Ok::<_, RecordsError>((from_row(row)?, row.try_get(3)?)));
            Ok(begun(row.transpose()?))
        })
    }

    fn begin_new(&self, id: FileId, size: u64, now: u64, expires: u64) -> Answer<'_, bool> {
        Box::pin(async move {
            let params = params![id.as_str() => TEXT, signed(size) => INT8, signed(now) => INT8, signed(expires) => INT8];
            self.changed(super::BEGIN_NEW, params).await
        })
    }

    fn begin_again(&self, id: FileId, now: u64) -> Answer<'_, bool> {
        Box::pin(async move {
            self.changed(
                super::BEGIN_AGAIN,
                params![signed(now) => INT8, id.as_str() => TEXT],
            )
            .await
        })
    }

    fn finish(&self, id: FileId) -> Answer<'_, Option<FileInfo>> {
        Box::pin(async move { self.one(super::FINISH, params![id.as_str() => TEXT]).await })
    }

    fn get(&self, id: FileId, now: u64) -> Answer<'_, Option<FileInfo>> {
        Box::pin(async move {
            self.one(super::GET, params![id.as_str() => TEXT, signed(now) => INT8])
                .await
        })
    }

    fn extend(&self, id: FileId, now: u64, expires: u64) -> Answer<'_, Option<FileInfo>> {
        Box::pin(async move {
            let params = params![signed(expires) => INT8, id.as_str() => TEXT, signed(now) => INT8];
            self.one(super::EXTEND, params).await
        })
    }

    fn take_expired(&self, now: u64, abandoned: u64, limit: u32) -> Answer<'_, Vec<FileId>> {
        Box::pin(async move {
            let params = params![signed(now) => INT8, signed(abandoned) => INT8, i64::from(limit) => INT8];
            ids(&self.rows(TAKE_EXPIRED, params).await?)
        })
    }

    fn take_lost(&self, id: FileId, now: u64) -> Answer<'_, bool> {
        Box::pin(async move {
            self.changed(
                super::TAKE_LOST,
                params![signed(now) => INT8, id.as_str() => TEXT],
            )
            .await
        })
    }

    fn take_orphan(&self, id: FileId, now: u64) -> Answer<'_, bool> {
        Box::pin(async move {
            self.changed(
                super::TAKE_ORPHAN,
                params![id.as_str() => TEXT, signed(now) => INT8],
            )
            .await
        })
    }

    fn keep(&self, id: FileId) -> Answer<'_, ()> {
        Box::pin(async move {
            self.changed(super::KEEP, params![id.as_str() => TEXT])
                .await
                .map(|_| ())
        })
    }

    fn forget(&self, id: FileId) -> Answer<'_, ()> {
        Box::pin(async move {
            self.changed(super::FORGET, params![id.as_str() => TEXT])
                .await
                .map(|_| ())
        })
    }

    fn unknown(&self, wanted: Vec<FileId>) -> Answer<'_, Vec<FileId>> {
        Box::pin(async move {
            let wanted: Vec<&str> = wanted.iter().map(FileId::as_str).collect();
            ids(&self.rows(UNKNOWN, params![wanted => TEXT_ARRAY]).await?)
        })
    }

    fn totals(&self) -> Answer<'_, Totals> {
        Box::pin(async move {
            let rows = self.rows(super::TOTALS, &[]).await?;
            let row = rows.first().ok_or(RecordsError::NotCommitted)?;
            let number = |column: usize| {
                let number: i64 = row.try_get(column)?;
                Ok::<_, RecordsError>(u64::try_from(number).unwrap_or(0))
            };
            Ok(Totals {
                files: number(0)?,
                bytes: number(1)?,
            })
        })
    }

    fn is_exclusive(&self) -> bool {
        false
    }

    fn close(&self) {
        self.closed.store(true, Ordering::Release);
        // A connection that is lent at this moment goes with the process.
        for slot in &self.slots {
            if let Ok(mut slot) = slot.try_lock() {
                *slot = None;
            }
        }
    }
}

/// The first column, where it holds ids.
fn ids(rows: &[Row]) -> Result<Vec<FileId>, RecordsError> {
    let mut ids = Vec::with_capacity(rows.len());
    for row in rows {
        ids.extend(FileId::parse(row.try_get(0)?).ok());
    }
    Ok(ids)
}

/// Makes encrypted connections by the project's own TLS.
#[derive(Clone)]
struct MakeTls(Arc<ClientConfig>);

/// One handshake to come.
struct Handshake {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

/// An encrypted connection.
struct Encrypted<S>(tokio_rustls::client::TlsStream<S>);

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> MakeTlsConnect<S> for MakeTls {
    type Stream = Encrypted<S>;
    type TlsConnect = Handshake;
    type Error = std::io::Error;

    fn make_tls_connect(&mut self, domain: &str) -> std::io::Result<Handshake> {
        let name = ServerName::try_from(domain.to_owned())
            .map_err(|_| std::io::Error::other("no certificate can bear the name of this host"))?;
        Ok(Handshake {
            config: Arc::clone(&self.0),
            name,
        })
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> TlsConnect<S> for Handshake {
    type Stream = Encrypted<S>;
    type Error = std::io::Error;
    type Future = Pin<Box<dyn Future<Output = std::io::Result<Encrypted<S>>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        let connector = tokio_rustls::TlsConnector::from(self.config);
        Box::pin(async move { connector.connect(self.name, stream).await.map(Encrypted) })
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream for Encrypted<S> {
    fn channel_binding(&self) -> ChannelBinding {
        // The certificate is verified already.
        ChannelBinding::none()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Encrypted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Encrypted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leaves_the_machine_is_known() {
        for (address, local) in [
            ("postgres://a@localhost/b", true),
            ("postgres://a@127.0.0.1/b", true),
            ("postgres:///b?host=/run/postgresql", true),
            ("postgres://a@db.example/b", false),
            ("postgres://a@localhost,db.example/b", false),
            ("postgres://a@10.0.0.1/b", false),
        ] {
            assert_eq!(is_local(&read_address(address).unwrap()), local, "{address}");
        }
    }
}
