//! Parses the command line and runs the chosen role.

#![forbid(unsafe_code)]

mod network;
mod releases;
mod servers;

use std::io::IsTerminal as _;
use std::path::Path;
use std::process::ExitCode;

use holdfast_node::config::{self, Command, HELP};
use holdfast_node::kiosk::{KioskSite, ReadError};
use holdfast_node::net::server::{Stopping, stopper};

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
    // Both of the library, `holdfast_node`, and of this program.
    let levels = std::env::var("HOLDFAST_LOG").unwrap_or_else(|_| "warn,holdfast=info".to_owned());
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new(levels))
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none())
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
        Command::Up(options) => network::run(options).await?,
        Command::Storage(options) => until_stopped(|stopping| servers::storage(options, stopping)).await?,
        Command::Seed(options) => until_stopped(|stopping| servers::seed(options, stopping)).await?,
        Command::Gateway(options) => until_stopped(|stopping| servers::gateway(options, stopping)).await?,
        Command::Files(options) => until_stopped(|stopping| servers::files(options, stopping)).await?,
        Command::Sign(options) => releases::sign(&options)?,
        Command::Verify(options) => return releases::verify(&options).await,
        Command::Previews(options) => until_stopped(|stopping| servers::previews(options, stopping)).await?,
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

/// What makes a site a kiosk, if it is to be one.
fn kiosk_site(file: Option<&Path>, site: Option<&Path>) -> Result<Option<KioskSite>, ReadError> {
    match (file, site) {
        (Some(file), Some(site)) => KioskSite::read(file, site).map(Some),
        _ => Ok(None),
    }
}
