//! What a test asks for: a database of its own, a Redis of its own, a folder that goes away.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    sync::atomic::{AtomicU64, Ordering},
};

use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::{
    postgres::{Durability, Postgres},
    redis::Redis,
};

const PREFIX: &str = "gavel-test-";

/// A folder under the system's temporary folder, removed when dropped. Named after our process,
/// so that the next run can sweep what a killed one left.
///
/// # Errors
/// If it cannot be made.
pub fn scratch() -> io::Result<TempDir> {
    let prefix = format!("{PREFIX}{}-", std::process::id());
    let folder = tempfile::Builder::new().prefix(&prefix).tempdir()?;
    // Postgres runs as another user when we are root
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
    Ok(folder)
}

/// Removes the folders of test processes that are gone.
fn sweep() {
    let Ok(entries) = fs::read_dir(std::env::temp_dir()) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let pid = name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').next());
        let Some(pid) = pid.and_then(|pid| pid.parse::<u32>().ok()) else { continue };
        if !PathBuf::from(format!("/proc/{pid}")).exists() {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

const TEMPLATE: &str = "gavel_template";
static SERVER: OnceCell<(Postgres, TempDir)> = OnceCell::const_new();
static NEXT: AtomicU64 = AtomicU64::new(1);

/// The connection string of a fresh, migrated database on this process's own server.
///
/// # Errors
/// If Postgres does not come up or a migration fails.
pub async fn database() -> io::Result<String> {
    let (server, _) = SERVER.get_or_try_init(start_server).await?;
    let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    server.create(&name, Some(TEMPLATE)).await.map_err(io::Error::other)?;
    Ok(server.url(&name))
}

async fn start_server() -> io::Result<(Postgres, TempDir)> {
    sweep();
    let folder = scratch()?;
    let server = Postgres::start(folder.path(), Durability::Off).await?;
    server.create(TEMPLATE, None).await.map_err(io::Error::other)?;
    migrate(&server.url(TEMPLATE)).await?;
    Ok((server, folder))
}

/// Brings a database to the current schema.
///
/// # Errors
/// If a migration fails.
pub async fn migrate(url: &str) -> io::Result<()> {
    let config = infra::config::PostgresConfig::for_url(url);
    let pool = infra::pg::connect(&config).map_err(io::Error::other)?;
    infra::pg::migrate(&pool).await.map_err(io::Error::other)?;
    pool.close().await;
    Ok(())
}

/// A Redis of its own with the folder it lives in.
///
/// # Errors
/// If Redis does not come up.
pub async fn redis() -> io::Result<(Redis, TempDir)> {
    let folder = scratch()?;
    Ok((Redis::start(folder.path()).await?, folder))
}
