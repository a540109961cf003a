//! A man in the middle: passes JSON on over HTTP, and changes what is answered.

use std::sync::Arc;

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

type Change = dyn Fn(&str, &Value, Value) -> Value + Send + Sync;

/// Stops when it is dropped.
pub(crate) struct Proxy {
    pub(crate) url: String,
    task: JoinHandle<()>,
}

impl Proxy {
    /// In front of `upstream`; `change` is given path, request and answer. What is no JSON object
    /// passes unchanged, batches of requests included, each of them by itself.
    pub(crate) async fn start(
        upstream: &str,
        change: impl Fn(&str, &Value, Value) -> Value + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let upstream = upstream.trim_end_matches('/').to_owned();
        let (http, change): (_, Arc<Change>) = (reqwest::Client::new(), Arc::new(change));
        let task = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (http, upstream, change) = (http.clone(), upstream.clone(), change.clone());
                tokio::spawn(async move { serve(socket, http, upstream, change).await });
            }
        });
        Self { url, task }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One request, one connection.
async fn serve(
    mut socket: TcpStream,
    http: reqwest::Client,
    upstream: String,
    change: Arc<Change>,
) -> Option<()> {
    let mut read = Vec::new();
    let head = loop {
        if let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        socket.read_buf(&mut read).await.ok().filter(|n| *n > 0)?;
    };
    let text = String::from_utf8_lossy(&read[..head]).to_ascii_lowercase();
    let length = text.split("content-length:").nth(1).and_then(|rest| rest.lines().next());
    let length: usize = length.map_or(0, |length| length.trim().parse().unwrap());
    while read.len() < head + length {
        socket.read_buf(&mut read).await.ok().filter(|n| *n > 0)?;
    }
    let path = text.split(' ').nth(1)?.to_owned();
    let body = read.split_off(head);
    let url = format!("{upstream}{path}");
    let request = if text.starts_with("post") {
        http.post(url).header("content-type", "application/json").body(body.clone())
    } else {
        http.get(url)
    };
    let answer = request.header("accept", "application/json").send().await.ok()?;
    let mut status = answer.status().as_u16();
    let mut answered = answer.bytes().await.ok()?.to_vec();
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    if let Ok(value) = serde_json::from_slice::<Value>(&answered) {
        let changed = match (&asked, value) {
            (Value::Array(asked), Value::Array(answers)) => {
                let pairs = answers.into_iter().map(|answer| {
                    let question = asked.iter().find(|one| one["id"] == answer["id"]);
                    change(&path, question.unwrap_or(&Value::Null), answer)
                });
                Value::Array(pairs.collect())
            }
            (_, value) => change(&path, &asked, value),
        };
        // as nodes do that limit rates
        if changed["error"]["code"] == 429 {
            status = 429;
        }
        answered = changed.to_string().into_bytes();
    }
    let head = format!(
        "HTTP/1.1 {status} Proxied\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        answered.len()
    );
    socket.write_all(head.as_bytes()).await.ok()?;
    socket.write_all(&answered).await.ok()
}

/// The method of a JSON-RPC request.
pub(crate) fn rpc_method(request: &Value) -> Option<&str> {
    request["method"].as_str()
}
