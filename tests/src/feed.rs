//! A small price feed over HTTP: says what a test tells it to, or nothing. Dropping it closes its port.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

use alloy::primitives::{Address, U256};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tokio_util::task::AbortOnDropHandle;

/// A running feed.
#[derive(Debug)]
pub struct PriceFeed {
    url: String,
    /// The document; `None` while it accepts requests and answers none.
    document: Arc<Mutex<Option<String>>>,
    _task: AbortOnDropHandle<()>,
}

impl PriceFeed {
    /// Starts one on a free port. It answers with an empty document.
    ///
    /// # Errors
    /// If no port can be had.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/prices", listener.local_addr()?);
        let document = Arc::new(Mutex::new(Some(json!({"prices": []}).to_string())));
        let shown = Arc::clone(&document);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let document = shown.lock().unwrap_or_else(PoisonError::into_inner).clone();
                tokio::spawn(answer(stream, document));
            }
        });
        Ok(Self { url, document, _task: AbortOnDropHandle::new(task) })
    }

    /// Where it is read.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// From now on says these prices: token, numéraire atoms per 10^18 atoms, Unix milliseconds.
    pub fn say(&self, prices: &[(Address, U256, u64)]) {
        let entry = |(token, price, at_ms): &(Address, U256, u64)| json!({"token": token, "price": price.to_string(), "at_ms": at_ms, "venue": "test"});
        let prices: Vec<_> = prices.iter().map(entry).collect();
        self.set(Some(json!({"prices": prices, "version": 7}).to_string()));
    }

    /// From now on accepts requests and answers none.
    pub fn hang(&self) {
        self.set(None);
    }

    fn set(&self, document: Option<String>) {
        *self.document.lock().unwrap_or_else(PoisonError::into_inner) = document;
    }
}

async fn answer(mut stream: TcpStream, document: Option<String>) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut piece = [0; 1_024];
        match stream.read(&mut piece).await {
            Ok(0) | Err(_) => return,
            Ok(read) => request.extend_from_slice(&piece[..read]),
        }
    }
    let Some(document) = document else {
        // until whoever asked gives up
        let _ = stream.read_to_end(&mut request).await;
        return;
    };
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        document.len()
    );
    let _ = stream.write_all(format!("{head}{document}").as_bytes()).await;
}
