//! A wire to a server that a test can hold in the middle of a transfer.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// How long a transfer may take to get as far as it is to be held.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often that is looked at.
const GLANCE: Duration = Duration::from_millis(10);
/// Bytes that are carried at a time.
const PIECE: usize = 16 * 1024;

/// A direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// To the server.
    There,
    /// From the server.
    Back,
}

#[derive(Default)]
struct Inner {
    /// In which direction what is carried is held, after so many bytes more.
    left: Mutex<Option<(Way, usize)>>,
    held: AtomicBool,
}

impl Inner {
    /// Counts what was carried; whether no more is to be.
    fn counts(&self, way: Way, bytes: usize) -> bool {
        let mut left = self.left.lock().expect("nobody panicked");
        match left.as_mut() {
            Some((held, left)) if *held == way => {
                *left = left.saturating_sub(bytes);
                *left == 0
            }
            _ => false,
        }
    }
}

/// The wire. It carries as long as the test's runtime lives.
pub(crate) struct Choke {
    /// Where it begins.
    pub(crate) port: u16,
    inner: Arc<Inner>,
}

impl Choke {
    /// A wire to a server on this machine, whether that runs or not.
    pub(crate) async fn to(server: u16) -> Choke {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("a free port");
        let port = listener.local_addr().expect("its port").port();
        let inner = Arc::<Inner>::default();
        let shared = inner.clone();
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(carry(near, server, shared.clone()));
            }
        });
        Choke { port, inner }
    }

    /// Holds what is carried in a direction as soon as that are so many bytes.
    pub(crate) fn hold_after(&self, way: Way, bytes: usize) {
        self.inner.held.store(false, Ordering::SeqCst);
        *self.inner.left.lock().expect("nobody panicked") = Some((way, bytes));
    }

    /// Waits until it is held.
    pub(crate) async fn held(&self) {
        let held = async {
            while !self.inner.held.load(Ordering::SeqCst) {
                tokio::time::sleep(GLANCE).await;
            }
        };
        tokio::time::timeout(PATIENCE, held)
            .await
            .expect("a transfer that gets as far");
    }

    /// Carries everything again. What is held stays so until one of its ends closes.
    pub(crate) fn release(&self) {
        *self.inner.left.lock().expect("nobody panicked") = None;
    }
}

/// Carries one connection, and closes it when either end does.
async fn carry(near: TcpStream, server: u16, inner: Arc<Inner>) {
    let Ok(far) = TcpStream::connect((Ipv4Addr::LOCALHOST, server)).await else {
        return;
    };
    let (mut near_reads, mut near_writes) = near.into_split();
    let (mut far_reads, mut far_writes) = far.into_split();
    tokio::select! {
        () = pump(&mut near_reads, &mut far_writes, Way::There, &inner) => {}
        () = pump(&mut far_reads, &mut near_writes, Way::Back, &inner) => {}
    }
}

async fn pump(
    from: &mut (impl AsyncReadExt + Unpin),
    to: &mut (impl AsyncWriteExt + Unpin),
    way: Way,
    inner: &Inner,
) {
    let mut piece = vec![0; PIECE];
    loop {
        let count = match from.read(&mut piece).await {
            Ok(0) | Err(_) => return,
            Ok(count) => count,
        };
        if to.write_all(&piece[..count]).await.is_err() {
            return;
        }
        if inner.counts(way, count) {
            inner.held.store(true, Ordering::SeqCst);
            std::future::pending::<()>().await;
        }
    }
}
