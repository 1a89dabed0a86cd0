//! Small things on disk: secret files that only their owner can read, and JSON state that survives a crash.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use holdfast_protocol::keys::Ed25519KeyPair;
use zeroize::Zeroizing;

/// The usual file of a role's keys in its folder.
pub const KEYS: &str = "ed25519.key";

/// A file or folder that cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("{0}: {1}")]
pub struct FileError(pub PathBuf, pub std::io::Error);

/// Makes a folder, and those that it is in, unless it is there.
///
/// # Errors
/// It is not there and can't be made.
pub fn make_folder(path: &Path) -> Result<(), FileError> {
    std::fs::create_dir_all(path).map_err(|error| FileError(path.to_owned(), error))
}

/// Takes a folder, made if it is not there, for whoever keeps the file that comes back. `None` if somebody else has it.
///
/// # Errors
/// The folder can't be made, or its lock can't be written.
pub fn lock_folder(folder: &Path) -> Result<Option<std::fs::File>, FileError> {
    make_folder(folder)?;
    let path = folder.join("lock");
    let file = match std::fs::File::create(&path) {
        Ok(file) => file,
        Err(error) => return Err(FileError(path, error)),
    };
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(std::fs::TryLockError::WouldBlock) => Ok(None),
        Err(std::fs::TryLockError::Error(error)) => Err(FileError(path, error)),
    }
}

/// The keys in a file of a folder, all made on first use.
///
/// # Errors
/// The folder can't be made, or the file can't be read or written or holds no key.
pub fn keys_in(folder: &Path, name: &str) -> Result<Ed25519KeyPair, FileError> {
    make_folder(folder)?;
    let file = folder.join(name);
    let secret = secret_in(&file).map_err(|error| FileError(file, error))?;
    Ok(Ed25519KeyPair::from_seed(&secret))
}

/// Writes a file that only its owner may read, whole or not at all.
pub fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let new = path.with_extension("new");
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&new, path)
}

/// A file's content; `None` if it is longer than `max` bytes.
pub fn read_capped(path: &Path, max: usize) -> std::io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let more = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
    std::fs::File::open(path)?.take(more).read_to_end(&mut bytes)?;
    Ok((bytes.len() <= max).then_some(bytes))
}

/// The 32-byte secret in a file, made and kept on first use.
pub fn secret_in(path: &Path) -> std::io::Result<Zeroizing<[u8; 32]>> {
    match read_secret(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let mut secret = Zeroizing::new([0_u8; 32]);
            getrandom::fill(secret.as_mut_slice())
                .map_err(|_| std::io::Error::other("no system randomness"))?;
            let text = Zeroizing::new(data_encoding::HEXLOWER.encode(secret.as_slice()));
            write_private(path, text.as_bytes())?;
            Ok(secret)
        }
        read => read,
    }
}

/// The 32-byte secret in a file that must be there.
pub fn read_secret(path: &Path) -> std::io::Result<Zeroizing<[u8; 32]>> {
    let bytes = Zeroizing::new(std::fs::read(path)?);
    let text = std::str::from_utf8(&bytes).unwrap_or_default().trim();
    let decoded = Zeroizing::new(
        data_encoding::HEXLOWER_PERMISSIVE
            .decode(text.as_bytes())
            .unwrap_or_default(),
    );
    let secret: [u8; 32] = decoded.as_slice().try_into().map_err(|_| {
        std::io::Error::new(
            std::io::ErrorKind::InvalidData,
            "a key file must hold 64 hex digits",
        )
    })?;
    Ok(Zeroizing::new(secret))
}

/// A new folder under the system's temporary one, for tests.
#[cfg(test)]
pub(crate) fn temporary_folder(name: &str) -> std::path::PathBuf {
    let mut random = [0_u8; 8];
    getrandom::fill(&mut random).unwrap();
    let folder = std::env::temp_dir().join(format!(
        "holdfast-{name}-{}",
        data_encoding::HEXLOWER.encode(&random)
    ));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_made_once_with_their_folder_and_a_failure_names_the_file() {
        let folder = temporary_folder("keys");
        let role = folder.join("a/role");
        let first = keys_in(&role, KEYS).unwrap();
        assert_eq!(keys_in(&role, KEYS).unwrap().public(), first.public());
        std::fs::write(role.join(KEYS), "zz").unwrap();
        let file = role.join(KEYS);
        let why = keys_in(&role, KEYS).err().unwrap().to_string();
        assert!(why.starts_with(&format!("{}: ", file.display())), "{why}");
        assert!(keys_in(&file, KEYS).is_err());
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_secret_is_made_once_and_private() {
        let folder = temporary_folder("secret");
        let path = folder.join("key");
        assert!(read_secret(&path).is_err() && !path.exists());
        let first = secret_in(&path).unwrap();
        assert_eq!(*first, *secret_in(&path).unwrap());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(
                std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
                0o600
            );
        }
        std::fs::write(&path, "zz").unwrap();
        assert!(secret_in(&path).is_err());
        std::fs::remove_dir_all(folder).unwrap();
    }
}
