//! Which options each role takes, what it does without them, and which do not go together.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use holdfast_protocol::file::FileServer;
use holdfast_protocol::file::api::{MAX_BODY, MAX_TTL};
use holdfast_protocol::keys::Ed25519PublicKey;

use super::{ConfigError, Files, Gateway, Options, Previews, Seed, Sign, Storage, Up, Verify};
use crate::fileserver::{ContentPlace, RecordsPlace};
use crate::registry::follow::Source;
use crate::release::MAX_NUMBER;

/// The options of every role.
pub(super) const ROLES: [&[&str]; 8] = [UP, STORAGE, SEED, GATEWAY, FILES, PREVIEWS, SIGN, VERIFY];
const UP: &[&str] = &[
    "port",
    "data",
    "nodes",
    "site",
    "kiosk",
    "json",
    "previews-ca",
    "embed-origin",
    "demo",
    "trusted-proxy",
    "local-server",
];
const STORAGE: &[&str] = &[
    "listen",
    "data",
    "public-ip",
    "seed",
    "plain-http",
    "cert",
    "key",
    "local",
    "no-rate-limit",
    "durability",
    "trusted-proxy",
    "local-server",
];
const SEED: &[&str] = &["listen", "nodes-file", "swarm-size", "inactive-after"];
const GATEWAY: &[&str] = &[
    "listen",
    "public",
    "seed",
    "nodes-file",
    "site",
    "kiosk",
    "cert",
    "key",
    "local",
    "files",
    "files-key",
    "previews",
    "previews-key",
    "embed-origin",
    "trusted-proxy",
];
const FILES: &[&str] = &[
    "listen",
    "data",
    "ttl",
    "max-size",
    "quota",
    "uploads",
    "no-rate-limit",
    "durability",
    "cert",
    "key",
    "trusted-proxy",
    "records",
    "content",
    "store-ca",
    "secrets",
    "versions",
];
const PREVIEWS: &[&str] = &["listen", "data", "local", "previews-ca", "cert", "key"];
const SIGN: &[&str] = &["site", "key", "old-key", "number"];
const VERIFY: &[&str] = &["release-key"];

impl Options {
    fn only(&self, allowed: &[&str]) -> Result<(), ConfigError> {
        if let Some(target) = &self.target
            && allowed != VERIFY
        {
            return Err(lexopt::Arg::Value(target.into()).unexpected().into());
        }
        match self.given.iter().find(|name| !allowed.contains(name)) {
            Some(name) => Err(lexopt::Arg::Long(name).unexpected().into()),
            None => Ok(()),
        }
    }

    fn tls(&mut self) -> Result<Option<(PathBuf, PathBuf)>, ConfigError> {
        match (self.cert.take(), self.key.take()) {
            (Some(cert), Some(key)) => Ok(Some((cert, key))),
            (None, None) => Ok(None),
            _ => Err(ConfigError::Combination("--cert and --key go together")),
        }
    }

    /// What is said about a site needs one, and nobody else's page may show a kiosk.
    fn check_site(&self) -> Result<(), ConfigError> {
        let frames = !self.embed_origins.is_empty() || self.has("demo");
        match (self.kiosk.is_some(), frames) {
            (true, true) => Err(ConfigError::Combination(
                "--kiosk excludes --embed-origin and --demo: nobody else's page may show a kiosk",
            )),
            (true, false) if self.site.is_none() => Err(ConfigError::Combination(
                "--kiosk needs the --site that it is about",
            )),
            (false, true) if self.site.is_none() => Err(ConfigError::Combination(
                "--embed-origin and --demo need the --site that has the chat",
            )),
            _ => Ok(()),
        }
    }

    fn listen_or(&self, port: u16) -> SocketAddr {
        self.listen
            .unwrap_or_else(|| (Ipv4Addr::UNSPECIFIED, port).into())
    }

    pub(super) fn into_up(self) -> Result<Up, ConfigError> {
        self.only(UP)?;
        self.check_site()?;
        let nodes = self.nodes.unwrap_or(8);
        if !(2..=64).contains(&nodes) {
            return Err(ConfigError::Combination("--nodes must be from 2 to 64"));
        }
        Ok(Up {
            port: self.port.unwrap_or(8080),
            nodes,
            json: self.has("json"),
            demo: self.has("demo"),
            embed_origins: self.embed_origins,
            data: self.data.unwrap_or_else(|| "data".into()),
            site: self.site,
            kiosk: self.kiosk,
            previews_ca: self.previews_ca,
            trusted_proxies: self.trusted_proxies,
            local_servers: self.local_servers,
        })
    }

    pub(super) fn into_storage(mut self) -> Result<Storage, ConfigError> {
        self.only(STORAGE)?;
        if self.seeds.is_empty() {
            return Err(ConfigError::Combination("a storage node needs --seed"));
        }
        let (tls, plain_http, local) = (self.tls()?, self.has("plain-http"), self.has("local"));
        if plain_http && (tls.is_some() || !local) {
            return Err(ConfigError::Combination(
                "--plain-http is for --local networks and takes no certificate",
            ));
        }
        Ok(Storage {
            listen: self.listen_or(22021),
            rate_limit: !self.has("no-rate-limit"),
            data: self.data.unwrap_or_else(|| "data".into()),
            public_ip: self.public_ip,
            seeds: self.seeds,
            plain_http,
            tls,
            local,
            durability: self.durability.unwrap_or_default(),
            trusted_proxies: self.trusted_proxies,
            local_servers: self.local_servers,
        })
    }

