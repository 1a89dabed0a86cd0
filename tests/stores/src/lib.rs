//! Real stores for the tests of the file server: [`postgres`] is a PostgreSQL server of the system's packages, [`s3`] an S3
//! server in the process of the test. Both are on loopback, keep their data in temporary folders, and go when the test does.
//! What they lack is a failure of the test that says what to install.

pub mod postgres;
pub mod s3;

use std::path::PathBuf;

/// A new folder under the system's temporary one.
fn temporary_folder(name: &str) -> PathBuf {
    let mut random = [0_u8; 8];
    getrandom::fill(&mut random).expect("system randomness");
    let name = format!("holdfast-{name}-{}", data_encoding::HEXLOWER.encode(&random));
    let folder = std::env::temp_dir().join(name);
    std::fs::create_dir_all(&folder).expect("a temporary folder");
    folder
}
