//! Set-up: what a bare Debian 12 with cargo and Node lacks for building and testing. Each tool is taken from the path
//! when the right version is there, and else installed into `.tools/`, once.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use crate::paths;
use crate::progress::{Outcome, Progress, both};

/// The bundler. 0.22 asks for a newer compiler than the pinned one.
const TRUNK: &str = "0.21.14";
/// What cuts the page's program in two; the version belongs to `wasm_split_helpers` in Cargo.toml.
const WASM_SPLIT: &str = "0.2.4";
/// The npm package and the version that ships `wasm-opt`; Debian's own (108) is too old for what the compiler writes.
const BINARYEN: &str = "132";
/// The packages that build for wasm32 where rustup cannot fetch the library's source, and the linker that belongs to their LLVM.
const DEBIAN_WASM: [&str; 4] = ["rustc-web", "cargo-web", "rust-web-src", "lld-22"];
/// The linker as that package names it.
const DEBIAN_LINKER: &str = "wasm-ld-22";
/// What the browser tests drive, with a font so that pages have glyphs.
const DEBIAN_BROWSER: [&str; 4] = [
    "chromium",
    "chromium-driver",
    "fonts-dejavu-core",
    "fonts-noto-color-emoji",
];
/// The database that the file server is tested with.
const DEBIAN_POSTGRES: &str = "postgresql";
/// Where Debian keeps its programs, in a folder for each version.
const POSTGRES_PROGRAMS: &str = "/usr/lib/postgresql";
/// What apt does before it unpacks that package, as root: only the programs are wanted, so that no database is made and no
/// server started, unless the machine's owner has said something about it before.
const NO_CLUSTER: &str = "DPkg::Pre-Invoke::=test -e /etc/postgresql-common/createcluster.conf \
    || (mkdir -p /etc/postgresql-common && echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf)";
/// How long rustup may try before the other way is taken.
const RUSTUP_LIMIT: Duration = Duration::from_secs(90);

/// How wasm32 is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wasm {
    /// By the pinned toolchain.
    Rustup,
    /// By Debian's compiler.
    Debian,
}

impl Wasm {
    /// A cargo or trunk call that compiles for wasm32.
    pub(crate) fn command(self, program: &str) -> Command {
        let mut command = paths::command(program);
        // Apart from native builds, so that both run at once, and for one compiler only.
        command
            .env("CARGO_TARGET_DIR", paths::target().join("web"))
            // The standard library from its source, made for size: the prebuilt one is made for speed, and cannot be had
            // without the texts of its panics. Compiler and source are pinned together, so that this stays reproducible.
            .env("RUSTC_BOOTSTRAP", "1")
            .env("CARGO_UNSTABLE_BUILD_STD", "std,panic_abort")
            .env("CARGO_UNSTABLE_BUILD_STD_FEATURES", "optimize_for_size");
        if self == Self::Debian {
            command
                .env("PATH", paths::path(&["/usr/bin"]))
                .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", DEBIAN_LINKER);
            // Set by rustup's cargo for this program; they name the other toolchain.
            for name in ["RUSTUP_TOOLCHAIN", "RUSTC", "RUSTDOC", "LD_LIBRARY_PATH"] {
                command.env_remove(name);
            }
        }
        command
    }
}

/// `cargo xtask setup`: everything that building and testing need.
pub(crate) fn run() -> Outcome {
    let progress = Progress::new();
    web(&progress)?;
    browser(&progress)?;
    postgres(&progress)?;
    progress.say("set up");
    Ok(())
}

/// What building the site needs. Downloads and packages go on while the tools compile.
pub(crate) fn web(progress: &Progress) -> Outcome<Wasm> {
    need("node", "Node 20 or newer")?;
    thread::scope(|scope| {
        let fetched = scope.spawn(|| {
            let wasm = wasm_target(progress)?;
            wasm_opt(progress)?;
            Ok(wasm)
        });
        let built = trunk(progress)
            .and_then(|()| wasm_bindgen(progress))
            .and_then(|()| wasm_split(progress));
        let fetched: Outcome<Wasm> = fetched
            .join()
            .unwrap_or_else(|_| Err("set-up ended unexpectedly".to_owned()));
        match fetched {
            Ok(wasm) => built.map(|()| wasm),
            Err(failure) => both(Err(failure), built).map(|()| Wasm::Rustup),
        }
    })
}

/// Chromium and its driver, for the browser tests only.
pub(crate) fn browser(progress: &Progress) -> Outcome {
    let chromium = ["chromium", "google-chrome", "chromium-browser"]
        .iter()
        .any(|name| paths::find(name).is_some());
    if chromium && paths::find("chromedriver").is_some() {
        return Ok(());
    }
    apt(progress, &DEBIAN_BROWSER, &[])
}

