//! Where this checkout is.

use std::path::{Path, PathBuf};

/// The workspace's folder.
#[must_use]
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// The `gavel` binary of the same build as this program: beside it, or beside its `deps`.
///
/// # Errors
/// If it has not been built.
pub fn gavel_binary() -> std::io::Result<PathBuf> {
    let me = std::env::current_exe()?;
    me.ancestors()
        .skip(1)
        .take(3)
        .map(|folder| folder.join("gavel"))
        .find(|file| file.is_file())
        .ok_or_else(|| std::io::Error::other("gavel is not built: cargo build --workspace --bins"))
}
