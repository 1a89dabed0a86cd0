//! `cargo xtask bench [NAME…]`: the measurements of `holdfast_tests::bench`. Names choose groups; none means all.

use std::path::PathBuf;
use std::process::ExitCode;

use holdfast_tests::bench::network::Network;
use holdfast_tests::bench::{
    Outcome, browser, clients, configs, crypto, file_server, files, history, lock, recovery, storage,
};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

/// What can be named.
const GROUPS: [&str; 14] = [
    "v1",
    "onion",
    "files",
    "files-browser",
    "file-server",
    "configs",
    "storage",
    "latency",
    "memory",
    "browser",
    "history",
    "history-browser",
    "recovery",
    "lock",
];

#[tokio::main]
async fn main() -> ExitCode {
    let named: Vec<String> = std::env::args().skip(1).collect();
    if let Some((history::STEP, rest)) = named.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        return match history::step(rest).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{error}");
                ExitCode::FAILURE
            }
        };
    }
    if let Some(unknown) = named.iter().find(|name| !GROUPS.contains(&name.as_str())) {
        eprintln!("there is no group {unknown}; there are {}", GROUPS.join(", "));
        return ExitCode::FAILURE;
    }
    let mut code = ExitCode::SUCCESS;
    for group in GROUPS {
        if !named.is_empty() && !named.iter().any(|name| name == group) {
            continue;
        }
        if let Err(error) = measure(group).await {
            eprintln!("{group}: {error}");
            code = ExitCode::FAILURE;
        }
    }
    code
}

async fn measure(group: &str) -> Outcome {
    // Fixed, so that every run measures the same work.
    let mut rng = ChaCha20Rng::from_seed([9; 32]);
    let folder = Temporary::new(group)?;
    match group {
        "v1" => crypto::v1(&mut rng),
        "onion" => crypto::onions(&mut rng),
        "files" => files::run(&mut rng),
        "files-browser" => files::browser(&folder.0).await,
        "file-server" => file_server::run(&folder.0, &mut rng).await,
        "configs" => configs::run(&mut rng),
        "storage" => {
            // Two swarms each time.
            for members in [1, 2, 3, 4] {
                let network = Network::start(&folder.0.join(members.to_string()), 2 * members)?;
                storage::run(&network, members, &mut rng).await?;
            }
            Ok(())
        }
        "latency" => clients::latency(&Network::start(&folder.0, 8)?),
        "memory" => {
            clients::many(
                &Network::start(&folder.0.join("network"), 8)?,
                &folder.0,
                &mut rng,
            )
            .await
        }
        "history" => history::native(&folder.0),
        "history-browser" => history::browser(&folder.0).await,
        "recovery" => recovery::run(&Network::start(&folder.0.join("network"), 8)?, &mut rng).await,
        "lock" => lock::run(&Network::start(&folder.0.join("network"), 8)?).await,
        _ => browser::run(&Network::start(&folder.0.join("network"), 8)?, &folder.0).await,
    }
}

/// A folder that goes away with the value.
struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str) -> Outcome<Self> {
        let folder = std::env::temp_dir().join(format!("holdfast-bench-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        Ok(Self(folder))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // What stays in the system's temporary folder is removed by the system.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
