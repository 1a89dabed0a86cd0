//! The service nodes of a local network: each with its folder, keys and port, whether it runs or not.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use holdfast_protocol::keys::Ed25519KeyPair;
use holdfast_protocol::swarm::SwarmId;
use tokio::net::TcpListener;

use super::sockets::{Server, listen};
use super::{Network, UpError};
use crate::files::{KEYS, keys_in};
use crate::peer::transport::HttpTransport;
use crate::registry::Node;
use crate::storage::{self, StorageNode, http};

/// A node's place.
pub(super) struct Slot {
    folder: PathBuf,
    keys: Ed25519KeyPair,
    pub(super) record: Node,
    pub(super) running: Option<(StorageNode, Server)>,
}

impl Slot {
    pub(super) fn new(data: &Path, number: usize, port: u16, swarm: SwarmId) -> Result<Self, UpError> {
        let folder = data.join(format!("node-{number}"));
        let keys = keys_in(&folder, KEYS)?;
        let mut record = Node::new(keys.public())?;
        record.ip = Ipv4Addr::LOCALHOST;
        record.http_port = Some(port);
        record.omq_port = port;
        record.swarm = swarm;
        Ok(Self {
            folder,
            keys,
            record,
            running: None,
        })
    }
}

impl Network {
    /// A running node.
    pub fn node(&self, number: usize) -> Option<&StorageNode> {
        self.slots
            .get(number)
            .and_then(|slot| slot.running.as_ref())
            .map(|(node, _)| node)
    }

    /// Ends a node in order. It stays in the node list.
    pub async fn stop_node(&mut self, number: usize) -> Result<(), UpError> {
        let slot = self.slots.get_mut(number).ok_or(UpError::NoSuchNode(number))?;
        if let Some((node, server)) = slot.running.take() {
            node.end_waiting();
            server.stop().await;
            node.stop();
        }
        Ok(())
    }

    /// Cuts a node off in the middle of whatever it does. It stays in the node list.
    pub async fn kill_node(&mut self, number: usize) -> Result<(), UpError> {
        let slot = self.slots.get_mut(number).ok_or(UpError::NoSuchNode(number))?;
        if let Some((node, server)) = slot.running.take() {
            server.kill().await;
            node.stop();
        }
        Ok(())
    }

    /// Starts a node that was stopped or killed, on its old port with its old database.
    pub async fn start_node(&mut self, number: usize) -> Result<(), UpError> {
        let slot = self.slots.get(number).ok_or(UpError::NoSuchNode(number))?;
        if slot.running.is_some() {
            return Ok(());
        }
        let listener = listen(slot.record.port()).await?;
        self.start_on(number, listener)
    }

    /// Stops and starts a node.
    pub async fn restart_node(&mut self, number: usize) -> Result<(), UpError> {
        self.stop_node(number).await?;
        self.start_node(number).await
    }

    pub(super) fn start_on(&mut self, number: usize, listener: TcpListener) -> Result<(), UpError> {
        let slot = self.slots.get_mut(number).ok_or(UpError::NoSuchNode(number))?;
        let options = storage::Options {
            storage: storage::Storage::File(slot.folder.join("storage.db"), self.options.durability),
            local_servers: self.options.local_servers.clone(),
            // Everything on this machine comes from one address.
            rate: None,
            onion_rate: None,
            ..storage::Options::default()
        };
        let transport = Arc::new(HttpTransport::new(true)?);
        let node = StorageNode::new(
            slot.keys.clone(),
            options,
            self.registry.watch(),
            transport,
            Arc::clone(&self.clock),
        )
        .map_err(|error| UpError::Node(number, error))?;
        node.start();
        slot.running = Some((node.clone(), Server::start(listener, http::router(node))));
        Ok(())
    }
}
