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
    let (target, wanted) = (&options.target, options.key.as_ref());
    let served = target.contains("://");
    let checked = if served {
        release::check_site(target, wanted).await
    } else {
        release::check_folder(Path::new(target), wanted)
    };
    let report = checked.map_err(|error| format!("{target} could not be verified: {error}"))?;
    println!(
        "version {}, release number {}\nfingerprint  {}  (the app shows it in Settings, About)\nrelease key  {}",
        report.release.version,
        report.release.number,
        report.fingerprint.short(),
        report.key,
    );
    match wanted {
        Some(key) if *key == report.key => println!("That is the key you named."),
        Some(_) => println!("The key you named was handed over to that one."),
        None => println!(
            "You named no key. Compare that one with what the operator publishes in another place, or name it: \
             --release-key"
        ),
    }
    println!();
    for file in &report.wrong {
        println!("not as it was signed: {file}");
    }
    for file in &report.packed {
        println!("differs when compressed: {file}");
    }
    for file in &report.extra {
        println!("not part of the release: {file}");
    }
    let all = report.release.files.len();
    if !report.wrong.is_empty() || !report.packed.is_empty() || !report.extra.is_empty() {
        return Err(format!(
            "{target} is NOT the release that was signed: {} of its {all} files differ or are missing, {} differ \
             when compressed, {} are there that nobody signed",
            report.wrong.len(),
            report.packed.len(),
            report.extra.len()
        )
        .into());
    }
    println!("All {all} files of {target} are as they were signed, byte for byte.");
    if served {
        println!(
            "That is what it serves to this computer now, as it is and compressed (br, gzip). A server can serve something \
             else to others."
        );
    }
    Ok(())
}
