//! The file server of a local network.

use std::sync::Arc;

use holdfast_protocol::keys::Ed25519KeyPair;
use tokio::net::TcpListener;

use super::sockets::Server;
use super::{Options, ServerAddress, UpError};
use crate::clock::Clock;
use crate::files::{KEYS, keys_in};
use crate::fileserver::{self, FileServer, router};

/// The file server's place, whether it runs or not.
pub(super) struct FilesSlot {
    keys: Ed25519KeyPair,
    options: fileserver::Options,
    port: u16,
    running: Option<(FileServer, Server)>,
}

impl FilesSlot {
    pub(super) fn new(network: &Options, port: u16) -> Result<Self, UpError> {
        let folder = network.data.join("files");
        Ok(Self {
            keys: keys_in(&folder, KEYS)?,
            options: fileserver::Options {
                durability: network.durability,
                // Everything on this machine comes from one address.
                rate: None,
                ..fileserver::Options::new(&folder)
            },
            port,
            running: None,
        })
    }

    pub(super) fn address(&self) -> ServerAddress {
        ServerAddress {
            url: format!("http://127.0.0.1:{}", self.port),
            ed25519: self.keys.public(),
        }
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn is_running(&self) -> bool {
        self.running.is_some()
    }

    pub(super) async fn start_on(
        &mut self,
        listener: TcpListener,
        clock: Arc<dyn Clock>,
    ) -> Result<(), UpError> {
        let server = FileServer::open(&self.keys, self.options.clone(), clock).await?;
        server.start();
        self.running = Some((server.clone(), Server::start(listener, router(server))));
        Ok(())
    }

    /// The server and its connections, to be ended by the caller.
    pub(super) fn take(&mut self) -> Option<(FileServer, Server)> {
        self.running.take()
    }

    /// Cuts everything off now.
    pub(super) async fn kill(&mut self) {
        if let Some((files, server)) = self.running.take() {
            server.kill().await;
            files.stop();
        }
    }
}
