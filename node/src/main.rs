//! Parses the command line and runs the chosen role.

#![forbid(unsafe_code)]

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use bytes::Bytes;
use holdfast_node::clock::{Clock, SystemClock};
use holdfast_node::config::{self, Command, HELP};
use holdfast_node::kiosk::{self, KioskSite};
use holdfast_node::net::server::{Stopping, serve, stopper};
use holdfast_node::net::{proxies, ratelimit::Rate, tls};
use holdfast_node::peer::transport::HttpTransport;
use holdfast_node::registry::Node;
use holdfast_node::registry::follow::{Follower, Source, prove_life};
use holdfast_node::registry::live::Registry;
use holdfast_node::storage::{self, StorageNode};
use holdfast_node::{files, fileserver, gateway, previews, release, seed, site, up};
use holdfast_protocol::file::FileServer;
use holdfast_protocol::keys::Ed25519KeyPair;
use rustls::ServerConfig;
use tokio::net::TcpListener;

/// Any failure ends the program with its text.
type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let command = match config::parse(std::env::args_os().skip(1)) {
        Ok(command) => command,
        Err(error) => {
            eprintln!("holdfast: {error}");
            return ExitCode::from(2);
        }
    };
    let levels = std::env::var("HOLDFAST_LOG").unwrap_or_else(|_| "warn,holdfast_node=info".to_owned());
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new(levels))
        .with_writer(std::io::stderr)
        .init();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("holdfast: {error}");
            return ExitCode::FAILURE;
        }
    };
    let ended = runtime.block_on(run(command));
    runtime.shutdown_background();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("holdfast: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Help => print!("{HELP}"),
        Command::Version => println!("holdfast {}", env!("CARGO_PKG_VERSION")),
        Command::Up(options) => run_up(options).await?,
        Command::Storage(options) => until_stopped(|stopping| run_storage(options, stopping)).await?,
        Command::Seed(options) => until_stopped(|stopping| run_seed(options, stopping)).await?,
        Command::Gateway(options) => until_stopped(|stopping| run_gateway(options, stopping)).await?,
        Command::Files(options) => until_stopped(|stopping| run_files(options, stopping)).await?,
        Command::Sign(options) => run_sign(&options)?,
        Command::Verify(options) => return run_verify(&options).await,
        Command::Previews(options) => until_stopped(|stopping| run_previews(options, stopping)).await?,
    }
    Ok(())
}

/// Completes on Ctrl-C or the service manager's order to end.
async fn order_to_end() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            _ = terminate.recv() => Ok(()),
            ended = tokio::signal::ctrl_c() => ended,
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}

/// Runs a role until the order to end, then lets it end.
async fn until_stopped<F>(role: impl FnOnce(Stopping) -> F) -> Result<(), Failure>
where
    F: Future<Output = Result<(), Failure>>,
{
    let (stopper, stopping) = stopper();
    let mut role = Box::pin(role(stopping));
    tokio::select! {
        ended = &mut role => return ended,
        ended = order_to_end() => ended?,
    }
    stopper.stop();
    role.await
}

/// Names the file or folder that something failed with.
fn at<T>(path: &Path, result: std::io::Result<T>) -> Result<T, Failure> {
    result.map_err(|error| format!("{}: {error}", path.display()).into())
}

/// The keys in a file of the data folder, all made on first use.
fn keys_in(folder: &Path, name: &str) -> Result<Ed25519KeyPair, Failure> {
    at(folder, std::fs::create_dir_all(folder))?;
    let file = folder.join(name);
    let secret = at(&file, files::secret_in(&file))?;
    Ok(Ed25519KeyPair::from_seed(&secret))
}

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

/// What makes a site a kiosk, if it is to be one.
fn kiosk_site(file: Option<&Path>, site: Option<&Path>) -> Result<Option<KioskSite>, kiosk::ReadError> {
    match (file, site) {
        (Some(file), Some(site)) => KioskSite::read(file, site).map(Some),
        _ => Ok(None),
    }
}

async fn run_up(options: config::Up) -> Result<(), Failure> {
    let kiosk = kiosk_site(options.kiosk.as_deref(), options.site.as_deref())?;
    let network = up::Network::start(up::Options {
        port: options.port,
        data: options.data,
        nodes: options.nodes,
        site: options.site,
        kiosk,
        durability: storage::db::Durability::Process,
        previews_ca: options.previews_ca,
        embed_origins: options.embed_origins,
        demo: options.demo,
        trusted_proxies: options.trusted_proxies,
    })
    .await?;
    let mut out = std::io::stdout();
    if options.json {
        writeln!(out, "{}", serde_json::to_string(network.addresses())?)?;
    } else {
        writeln!(
            out,
            "The app is at {}\nNodes: {}, seed: {}, files: {}\nCtrl-C ends everything; data stays.",
            network.addresses().app,
            network.addresses().nodes.len(),
            network.addresses().seed,
            network.addresses().files.url
        )?;
        if let Some(demo) = &network.addresses().demo {
            writeln!(out, "A page of somebody else's with the chat on it: {demo}")?;
        }
    }
    out.flush()?;
    order_to_end().await?;
    network.stop().await;
    Ok(())
}

