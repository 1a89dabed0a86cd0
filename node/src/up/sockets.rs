//! What the network listens with: ports that a second start uses again, and servers that can be ended or cut off.

use std::net::Ipv4Addr;
use std::path::Path;

use axum::Router;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::UpError;
use crate::files::FileError;
use crate::net::server::{Stopper, serve, stopper};

/// The file of the ports in the data folder.
const PORTS: &str = "ports.json";

/// Ports that a second start uses again.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Ports {
    pub(super) seed: u16,
    #[serde(default)]
    pub(super) files: u16,
    #[serde(default)]
    pub(super) previews: u16,
    #[serde(default)]
    pub(super) demo: u16,
    pub(super) nodes: Vec<u16>,
}

impl Ports {
    /// Those of the last start, or none.
    pub(super) fn read(data: &Path) -> Self {
        std::fs::read(data.join(PORTS))
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok())
            .unwrap_or_default()
    }

    pub(super) fn keep(&self, data: &Path) -> Result<(), UpError> {
        let file = data.join(PORTS);
        let text = serde_json::to_vec(self).unwrap_or_default();
        std::fs::write(&file, text).map_err(|error| FileError(file, error).into())
    }
}

/// Something that listens, with its task.
pub(super) struct Server {
    stopper: Stopper,
    task: JoinHandle<()>,
}

impl Server {
    pub(super) fn start(listener: TcpListener, app: Router) -> Self {
        let (stopper, stopping) = stopper();
        Self {
            stopper,
            task: tokio::spawn(serve(listener, None, app, stopping)),
        }
    }

    /// Lets open exchanges end.
    pub(super) async fn stop(self) {
        self.stopper.stop();
        // The only error is that the task panicked or was cancelled: it has ended all the same.
        let _ = self.task.await;
    }

    /// Cuts every connection now.
    pub(super) async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

/// Listens on a port of this machine.
pub(super) async fn listen(port: u16) -> Result<TcpListener, UpError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::AddrInUse => UpError::PortTaken(port),
            _ => UpError::Port(port, error),
        })
}

/// The port that a listener has.
pub(super) fn port_of(listener: &TcpListener, wanted: u16) -> Result<u16, UpError> {
    listener
        .local_addr()
        .map(|address| address.port())
        .map_err(|error| UpError::Port(wanted, error))
}

/// Listens on the port of the last start, or on a free one if there is none or somebody else took it.
pub(super) async fn listen_again(port: &mut u16) -> Result<TcpListener, UpError> {
    let listener = match listen(*port).await {
        Ok(listener) => listener,
        Err(_) => listen(0).await?,
    };
    *port = port_of(&listener, *port)?;
    Ok(listener)
}
