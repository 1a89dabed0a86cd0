//! A whole network on one machine: a seed, service nodes in two swarms, a gateway, a file server, a helper that looks at
//! links, and the app, in one process.

mod addresses;
mod demo;
mod files;
mod nodes;
mod sockets;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use holdfast_protocol::keys::KeyError;
use holdfast_protocol::swarm::{SwarmId, new_swarm_id};

use crate::clock::{Clock, SystemClock};
use crate::embed::EmbedOrigin;
use crate::files::{FileError, KEYS, keys_in, lock_folder};
use crate::gateway::{self, Gateway};
use crate::kiosk::KioskSite;
use crate::net::proxies::{TrustedProxy, behind};
use crate::previews::{self, Previews};
use crate::profile::Profile;
use crate::registry::live::Registry;
use crate::seed::Seed;
use crate::site::Site;
use crate::storage;
use crate::storage::db::Durability;
use addresses::addresses;
use files::FilesSlot;
use nodes::Slot;
use sockets::{Ports, Server, listen, listen_again, port_of};

pub use addresses::{Addresses, NodeAddress, ServerAddress};

/// The block that a new local network begins at; any will do.
const FIRST_HEIGHT: u64 = 1;

/// How the network runs.
#[derive(Clone, Debug)]
pub struct Options {
    /// The app's port; 0 for a free one.
    pub port: u16,
    /// Where keys, ports and databases are kept.
    pub data: PathBuf,
    /// Service nodes; two swarms of half each.
    pub nodes: usize,
    /// The built app.
    pub site: Option<PathBuf>,
    /// Makes the site a kiosk.
    pub kiosk: Option<KioskSite>,
    /// What acknowledged messages survive. All nodes share one machine here, so that the power takes all of them.
    pub durability: Durability,
    /// Certificates that the helper that looks at links trusts in place of the web's, PEM. With them it also visits private
    /// addresses.
    pub previews_ca: Option<PathBuf>,
    /// The pages that may show the chat in a frame.
    pub embed_origins: Vec<EmbedOrigin>,
    /// Serve a page that does, from an origin of its own.
    pub demo: bool,
    /// The reverse proxies that say who asks gateway and app. Without one nobody is limited: everything on this machine comes
    /// from one address.
    pub trusted_proxies: Vec<TrustedProxy>,
    /// Servers on private addresses, besides the network's own two, that nodes may pass users' requests on to.
    pub local_servers: Vec<SocketAddr>,
}