async fn run_storage(options: config::Storage, stopping: Stopping) -> Result<(), Failure> {
    let keys = keys_in(&options.data, "ed25519.key")?;
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
            local_network: options.local,
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

async fn run_seed(options: config::Seed, stopping: Stopping) -> Result<(), Failure> {
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
    let seed = seed::Seed::new(registry, Arc::new(SystemClock), options.nodes_file.is_none());
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

async fn run_gateway(options: config::Gateway, stopping: Stopping) -> Result<(), Failure> {
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
        let network = profile(public, options.local, options.files, options.previews);
        let site = site::Site::new(folder, Some(network), &options.embed_origins, kiosk);
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

async fn run_files(options: config::Files, stopping: Stopping) -> Result<(), Failure> {
    let keys = keys_in(&options.data, "ed25519.key")?;
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

async fn run_previews(options: config::Previews, stopping: Stopping) -> Result<(), Failure> {
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

fn run_sign(options: &config::Sign) -> Result<(), Failure> {
    for file in [Some(&options.key), options.old_key.as_ref()]
        .into_iter()
        .flatten()
    {
        check_outside(file, &options.site)?;
    }
    // A name of the old key that was mistyped must not make a new one.
    let old = options.old_key.as_deref();
    let old = old.map(|file| at(file, files::read_secret(file))).transpose()?;
    let old = old.map(|secret| Ed25519KeyPair::from_seed(&secret));
    let new = !options.key.exists();
    let keys = Ed25519KeyPair::from_seed(&*at(&options.key, files::secret_in(&options.key))?);
    if new {
        println!(
            "{} was made: keep it off the server, and keep a copy",
            options.key.display()
        );
    }
    let number = options.number.unwrap_or_else(|| SystemClock.now_ms() / 1_000);
    let made = release::sign_folder(&options.site, number, &keys, old.as_ref())?;
    println!(
        "version {}, number {}, {} files\nfingerprint  {}\nrelease key  {}",
        made.release.version,
        made.release.number,
        made.release.files.len(),
        made.fingerprint.short(),
        made.key,
    );
    Ok(())
}

/// A key that lies in the site's folder would be published with it.
fn check_outside(key: &Path, site: &Path) -> Result<(), Failure> {
    let folder = key.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let real = |path: &Path| at(path, path.canonicalize());
    if real(folder)?.starts_with(real(site)?) {
        return Err(format!(
            "{}: a key in the --site would be published with it",
            key.display()
        )
        .into());
    }
    Ok(())
}

async fn run_verify(options: &config::Verify) -> Result<(), Failure> {
    let wanted = options.key.as_ref();
    let report = if options.target.contains("://") {
        release::check_site(&options.target, wanted).await?
    } else {
        release::check_folder(Path::new(&options.target), wanted)?
    };
    println!(
        "version {}, number {}\nfingerprint  {}\nrelease key  {}",
        report.release.version,
        report.release.number,
        report.fingerprint.short(),
        report.key,
    );
    if report.wrong.is_empty() {
        println!("all {} files are as they were signed", report.release.files.len());
        return Ok(());
    }
    for file in &report.wrong {
        println!("not as it was signed: {file}");
    }
    Err(format!(
        "{} of {} files differ",
        report.wrong.len(),
        report.release.files.len()
    )
    .into())
}

/// The network profile of an app that is served beside a gateway.
fn profile(public: bool, local: bool, files: Option<FileServer>, previews: Option<FileServer>) -> Bytes {
    let files = files.or_else(|| public.then(FileServer::session));
    let named = |server: FileServer| serde_json::json!({"url": server.base_url(), "key": server.key()});
    let profile = serde_json::json!({
        "name": if public { "mainnet" } else { "local" },
        "gateways": ["/"],
        "direct": false,
        "local": local,
        "minimum_nodes": if public { 12 } else { 4 },
        "subnet_diversity": public,
        "hops": 3,
        "bundled_nodes": public.then_some("networks/mainnet-nodes.bin"),
        "files": files.map(named),
        "previews": previews.map(named),
    });
    Bytes::from(profile.to_string())
}
