//! A private Redis on a free port.

use std::{io, path::Path, time::Duration};

use crate::{
    ports,
    process::{Process, Program, find_program},
    wait,
};

/// A running server, without persistence: Gavel loses nothing when Redis forgets everything.
#[derive(Debug)]
pub struct Redis {
    process: Option<Process>,
    port: u16,
    folder: std::path::PathBuf,
}

impl Redis {
    /// Starts a server.
    ///
    /// # Errors
    /// If Redis is not installed or does not come up.
    pub async fn start(folder: &Path) -> io::Result<Self> {
        let mut server = Self { process: None, port: ports::free()?, folder: folder.to_owned() };
        server.restart().await?;
        Ok(server)
    }

    /// Starts it again on the same port, empty, after [`Redis::kill9`].
    ///
    /// # Errors
    /// If it does not come up.
    pub async fn restart(&mut self) -> io::Result<()> {
        let missing = "redis-server not found: run `make setup` (Debian package redis-server)";
        let path = find_program("redis-server", &[]).ok_or_else(|| io::Error::other(missing))?;
        let port = self.port.to_string();
        let folder = self.folder.display().to_string();
        let process = Program::new("redis-server", path)
            .args(["--port", &port, "--bind", "127.0.0.1", "--dir", &folder])
            .args(["--save", "", "--appendonly", "no", "--databases", "1"])
            .log_to(self.folder.join("redis.log"))
            .start()?;
        self.process = Some(process);
        let url = self.url();
        wait::until("Redis taking connections", Duration::from_secs(10), || ping(url.clone()))
            .await
            .map_err(io::Error::other)
    }

    /// The connection string.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Kills it with -9; everything in it is lost.
    ///
    /// # Errors
    /// If it cannot be killed.
    pub fn kill9(&mut self) -> io::Result<()> {
        self.process.take().map_or(Ok(()), |mut process| process.kill9())
    }
}

async fn ping(url: String) -> Result<(), String> {
    let client = redis::Client::open(url).map_err(|e| e.to_string())?;
    let mut connection =
        client.get_multiplexed_async_connection().await.map_err(|e| e.to_string())?;
    redis::cmd("PING").exec_async(&mut connection).await.map_err(|e| e.to_string())
}
