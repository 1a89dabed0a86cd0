//! The built site, server and scripts' client: made when their sources have changed, and only then.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use crate::paths;
use crate::progress::{Outcome, Progress, both};
use crate::setup::{self, Wasm};

/// What everything is built from.
const SHARED: [&str; 5] = [
    "Cargo.toml",
    "Cargo.lock",
    "rust-toolchain.toml",
    ".cargo/config.toml",
    "protocol",
];
/// What the site is built from beside that.
const SITE: [&str; 7] = [
    "app",
    "client",
    "static",
    "Trunk.toml",
    "xtask/src/artifacts.rs",
    "xtask/src/setup.rs",
    "xtask/tools",
];
/// What the server and the scripts' client are built from beside that.
const NATIVE: [&str; 2] = ["client", "node"];

/// What the page of the tests is built from beside that.
const PAGE: [&str; 4] = [
    "tests/page/Cargo.toml",
    "tests/page/index.html",
    "tests/page/start.js",
    "tests/page/src",
];
/// The measured page's wasm is optimised as the app's is (static/index.html).
const WASM_OPT: [&str; 7] = [
    "-Oz",
    "--enable-bulk-memory",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
    "--enable-multivalue",
];

/// What a task needs beside the site and the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// Nothing.
    Serve,
    /// A browser.
    Browser,
    /// A browser, and a database.
    Tests,
}

/// Makes the site and the server, side by side, setting up what is missing.
pub(crate) fn prepare(progress: &Progress, need: Need) -> Outcome {
    thread::scope(|scope| {
        let native = scope.spawn(|| server(progress));
        let site = site(progress);
        // Packages after the site's, because two calls of apt wait for each other anyway.
        let site = if need == Need::Serve {
            site
        } else {
            site.and_then(|()| page(progress))
                .and_then(|()| setup::browser(progress))
        };
        let site = if need == Need::Tests {
            site.and_then(|()| setup::postgres(progress))
        } else {
            site
        };
        both(
            site,
            native
                .join()
                .unwrap_or_else(|_| Err("building ended unexpectedly".to_owned())),
        )
    })
}

/// The site in `dist/`, with a compressed copy of each file that gains by it.
pub(crate) fn site(progress: &Progress) -> Outcome {
    let stamp = Stamp::new("site", &[&SHARED[..], &SITE[..]].concat())?;
    if stamp.is_fresh() && paths::dist().join("index.html").exists() {
        return Ok(());
    }
    let wasm = setup::web(progress)?;
    let mut trunk = wasm.command("trunk");
    // Before the real `wasm-bindgen`, the one that cuts the program.
    let mut folders = vec![paths::root().join("xtask/tools/bindgen")];
    let set = trunk.get_envs().find(|(name, _)| *name == "PATH");
    let path = set.and_then(|(_, value)| value).unwrap_or_default().to_owned();
    folders.extend(std::env::split_paths(&path));
    trunk.env("PATH", std::env::join_paths(folders).unwrap_or(path));
    // The variable is read as `--no-color`, and trunk takes only `true` or `false` for it.
    trunk.env_remove("NO_COLOR");
    trunk
        .args(["build", "--release", "--skip-version-check"])
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", rustflags(wasm));
    progress.step("site", &mut trunk)?;
    compress(progress)?;
    stamp.keep()
}

/// Compressed copies beside the files of the site.
fn compress(progress: &Progress) -> Outcome {
    let mut node = paths::command("node");
    node.arg("xtask/tools/compress.mjs").arg(paths::dist());
    progress.step("compressed copies", &mut node)
}

/// The page of the tests and benches that runs parts of the client in a browser.
fn page(progress: &Progress) -> Outcome {
    let stamp = Stamp::new("page", &[&SHARED[..], &SITE[..], &PAGE[..]].concat())?;
    let folder = paths::page();
    if stamp.is_fresh() && folder.join("page_bg.wasm").exists() {
        return Ok(());
    }
    let wasm = setup::web(progress)?;
    let mut cargo = wasm.command("cargo");
    cargo.args([
        "build",
        "--profile",
        "site",
        "--target",
        "wasm32-unknown-unknown",
        "-p",
        "holdfast-page-bench",
    ]);
    cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", rustflags(wasm));
    progress.step("page of the tests", &mut cargo)?;
    let built = paths::target().join("web/wasm32-unknown-unknown/site/holdfast-page-bench.wasm");
    let mut bindgen = paths::command("wasm-bindgen");
    bindgen
        .args([
            "--target",
            "web",
            "--no-typescript",
            "--out-name",
            "page",
            "--out-dir",
        ])
        .arg(&folder)
        .arg(built);
    progress.step("glue of the page", &mut bindgen)?;
    let module = folder.join("page_bg.wasm");
    let mut optimise = paths::command("wasm-opt");
    progress.step(
        "optimised page",
        optimise.args(WASM_OPT).arg(&module).arg("-o").arg(&module),
    )?;
    for file in ["index.html", "start.js"] {
        let from = paths::root().join("tests/page").join(file);
        let text = std::fs::read_to_string(&from).map_err(|error| format!("{}: {error}", from.display()))?;
        setup::write(&folder.join(file), &text)?;
    }
    stamp.keep()
}

/// The release server.
pub(crate) fn server(progress: &Progress) -> Outcome {
    native(
        progress,
        "server",
        &["-p", "holdfast-node", "--bin", "holdfast"],
        &paths::server(),
    )
}