/// Why the network does not come up.
#[derive(Debug, thiserror::Error)]
pub enum UpError {
    /// A folder or file of the data folder cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// Another program listens on a port.
    #[error(
        "port {0} is taken by another program, perhaps by an `up` that still runs: end that one, or choose another with --port"
    )]
    PortTaken(u16),
    /// A port cannot be listened on.
    #[error("port {0}: {1}")]
    Port(u16, std::io::Error),
    /// Another network runs over the data folder.
    #[error("{0} is in use by another `up`: end that one, or choose another folder with --data")]
    InUse(PathBuf),
    /// A node does not start.
    #[error("node {0}: {1}")]
    Node(usize, storage::StartError),
    /// The file server does not start.
    #[error("file server: {0}")]
    Files(#[from] crate::fileserver::StartError),
    /// A node's key is damaged.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// TLS could not be set up.
    #[error(transparent)]
    Tls(#[from] crate::net::tls::TlsError),
    /// There is no node of that number.
    #[error("no node {0}")]
    NoSuchNode(usize),
}

/// A running network. Dropping it cuts everything off; [`Network::stop`] ends it in order.
pub struct Network {
    options: Options,
    _lock: std::fs::File,
    clock: Arc<dyn Clock>,
    registry: Arc<Registry>,
    addresses: Addresses,
    app_port: u16,
    seed: Option<Server>,
    front: Option<Server>,
    demo: Option<Server>,
    files: FilesSlot,
    previews: Option<Server>,
    slots: Vec<Slot>,
}

impl Network {
    /// Brings everything up. Keys, databases and ports are made on the first start and used again later.
    pub async fn start(mut options: Options) -> Result<Self, UpError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let front = listen(options.port).await?;
        // Before anything is read or changed: the other network needs its ports again.
        let lock = lock_folder(&options.data)?.ok_or_else(|| UpError::InUse(options.data.clone()))?;
        let mut ports = Ports::read(&options.data);
        ports.nodes.resize(options.nodes, 0);
        let seed = listen_again(&mut ports.seed).await?;
        let files_listener = listen_again(&mut ports.files).await?;
        let files = FilesSlot::new(&options, ports.files)?;
        let previews_listener = listen_again(&mut ports.previews).await?;
        let helper = Previews::new(
            &keys_in(&options.data.join("previews"), KEYS)?,
            previews::Options {
                // Users of a network that is served to the internet must not be led to what else is on this machine.
                local_network: options.previews_ca.is_some(),
                authorities: options.previews_ca.clone(),
            },
        )?;
        let helper_address = ServerAddress {
            url: format!("http://127.0.0.1:{}", ports.previews),
            ed25519: helper.public(),
        };
        let own = [ports.files, ports.previews].map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        options.local_servers.extend(own);
        let app_port = port_of(&front, options.port)?;
        let (demo, demo_address) = if options.demo {
            let listener = listen_again(&mut ports.demo).await?;
            options.embed_origins.extend(demo::origins(ports.demo));
            let server = Server::start(listener, demo::router(app_port));
            (Some(server), Some(demo::address(ports.demo)))
        } else {
            (None, None)
        };
        let (mut slots, mut listeners, mut swarms) = (Vec::new(), Vec::new(), vec![SwarmId(0)]);
        if options.nodes >= 2 {
            swarms.push(new_swarm_id(&swarms));
        }
        for (number, port) in ports.nodes.iter_mut().enumerate() {
            let listener = listen_again(port).await?;
            let swarm = swarms[number * swarms.len() / options.nodes];
            slots.push(Slot::new(&options.data, number, *port, swarm)?);
            listeners.push(listener);
        }
        ports.keep(&options.data)?;
        let records = slots.iter().map(|slot| slot.record.clone()).collect();
        let mut network = Self {
            addresses: Addresses {
                demo: demo_address,
                ..addresses(app_port, ports.seed, (files.address(), helper_address), &slots)
            },
            registry: Arc::new(Registry::fixed(records, FIRST_HEIGHT)),
            options,
            _lock: lock,
            clock,
            app_port,
            seed: None,
            front: None,
            demo,
            files,
            previews: Some(Server::start(previews_listener, helper.router())),
            slots,
        };
        network
            .files
            .start_on(files_listener, Arc::clone(&network.clock))
            .await?;
        for (number, listener) in listeners.into_iter().enumerate() {
            network.start_on(number, listener)?;
        }
        let router = Seed::new(Arc::clone(&network.registry), Arc::clone(&network.clock), false).router();
        network.seed = Some(Server::start(seed, router));
        network.front = Some(Server::start(front, network.front_router()?));
        Ok(network)
    }

    /// Where everything is.
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// The registry, to change nodes' swarms.
    pub fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    /// Cuts off gateway and app.
    pub async fn kill_gateway(&mut self) {
        if let Some(front) = self.front.take() {
            front.kill().await;
        }
    }

    /// Starts gateway and app again, on their old port.
    pub async fn start_gateway(&mut self) -> Result<(), UpError> {
        if self.front.is_none() {
            let listener = listen(self.app_port).await?;
            self.front = Some(Server::start(listener, self.front_router()?));
        }
        Ok(())
    }

    /// Cuts the file server off in the middle of whatever it does.
    pub async fn kill_files(&mut self) {
        self.files.kill().await;
    }

    /// Starts the file server again, on its old port with its old files.
    pub async fn start_files(&mut self) -> Result<(), UpError> {
        if !self.files.is_running() {
            let listener = listen(self.files.port()).await?;
            self.files.start_on(listener, Arc::clone(&self.clock)).await?;
        }
        Ok(())
    }

    /// Ends everything within a moment.
    pub async fn stop(mut self) {
        let first = [
            self.front.take(),
            self.demo.take(),
            self.seed.take(),
            self.previews.take(),
        ];
        let mut servers: Vec<Server> = first.into_iter().flatten().collect();
        let files = self.files.take();
        let files = files.map(|(files, server)| {
            servers.push(server);
            files
        });
        let mut nodes = Vec::new();
        for slot in &mut self.slots {
            if let Some((node, server)) = slot.running.take() {
                servers.push(server);
                nodes.push(node);
            }
        }
        // All at once: each has its own moment of grace.
        for node in &nodes {
            node.end_waiting();
        }
        futures::future::join_all(servers.into_iter().map(Server::stop)).await;
        for node in nodes {
            node.stop();
        }
        if let Some(files) = files {
            files.stop();
        }
    }

    /// Gateway and app on one port.
    fn front_router(&self) -> Result<Router, UpError> {
        let mut options = gateway::Options {
            local_network: true,
            source: "local registry".to_owned(),
            ..gateway::Options::default()
        };
        if self.options.trusted_proxies.is_empty() {
            options.rate = None;
            (options.concurrent, options.concurrent_large) = (usize::MAX, usize::MAX);
        }
        let gateway = Gateway::new(options, self.registry.watch(), Arc::clone(&self.clock))?;
        let folder = self
            .options
            .site
            .clone()
            .unwrap_or_else(|| self.options.data.join("no-site"));
        let profile = Profile::own(self.options.nodes)
            .files(Some(self.addresses.files.named()))
            .previews(Some(self.addresses.previews.named()));
        let kiosk = self.options.kiosk.clone();
        let site = Site::new(
            &folder,
            Some(profile.to_json()),
            &self.options.embed_origins,
            kiosk,
        );
        let app = gateway.router().fallback_service(site.router());
        Ok(behind(&self.options.trusted_proxies, app))
    }
}

#[cfg(test)]
mod tests;
