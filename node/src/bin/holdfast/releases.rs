//! `sign` and `verify`: releases of the site.

use std::path::Path;

use holdfast_node::clock::{Clock as _, SystemClock};
use holdfast_node::{config, files, release};
use holdfast_protocol::keys::Ed25519KeyPair;

use crate::{Failure, at};

/// Signs the files of a site.
pub(crate) fn sign(options: &config::Sign) -> Result<(), Failure> {
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

/// Checks a site, and says what was found in words for whoever asked.
pub(crate) async fn verify(options: &config::Verify) -> Result<(), Failure> {
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
