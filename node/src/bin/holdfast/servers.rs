//! The single services, each in a process of its own.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use holdfast_node::clock::{Clock, SystemClock};
use holdfast_node::files::{KEYS, keys_in};
use holdfast_node::net::server::{Stopping, serve};
use holdfast_node::net::{proxies, ratelimit::Rate, tls};
use holdfast_node::peer::transport::HttpTransport;
use holdfast_node::profile::Profile;
use holdfast_node::registry::Node;
use holdfast_node::registry::follow::{Follower, Source, prove_life};
use holdfast_node::registry::live::Registry;
use holdfast_node::seed::Seed;
use holdfast_node::site::Site;
use holdfast_node::storage::{self, StorageNode};
use holdfast_node::{config, fileserver, gateway, previews};
use rustls::ServerConfig;
use tokio::net::TcpListener;

use crate::{Failure, at, kiosk_site};

/// Fewest nodes of a network of one's own that the app begins with.
const OWN_NODES: usize = 4;

/// The certificate and key that are named, if they are.
fn tls_of(named: Option<&(PathBuf, PathBuf)>) -> Result<Option<Arc<ServerConfig>>, tls::TlsError> {
    named
        .map(|(certificate, key)| tls::server_from_files(certificate, key))
        .transpose()
}

/// Listens at an address. The port is the one that was found where 0 was asked for.
async fn listen(address: SocketAddr) -> Result<(TcpListener, u16), Failure> {
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| format!("--listen {address}: {error}"))?;
    let port = listener.local_addr()?.port();
    Ok((listener, port))
}

/// A service node.
pub(crate) async fn storage(options: config::Storage, stopping: Stopping) -> Result<(), Failure> {
    let keys = keys_in(&options.data, KEYS)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let tls = match tls_of(options.tls.as_ref())? {
        None if !options.plain_http => Some(tls::server_self_signed(&options.data)?),
        named => named,
    };
    let (listener, port) = listen(options.listen).await?;
    let mut record = Node::new(keys.public())?;
    record.ip = match (options.public_ip, options.listen.ip()) {
        (Some(ip), _) => ip,
        (None, std::net::IpAddr::V4(ip)) if !ip.is_unspecified() => ip,
        (None, _) if options.local => Ipv4Addr::LOCALHOST,
        (None, _) => return Err("name the node's --public-ip".into()),
    };
    if options.plain_http {
        record.http_port = Some(port);
    } else {
        record.https_port = port;
    }
    let registry = Arc::new(Registry::fixed(Vec::new(), 0));
    let node = StorageNode::new(
        keys.clone(),
        storage::Options {
            storage: storage::Storage::File(options.data.join("storage.db"), options.durability),
            rate: options.rate_limit.then_some(Rate::DIRECT_RPC),
            // Users of such a network come by its own gateway, which has a limit for each of them.
            onion_rate: (options.rate_limit && !options.local).then_some(Rate::ONIONS),
            // Who names some servers of its site means no others.
            local_network: options.local && options.local_servers.is_empty(),
            local_servers: options.local_servers,
            ..storage::Options::default()
        },
        registry.watch(),
        Arc::new(HttpTransport::new(options.local)?),
        Arc::clone(&clock),
    )?;
    node.start();
    let register = options
        .seeds
        .iter()
        .map(|seed| seed.replace("/json_rpc", "/register"))
        .collect();
    let follower = Follower::new(Source::Local(options.seeds), registry)?;
    let following = tokio::spawn(follower.run(stopping.clone()));
    let living = tokio::spawn(prove_life(keys, record, register, clock, stopping.clone()));
    tracing::info!(port, "the node listens");
    let mut order = stopping.clone();
    let waiting = node.clone();
    let ending = tokio::spawn(async move {
        order.wait().await;
        waiting.end_waiting();
    });
    let app = proxies::behind(&options.trusted_proxies, storage::http::router(node.clone()));
    serve(listener, tls, app, stopping).await;
    node.stop();
    following.await?;
    living.await??;
    ending.await?;
    Ok(())
}