/// PostgreSQL's programs, for the tests of the file server, which start a server of their own.
pub(crate) fn postgres(progress: &Progress) -> Outcome {
    let versions = fs::read_dir(POSTGRES_PROGRAMS).into_iter().flatten().flatten();
    let installed = versions
        .map(|version| version.path().join("bin"))
        .any(|bin| bin.join("initdb").exists() && bin.join("psql").exists());
    if installed {
        return Ok(());
    }
    apt(progress, &[DEBIAN_POSTGRES], &["-o", NO_CLUSTER])
}

/// Finds or makes a compiler for wasm32.
fn wasm_target(progress: &Progress) -> Outcome<Wasm> {
    match env::var("HOLDFAST_WASM").as_deref() {
        Ok("debian") => return debian(progress),
        Ok("rustup") | Err(_) => {}
        Ok(other) => {
            return Err(format!(
                "HOLDFAST_WASM is `{other}`; it may be `rustup` or `debian`"
            ));
        }
    }
    let installed = || has_source(&mut paths::command("rustc"));
    if installed() {
        return Ok(Wasm::Rustup);
    }
    // A refusal is remembered, so that a second start does not wait for it again.
    let refused = paths::tools().join("stamps/rustup-refused");
    let toolchain = fs::read_to_string(paths::root().join("rust-toolchain.toml")).unwrap_or_default();
    if fs::read_to_string(&refused).is_ok_and(|before| before == toolchain) {
        return debian(progress);
    }
    if paths::find("rustup").is_some() {
        let mut add = paths::command("rustup");
        add.args(["component", "add", "rust-src"]);
        match progress.attempt("rustup component rust-src", &mut add, RUSTUP_LIMIT) {
            Ok(()) if installed() => return Ok(Wasm::Rustup),
            Ok(()) => {}
            Err(failure) => progress.say(&format!(
                "{failure}
taking Debian's compiler for the web instead"
            )),
        }
    }
    let wasm = debian(progress)?;
    write(&refused, &toolchain)?;
    Ok(wasm)
}

/// Debian's compiler for the web.
fn debian(progress: &Progress) -> Outcome<Wasm> {
    let complete = Path::new("/usr/bin").join(DEBIAN_LINKER).exists()
        && Path::new("/usr/bin/cargo").exists()
        && has_source(&mut Command::new("/usr/bin/rustc"));
    if !complete {
        apt(progress, &DEBIAN_WASM, &[])?;
    }
    Ok(Wasm::Debian)
}

/// Whether the source of the standard library lies beside a compiler.
fn has_source(rustc: &mut Command) -> bool {
    paths::output(rustc.args(["--print", "sysroot"])).is_some_and(|root| {
        Path::new(root.trim())
            .join("lib/rustlib/src/rust/library/std")
            .exists()
    })
}

/// Installs Debian packages, as root or through sudo, with these options of apt beside the usual ones.
fn apt(progress: &Progress, packages: &[&str], options: &[&str]) -> Outcome {
    let list = packages.join(" ");
    if !Path::new("/usr/bin/apt-get").exists() {
        return Err(format!(
            "this machine lacks {list} (as Debian names them); please install them and call again"
        ));
    }
    let root = paths::output(Command::new("id").arg("-u")).is_some_and(|id| id.trim() == "0");
    let sudo = !root && paths::output(Command::new("sudo").args(["-n", "true"])).is_some();
    if !root && !sudo {
        return Err(format!(
            "please install what is missing, then call again:\n  sudo apt-get update && sudo apt-get install {list}"
        ));
    }
    let apt = || {
        let mut command = paths::command(if root { "apt-get" } else { "sudo" });
        if sudo {
            command.args(["-n", "DEBIAN_FRONTEND=noninteractive", "apt-get"]);
        }
        command
            .env("DEBIAN_FRONTEND", "noninteractive")
            .args(["-q", "-o", "DPkg::Lock::Timeout=120"]);
        command
    };
    progress.step("package lists", apt().arg("update"))?;
    let mut install = apt();
    install
        .args(options)
        .args(["install", "-y", "--no-install-recommends"])
        .args(packages);
    progress.step(&format!("packages {list}"), &mut install)
}

/// `wasm-opt`, by npm.
fn wasm_opt(progress: &Progress) -> Outcome {
    let version = paths::output(paths::command("wasm-opt").arg("--version")).unwrap_or_default();
    if version.split_whitespace().any(|word| word == BINARYEN) {
        return Ok(());
    }
    need("npm", "npm, which comes with Node")?;
    for file in ["package.json", "package-lock.json"] {
        let text = fs::read_to_string(paths::root().join("xtask/tools").join(file))
            .map_err(|error| format!("{file}: {error}"))?;
        write(&paths::tools().join(file), &text)?;
    }
    let mut npm = paths::command("npm");
    npm.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"])
        .current_dir(paths::tools());
    progress.step(&format!("wasm-opt {BINARYEN}"), &mut npm)
}

