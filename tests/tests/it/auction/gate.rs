//! A gate before a node: requests that hold given texts wait at it.

use std::sync::Arc;

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

pub(super) struct Gate {
    port: u16,
    /// What requests must not hold all of to pass.
    held: Arc<watch::Sender<Option<Vec<String>>>>,
    /// How many came to a closed gate.
    waiting: Arc<watch::Sender<usize>>,
    task: JoinHandle<()>,
}

impl Gate {
    pub(super) async fn before(node: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let held = Arc::new(watch::channel(None).0);
        let waiting = Arc::new(watch::channel(0).0);
        let (seen, count) = (held.clone(), waiting.clone());
        let task = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let (seen, count, node) = (seen.clone(), count.clone(), node.clone());
                tokio::spawn(async move { serve(near, &seen, &count, &node).await });
            }
        });
        Self { port, held, waiting, task }
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// From now on lets nothing through that holds `text`.
    pub(super) fn hold(&self, text: &str) {
        self.hold_all(&[text]);
    }

    /// From now on lets nothing through that holds all of `texts`.
    pub(super) fn hold_all(&self, texts: &[&str]) {
        self.held.send_replace(Some(texts.iter().map(|text| (*text).to_owned()).collect()));
    }

    pub(super) fn release(&self) {
        self.held.send_replace(None);
    }

    /// Until that many requests have come to the closed gate since the start.
    pub(super) async fn came(&self, many: usize) {
        self.waiting.subscribe().wait_for(|count| *count >= many).await.unwrap();
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    near: TcpStream,
    held: &watch::Sender<Option<Vec<String>>>,
    waiting: &watch::Sender<usize>,
    node: &str,
) -> Option<()> {
    let client = reqwest::Client::new();
    let mut near = BufStream::new(near);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if near.read_line(&mut line).await.ok()? == 0 {
                return None;
            }
            let line = line.trim().to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        near.read_exact(&mut body).await.ok()?;
        let text = String::from_utf8_lossy(&body).into_owned();
        let passes = |held: &Option<Vec<String>>| {
            held.as_ref().is_none_or(|held| held.iter().any(|held| !text.contains(held)))
        };
        let mut seen = held.subscribe();
        if !passes(&seen.borrow()) {
            waiting.send_modify(|count| *count += 1);
        }
        seen.wait_for(passes).await.ok()?;
        let request = client.post(node).header("content-type", "application/json").body(body);
        let answer = request.send().await.ok()?.bytes().await.ok()?;
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            answer.len()
        );
        near.write_all(head.as_bytes()).await.ok()?;
        near.write_all(&answer).await.ok()?;
        near.flush().await.ok()?;
    }
}