    pub(super) fn into_seed(self) -> Result<Seed, ConfigError> {
        self.only(SEED)?;
        Ok(Seed {
            listen: self.listen_or(22000),
            nodes_file: self.nodes_file,
            // The public network's least size (spec/03-network.md §8.1).
            swarm_size: self.swarm_size.unwrap_or(5),
            inactive_after: self.inactive_after.unwrap_or(120),
        })
    }

    pub(super) fn into_gateway(mut self) -> Result<Gateway, ConfigError> {
        self.only(GATEWAY)?;
        self.check_site()?;
        let tls = self.tls()?;
        let source = match (self.has("public"), self.seeds.is_empty()) {
            (true, true) => Source::Public,
            (false, false) => Source::Local(std::mem::take(&mut self.seeds)),
            _ => {
                return Err(ConfigError::Combination(
                    "a gateway needs either --public or --seed",
                ));
            }
        };
        let files = named(
            (self.files.take(), self.files_key.take()),
            "--files and --files-key go together",
            "--files takes http(s)://host[:port], and --files-key 64 hex digits",
        )?;
        let previews = named(
            (self.previews.take(), self.previews_key.take()),
            "--previews and --previews-key go together",
            "--previews takes http(s)://host[:port], and --previews-key 64 hex digits",
        )?;
        Ok(Gateway {
            listen: self.listen_or(8080),
            local: self.has("local"),
            source,
            nodes_file: self.nodes_file,
            site: self.site,
            kiosk: self.kiosk,
            tls,
            files,
            previews,
            embed_origins: self.embed_origins,
            trusted_proxies: self.trusted_proxies,
        })
    }

    pub(super) fn into_files(mut self) -> Result<Files, ConfigError> {
        self.only(FILES)?;
        let tls = self.tls()?;
        if self.ttl == Some(0) || self.max_size == Some(0) {
            return Err(ConfigError::Combination(
                "--ttl and --max-size must be more than nothing",
            ));
        }
        let records = self.records.take().map(|text| RecordsPlace::parse(&text));
        let content = self.content.take().map(|text| ContentPlace::parse(&text));
        Ok(Files {
            records: records.transpose()?.unwrap_or_default(),
            content: content.transpose()?.unwrap_or_default(),
            store_ca: self.store_ca.take(),
            secrets: self.secrets.take(),
            versions: self.versions.take(),
            listen: self.listen_or(8000),
            rate_limit: !self.has("no-rate-limit"),
            data: self.data.unwrap_or_else(|| "data".into()),
            ttl: self.ttl.unwrap_or(MAX_TTL),
            max_size: self.max_size.unwrap_or(MAX_BODY as u64),
            quota: self.quota,
            uploads: self.uploads,
            durability: self.durability.unwrap_or_default(),
            tls,
            trusted_proxies: self.trusted_proxies,
        })
    }

    pub(super) fn into_previews(mut self) -> Result<Previews, ConfigError> {
        self.only(PREVIEWS)?;
        let tls = self.tls()?;
        Ok(Previews {
            listen: self.listen_or(8001),
            local: self.has("local"),
            data: self.data.unwrap_or_else(|| "data".into()),
            authorities: self.previews_ca,
            tls,
        })
    }

    pub(super) fn into_sign(self) -> Result<Sign, ConfigError> {
        self.only(SIGN)?;
        let (Some(site), Some(key)) = (self.site, self.key) else {
            return Err(ConfigError::Combination("sign needs --site DIR and --key FILE"));
        };
        if self.number.is_some_and(|number| number > MAX_NUMBER) {
            return Err(ConfigError::Combination(
                "--number must be below 9007199254740992, or no browser takes the release",
            ));
        }
        Ok(Sign {
            site,
            key,
            old_key: self.old_key,
            number: self.number,
        })
    }

    pub(super) fn into_verify(self) -> Result<Verify, ConfigError> {
        self.only(VERIFY)?;
        let target = self.target.ok_or(ConfigError::Combination(
            "name what to check: holdfast verify https://chat.example/",
        ))?;
        let key = self.release_key.map(|key| Ed25519PublicKey::from_hex(&key));
        let key = key
            .transpose()
            .map_err(|_| ConfigError::Combination("--release-key takes 64 hex digits"))?;
        Ok(Verify { target, key })
    }
}

/// A server that the app's network profile names by address and key.
fn named(
    given: (Option<String>, Option<String>),
    apart: &'static str,
    malformed: &'static str,
) -> Result<Option<FileServer>, ConfigError> {
    match given {
        (Some(url), Some(key)) => {
            let server = Ed25519PublicKey::from_hex(&key)
                .ok()
                .and_then(|key| FileServer::parse(&url, key).ok());
            server.map(Some).ok_or(ConfigError::Combination(malformed))
        }
        (None, None) => Ok(None),
        _ => Err(ConfigError::Combination(apart)),
    }
}