/// The bundler, built without what only its development server and its downloads need.
fn trunk(progress: &Progress) -> Outcome {
    if is_version("trunk", TRUNK) {
        return Ok(());
    }
    let mut install = cargo_install();
    install.args(["--locked", "--no-default-features", "trunk", "--version", TRUNK]);
    progress.step(&format!("trunk {TRUNK}"), &mut install)
}

/// The glue generator in exactly the locked version: the compiled module says which it wants.
fn wasm_bindgen(progress: &Progress) -> Outcome {
    let version = locked("wasm-bindgen")?;
    if !is_version("wasm-bindgen", &version) {
        let mut install = cargo_install();
        // Not `--locked`: a dependency in the published lock file has been withdrawn.
        install.args(["wasm-bindgen-cli", "--bin", "wasm-bindgen", "--version", &version]);
        progress.step(&format!("wasm-bindgen {version}"), &mut install)?;
    }
    Ok(())
}

/// What cuts the page's program in two. It can't tell its version; cargo's list beside it does.
fn wasm_split(progress: &Progress) -> Outcome {
    let found = paths::find("wasm-split-cli");
    let list = found.and_then(|program| Some(program.parent()?.parent()?.join(".crates.toml")));
    let listed = list
        .and_then(|list| fs::read_to_string(list).ok())
        .unwrap_or_default();
    if !listed.contains(&format!("\"wasm_split_cli_support {WASM_SPLIT} ")) {
        let mut install = cargo_install();
        install.args(["--locked", "wasm_split_cli_support", "--version", WASM_SPLIT]);
        install.args(["--features", "build-binary"]);
        progress.step(&format!("wasm-split {WASM_SPLIT}"), &mut install)?;
    }
    // Half a gigabyte that nothing reads again; failing to remove it harms nothing.
    let _ = fs::remove_dir_all(paths::tools().join("target"));
    Ok(())
}

/// `cargo deny`, for `lint`.
pub(crate) fn cargo_deny(progress: &Progress) -> Outcome {
    if paths::find("cargo-deny").is_some() {
        return Ok(());
    }
    let mut install = cargo_install();
    install.args(["--locked", "cargo-deny"]);
    progress.step("cargo-deny", &mut install)?;
    let _ = fs::remove_dir_all(paths::tools().join("target"));
    Ok(())
}

/// `cargo install` into `.tools/`, compiled as quickly as possible: these tools run for seconds.
fn cargo_install() -> Command {
    let mut command = paths::command("cargo");
    command
        .args(["install", "--debug", "--root"])
        .arg(paths::tools())
        .env("CARGO_TARGET_DIR", paths::tools().join("target"))
        .env("CARGO_INCREMENTAL", "0")
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .env("CARGO_PROFILE_DEV_DEBUG_ASSERTIONS", "false")
        .env("CARGO_PROFILE_DEV_OVERFLOW_CHECKS", "false");
    command
}

/// Whether a tool on the path is of that version.
fn is_version(program: &str, version: &str) -> bool {
    paths::output(paths::command(program).arg("--version"))
        .is_some_and(|text| text.split_whitespace().nth(1) == Some(version))
}

/// The version of a crate in Cargo.lock.
pub(crate) fn locked(name: &str) -> Outcome<String> {
    let lock = fs::read_to_string(paths::root().join("Cargo.lock"))
        .map_err(|error| format!("Cargo.lock: {error}"))?;
    locked_in(&lock, name).ok_or(format!("Cargo.lock names no {name}"))
}

fn locked_in(lock: &str, name: &str) -> Option<String> {
    let heading = format!("name = \"{name}\"");
    let mut lines = lock.lines().skip_while(|line| *line != heading);
    let version = lines.nth(1)?.strip_prefix("version = \"")?;
    Some(version.trim_end_matches('"').to_owned())
}

/// Fails when a program that set-up cannot bring is missing.
fn need(program: &str, what: &str) -> Outcome {
    paths::find(program)
        .map(|_| ())
        .ok_or(format!("`{program}` is not on the path; {what} is needed"))
}

/// Writes a file and the folders above it.
pub(crate) fn write(file: &Path, text: &str) -> Outcome {
    let folder = file.parent().unwrap_or(file);
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(file, text))
        .map_err(|error| format!("cannot write {}: {error}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_locked_version_is_read_from_the_exact_crate() {
        let lock = "[[package]]\nname = \"wasm-bindgen-macro\"\nversion = \"0.1.0\"\n\n[[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\n";
        assert_eq!(locked_in(lock, "wasm-bindgen").as_deref(), Some("0.2.130"));
        assert_eq!(locked_in(lock, "wasm"), None);
    }
}
