//! Copies of the built app: with the page of `tests/page` on one origin, so that the page can fill the app's database, or
//! without its compressed files, so that a test can change it.

use std::io;
use std::path::Path;

/// The page's address beside the app.
pub const PAGE: &str = "page.html";

/// Copies the built app and the built page into one folder, which must not exist yet.
///
/// # Errors
/// What the file system reports.
pub fn side_by_side(app: &Path, page: &Path, target: &Path) -> io::Result<()> {
    copy(app, target)?;
    for entry in std::fs::read_dir(page)? {
        let entry = entry?;
        let name = if entry.file_name() == "index.html" {
            PAGE.into()
        } else {
            entry.file_name()
        };
        std::fs::copy(entry.path(), target.join(name))?;
    }
    Ok(())
}

/// Makes one folder the same as another, without the compressed copies, which a server would prefer to a changed file.
///
/// # Errors
/// What the file system reports.
pub fn unpacked(from: &Path, to: &Path) -> io::Result<()> {
    if to.exists() {
        std::fs::remove_dir_all(to)?;
    }
    copy_those(from, to, &|name| !name.ends_with(".br") && !name.ends_with(".gz"))
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    copy_those(from, to, &|_| true)
}

fn copy_those(from: &Path, to: &Path, wanted: &impl Fn(&str) -> bool) -> io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_those(&entry.path(), &target, wanted)?;
        } else if wanted(&entry.file_name().to_string_lossy()) {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
