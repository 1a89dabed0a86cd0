//! `up`: a whole network in this process.

use std::io::Write as _;

use holdfast_node::{config, storage, up};

use crate::{Failure, kiosk_site, order_to_end};

/// Brings the network up, says where it is, and runs it until the order to end.
pub(crate) async fn run(options: config::Up) -> Result<(), Failure> {
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
        local_servers: options.local_servers,
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
