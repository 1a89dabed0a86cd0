//! The app and the page of `tests/page` on one origin, so that the page can fill the app's database.

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

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
