//! A private Ethereum node: foundry's anvil, from `tests/node_modules`.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    ports,
    process::{Process, Program},
    repo, wait,
};

/// How blocks come.
#[derive(Clone, Copy, Debug)]
pub enum Mining {
    /// One per transaction, at once.
    Instant,
    /// One every so many seconds.
    Every(u32),
}

/// A running node.
#[derive(Debug)]
pub struct Anvil {
    process: Process,
    port: u16,
}

/// The chain id of every private node.
pub const CHAIN_ID: u64 = 31_337;

/// The native binary: the wrapper in `.bin` would leave it behind when killed.
fn binary() -> io::Result<PathBuf> {
    let folder = repo::root().join("tests/node_modules/@foundry-rs");
    let platforms = std::fs::read_dir(&folder)
        .map_err(|_| io::Error::other("anvil not found: run `make setup` (npm ci in tests/)"))?;
    platforms
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("anvil-"))
        .map(|entry| entry.path().join("bin/anvil"))
        .find(|path| path.is_file())
        .ok_or_else(|| io::Error::other("no anvil binary for this platform in tests/node_modules"))
}

impl Anvil {
    /// Starts a node that mines every transaction at once.
    ///
    /// # Errors
    /// If anvil is not installed or does not come up.
    pub async fn start(folder: &Path) -> io::Result<Self> {
        let port = ports::free()?;
        let port_text = port.to_string();
        let program = Program::new("anvil", binary()?)
            .args(["--port", &port_text, "--host", "127.0.0.1", "--silent"])
            .args(["--chain-id", &CHAIN_ID.to_string(), "--accounts", "1"])
            .args(["--hardfork", "prague", "--slots-in-an-epoch", "1"])
            .log_to(folder.join("anvil.log"));
        let node = Self { process: program.start()?, port };
        let url = node.url();
        let client = infra::http::client(Duration::from_secs(2)).map_err(io::Error::other)?;
        wait::until("anvil answering", Duration::from_secs(30), || {
            let body = serde_json::json!({"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []});
            let request = client.post(&url).json(&body);
            async move { request.send().await.map(drop).map_err(|e| e.to_string()) }
        })
        .await
        .map_err(io::Error::other)?;
        Ok(node)
    }

    /// The JSON-RPC URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The node's process, for tests that stop or freeze it.
    pub const fn process(&mut self) -> &mut Process {
        &mut self.process
    }
}