/// The native client for scripts.
pub(crate) fn headless(progress: &Progress) -> Outcome {
    native(
        progress,
        "headless client",
        &[
            "-p",
            "holdfast-client",
            "--example",
            "headless",
            "--features",
            "native,sqlite",
        ],
        &paths::headless(),
    )
}

fn native(progress: &Progress, name: &str, arguments: &[&str], product: &Path) -> Outcome {
    let stamp = Stamp::new(&name.replace(' ', "-"), &[&SHARED[..], &NATIVE[..]].concat())?;
    if stamp.is_fresh() && product.exists() {
        return Ok(());
    }
    let mut cargo = paths::command("cargo");
    cargo.args(["build", "--release"]).args(arguments);
    progress.step(name, &mut cargo)?;
    stamp.keep()
}

/// Flags of the compiler for wasm32, mostly for size (CONTRIBUTING.md): views without their types, panics that end the
/// program at once instead of composing a text, no texts for `{:?}`, which no screen shows. Also where randomness comes
/// from, and no paths of this machine in the product.
const WASM_FLAGS: [&str; 6] = [
    "--cfg getrandom_backend=\"wasm_js\"",
    "--cfg erase_components",
    "-Zunstable-options",
    "-Cpanic=immediate-abort",
    "-Zlocation-detail=none",
    "-Zfmt-debug=none",
];

/// [`WASM_FLAGS`] with what depends on the machine.
pub(crate) fn rustflags(wasm: Wasm) -> String {
    let mut flags: Vec<String> = WASM_FLAGS.map(str::to_owned).into();
    flags.extend(
        remapped()
            .into_iter()
            .map(|(from, to)| format!("--remap-path-prefix={}={to}", from.display())),
    );
    if wasm == Wasm::Rustup {
        flags.push("-Clink-arg=--strip-debug".to_owned());
    }
    flags.join(" ")
}

/// Where cargo keeps what it downloads.
pub(crate) fn cargo_home() -> PathBuf {
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    std::env::var_os("CARGO_HOME").map_or_else(|| home.join(".cargo"), PathBuf::from)
}

/// Folders of this machine and what stands for them in a product.
pub(crate) fn remapped() -> Vec<(PathBuf, &'static str)> {
    let mut folders = vec![(paths::root(), "/holdfast"), (cargo_home(), "/cargo")];
    // Generated code names the folder that it lies in.
    if !paths::target().starts_with(paths::root()) {
        folders.push((paths::target(), "/holdfast/target"));
    }
    folders
}

/// Remembers what a product was built from, by content.
struct Stamp {
    file: PathBuf,
    print: String,
}

impl Stamp {
    fn new(name: &str, sources: &[&str]) -> Outcome<Self> {
        let mut files = Vec::new();
        for source in sources {
            collect(&paths::root().join(source), &mut files);
        }
        files.sort();
        let mut print = Fingerprint::new();
        for file in &files {
            let bytes = fs::read(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
            print.add(
                file.strip_prefix(paths::root())
                    .unwrap_or(file)
                    .to_string_lossy()
                    .as_bytes(),
            );
            print.add(&bytes);
        }
        let way = std::env::var("HOLDFAST_WASM").unwrap_or_default();
        print.add(way.as_bytes());
        Ok(Self {
            file: paths::work().join("stamps").join(name),
            print: print.text(),
        })
    }

    fn is_fresh(&self) -> bool {
        fs::read_to_string(&self.file).is_ok_and(|before| before == self.print)
    }

    fn keep(&self) -> Outcome {
        setup::write(&self.file, &self.print)
    }
}

/// Every file under a path, without what builds leave behind.
fn collect(path: &Path, files: &mut Vec<PathBuf>) {
    if path.is_file() {
        files.push(path.to_owned());
        return;
    }
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        let name = entry.file_name();
        if !matches!(
            name.to_string_lossy().as_ref(),
            "target" | "node_modules" | "tests" | ".git"
        ) {
            collect(&entry.path(), files);
        }
    }
}

/// FNV-1a over words of eight bytes: to notice a change, not an attacker.
struct Fingerprint(u64);

impl Fingerprint {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;

    fn new() -> Self {
        Self(Self::OFFSET)
    }

    fn add(&mut self, bytes: &[u8]) {
        self.word(bytes.len() as u64);
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word.iter_mut().zip(chunk).for_each(|(to, from)| *to = *from);
            self.word(u64::from_le_bytes(word));
        }
    }

    fn word(&mut self, word: u64) {
        // Rotated, so that the high bytes of a word reach the low bits of the state.
        self.0 = (self.0.rotate_left(23) ^ word).wrapping_mul(Self::PRIME);
    }

    fn text(&self) -> String {
        format!("{:016x}\n", self.0)
    }
}

/// A command's arguments for a person to read.
pub(crate) fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(|word| word.to_string_lossy().into_owned())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn print(parts: &[&str]) -> String {
        let mut print = Fingerprint::new();
        parts.iter().for_each(|part| print.add(part.as_bytes()));
        print.text()
    }

    #[test]
    fn a_changed_byte_or_border_changes_the_fingerprint() {
        let one = print(&["abcdefgh", "ij"]);
        assert_eq!(one, print(&["abcdefgh", "ij"]));
        assert_ne!(one, print(&["abcdefgH", "ij"]));
        assert_ne!(one, print(&["abcdefghi", "j"]));
        assert_ne!(one, print(&["abcdefgh", "ij", ""]));
    }
}