/// The node list of a network.
pub(crate) async fn seed(options: config::Seed, stopping: Stopping) -> Result<(), Failure> {
    let registry = match &options.nodes_file {
        None => Arc::new(Registry::new(
            options.swarm_size,
            options.inactive_after.saturating_mul(1000),
        )),
        Some(file) => {
            let registry = Arc::new(Registry::fixed(Vec::new(), 0));
            take_file(
                &Follower::new(Source::Local(Vec::new()), Arc::clone(&registry))?,
                file,
            )?;
            registry
        }
    };
    let seed = Seed::new(registry, Arc::new(SystemClock), options.nodes_file.is_none());
    let (listener, port) = listen(options.listen).await?;
    tracing::info!(port, "the seed listens");
    let watching = tokio::spawn(seed.clone().watch_over(stopping.clone()));
    serve(listener, None, seed.router(), stopping).await;
    watching.await?;
    Ok(())
}

fn take_file(follower: &Follower, file: &Path) -> Result<(), Failure> {
    if follower.take(&at(file, std::fs::read(file))?) {
        Ok(())
    } else {
        Err(format!("{}: no usable node in it", file.display()).into())
    }
}

/// A gateway, and the app beside it.
pub(crate) async fn gateway(options: config::Gateway, stopping: Stopping) -> Result<(), Failure> {
    let kiosk = kiosk_site(options.kiosk.as_deref(), options.site.as_deref())?;
    let registry = Arc::new(Registry::fixed(Vec::new(), 0));
    let public = options.source == Source::Public;
    let follower = Follower::new(options.source, Arc::clone(&registry))?;
    if let Some(file) = &options.nodes_file {
        take_file(&follower, file)?;
    }
    let gateway = gateway::Gateway::new(
        gateway::Options {
            local_network: options.local,
            ..gateway::Options::default()
        },
        registry.watch(),
        Arc::new(SystemClock),
    )?;
    let mut app = gateway.router();
    if let Some(folder) = &options.site {
        let profile = if public {
            Profile::public()
        } else {
            Profile::own(OWN_NODES)
        };
        let profile = profile
            .local(options.local)
            .files(options.files.map(Into::into))
            .previews(options.previews.map(Into::into));
        let site = Site::new(folder, Some(profile.to_json()), &options.embed_origins, kiosk);
        app = app.fallback_service(site.router());
    }
    let app = proxies::behind(&options.trusted_proxies, app);
    let tls = tls_of(options.tls.as_ref())?;
    let (listener, port) = listen(options.listen).await?;
    tracing::info!(port, "the gateway listens");
    let following = tokio::spawn(follower.run(stopping.clone()));
    serve(listener, tls, app, stopping).await;
    following.await?;
    Ok(())
}

/// A file server.
pub(crate) async fn files(options: config::Files, stopping: Stopping) -> Result<(), Failure> {
    let keys = keys_in(&options.data, KEYS)?;
    let usual = fileserver::Options::new(&options.data);
    let server = fileserver::FileServer::open(
        &keys,
        fileserver::Options {
            durability: options.durability,
            ttl: options.ttl,
            max_size: options.max_size,
            quota: options.quota.unwrap_or(usual.quota),
            uploads: options.uploads.unwrap_or(usual.uploads),
            rate: usual.rate.filter(|_| options.rate_limit),
            versions: options.versions,
            stores: fileserver::Stores {
                records: options.records,
                content: options.content,
                authorities: options.store_ca,
                secrets: fileserver::Secrets::read(options.secrets.as_deref())?,
            },
            ..usual
        },
        Arc::new(SystemClock),
    )
    .await?;
    let tls = tls_of(options.tls.as_ref())?;
    let (listener, port) = listen(options.listen).await?;
    // Clients need the key: addresses of files name it behind `#p=`.
    tracing::info!(port, key = %server.public(), "the file server listens");
    server.start();
    let app = proxies::behind(&options.trusted_proxies, fileserver::router(server.clone()));
    serve(listener, tls, app, stopping).await;
    server.stop();
    Ok(())
}

/// A helper that looks at links.
pub(crate) async fn previews(options: config::Previews, stopping: Stopping) -> Result<(), Failure> {
    let keys = keys_in(&options.data, "previews.key")?;
    let helper = previews::Previews::new(
        &keys,
        previews::Options {
            local_network: options.local,
            authorities: options.authorities,
        },
    )?;
    let tls = tls_of(options.tls.as_ref())?;
    let (listener, port) = listen(options.listen).await?;
    // The gateway's --previews-key.
    tracing::info!(port, key = %helper.public(), "the helper that looks at links listens");
    serve(listener, tls, helper.router(), stopping).await;
    Ok(())
}
