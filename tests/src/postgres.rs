//! A private Postgres: its own cluster in a folder, on a free port, gone when dropped.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use nix::sys::signal::Signal;
use sqlx::{Connection, PgConnection};

use crate::{
    ports,
    process::{Process, Program, find_program},
    wait,
};

/// Whether a commit survives a power cut. Tests need not; benches and the dev stack do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// `fsync` on, as in production.
    Fsync,
    /// `fsync` off: a test's data is thrown away anyway.
    Off,
}

/// A running server.
#[derive(Debug)]
pub struct Postgres {
    process: Process,
    port: u16,
}

fn program(name: &str) -> io::Result<PathBuf> {
    let mut folders: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|versions| versions.flatten().map(|v| v.path().join("bin")).collect())
        .unwrap_or_default();
    folders.sort();
    folders.reverse();
    let message = format!("{name} not found: run `make setup` (Debian package postgresql)");
    find_program(name, &folders).ok_or_else(|| io::Error::other(message))
}

impl Postgres {
    /// Makes a cluster in `folder`, unless there is one, and starts it.
    ///
    /// # Errors
    /// If Postgres is not installed or does not come up.
    pub async fn start(folder: &Path, durability: Durability) -> io::Result<Self> {
        let data = folder.join("pgdata");
        if !data.exists() {
            std::fs::create_dir_all(&data)?;
            own(&data)?;
            let args = ["-D", &data.display().to_string(), "-U", "gavel", "-A", "trust", "-N"];
            Program::new("initdb", program("initdb")?)
                .args(args)
                .args(["--encoding=UTF8", "--locale=C"])
                .as_user("postgres")
                .run()?;
        }
        let port = ports::free()?;
        let sync = if durability == Durability::Fsync { "on" } else { "off" };
        let settings = [
            format!("port={port}"),
            "listen_addresses=127.0.0.1".to_owned(),
            "unix_socket_directories=".to_owned(),
            "max_connections=400".to_owned(),
            "shared_buffers=128MB".to_owned(),
            format!("fsync={sync}"),
            format!("full_page_writes={sync}"),
        ];
        let process = Program::new("postgres", program("postgres")?)
            .args(["-D".to_owned(), data.display().to_string()])
            .args(settings.into_iter().flat_map(|setting| ["-c".to_owned(), setting]))
            .as_user("postgres")
            .stop_with(Signal::SIGINT)
            .log_to(folder.join("postgres.log"))
            .start()?;
        let server = Self { process, port };
        let url = server.url("postgres");
        wait::until("Postgres taking connections", Duration::from_secs(30), || async {
            PgConnection::connect(&url).await.map(drop).map_err(|e| e.to_string())
        })
        .await
        .map_err(io::Error::other)?;
        Ok(server)
    }

    /// The connection string of one of its databases.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://gavel@127.0.0.1:{}/{database}", self.port)
    }

    /// Its port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The server's process, for tests that stop or freeze it.
    pub const fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Creates a database, as a copy of `template` if one is given.
    ///
    /// # Errors
    /// If the server refuses.
    pub async fn create(&self, database: &str, template: Option<&str>) -> Result<(), sqlx::Error> {
        let mut admin = PgConnection::connect(&self.url("postgres")).await?;
        let template = template.unwrap_or("template0");
        let statement = format!("CREATE DATABASE {database} TEMPLATE {template}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut admin).await?;
        admin.close().await
    }
}

/// Postgres refuses to run as root, so its folder belongs to the user it runs as.
fn own(folder: &Path) -> io::Result<()> {
    if !nix::unistd::geteuid().is_root() {
        return Ok(());
    }
    let user = nix::unistd::User::from_name("postgres")?;
    let user = user.ok_or_else(|| io::Error::other("there is no user `postgres`"))?;
    std::os::unix::fs::chown(folder, Some(user.uid.as_raw()), Some(user.gid.as_raw()))
}
