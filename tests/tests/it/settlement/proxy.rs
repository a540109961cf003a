//! A node that cannot be trusted: passes JSON-RPC on, and does with each request what a script says.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// What becomes of a request.
pub(super) enum Fate {
    /// Passed on and answered.
    Pass,
    /// Answered with this result, and never passed on.
    Answer(Value),
    /// Answered with a JSON-RPC error, and never passed on.
    Refuse(i64, &'static str),
    /// Passed on; the result is changed.
    Alter(Box<dyn FnOnce(Value) -> Value + Send>),
    /// Answered with this HTTP status, and never passed on.
    Status(u16),
    /// Never answered nor passed on.
    Swallow,
    /// Passed on, and never answered.
    Mute,
    /// Passed on and answered after so long.
    Late(Duration),
}

type Script = Box<dyn FnMut(&Value) -> Fate + Send>;

/// Stops when it is dropped.
pub(super) struct Proxy {
    pub(super) url: String,
    state: Arc<State>,
    task: JoinHandle<()>,
}

struct State {
    upstream: Mutex<String>,
    script: Mutex<Script>,
    asked: Mutex<Vec<Value>>,
    http: reqwest::Client,
}

impl Proxy {
    /// In front of `upstream`, passing everything on.
    pub(super) async fn start(upstream: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(State {
            upstream: Mutex::new(upstream.to_owned()),
            script: Mutex::new(Box::new(|_| Fate::Pass)),
            asked: Mutex::new(Vec::new()),
            http: reqwest::Client::new(),
        });
        let shared = Arc::clone(&state);
        let task = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, Arc::clone(&shared)));
            }
        });
        Self { url, state, task }
    }

    /// From now on.
    pub(super) fn script(&self, script: impl FnMut(&Value) -> Fate + Send + 'static) {
        *self.state.script.lock().unwrap() = Box::new(script);
    }

    /// An honest node again.
    pub(super) fn honest(&self) {
        self.script(|_| Fate::Pass);
    }

    pub(super) fn set_upstream(&self, upstream: &str) {
        upstream.clone_into(&mut self.state.upstream.lock().unwrap());
    }

    /// Every request of this method so far.
    pub(super) fn asked(&self, method: &str) -> Vec<Value> {
        let asked = self.state.asked.lock().unwrap();
        asked.iter().filter(|request| is(request, method)).cloned().collect()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Whether a request is of this method.
pub(super) fn is(request: &Value, method: &str) -> bool {
    request["method"] == method
}

/// One request, one connection.
async fn serve(mut socket: TcpStream, state: Arc<State>) -> Option<()> {
    let request = read(&mut socket).await?;
    state.asked.lock().unwrap().push(request.clone());
    let fate = (state.script.lock().unwrap())(&request);
    let (status, answer) = match fate {
        Fate::Pass => (200, state.pass(&request).await?),
        Fate::Late(after) => {
            tokio::time::sleep(after).await;
            (200, state.pass(&request).await?)
        }
        Fate::Alter(change) => {
            let mut answer = state.pass(&request).await?;
            answer["result"] = change(answer["result"].take());
            (200, answer)
        }
        Fate::Answer(result) => {
            (200, json!({"jsonrpc": "2.0", "id": request["id"], "result": result}))
        }
        Fate::Refuse(code, message) => {
            let error = json!({"code": code, "message": message});
            (200, json!({"jsonrpc": "2.0", "id": request["id"], "error": error}))
        }
        Fate::Status(status) => (status, Value::Null),
        Fate::Swallow => return silence(&mut socket).await,
        Fate::Mute => {
            state.pass(&request).await?;
            return silence(&mut socket).await;
        }
    };
    let body = answer.to_string();
    let head = format!(
        "HTTP/1.1 {status} Proxied\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    socket.write_all(head.as_bytes()).await.ok()?;
    socket.write_all(body.as_bytes()).await.ok()
}

/// Until the other side gives up.
async fn silence(socket: &mut TcpStream) -> Option<()> {
    let mut rest = Vec::new();
    socket.read_to_end(&mut rest).await.ok().map(drop)
}

async fn read(socket: &mut TcpStream) -> Option<Value> {
    let mut read = Vec::new();
    let head = loop {
        if let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        socket.read_buf(&mut read).await.ok().filter(|n| *n > 0)?;
    };
    let text = String::from_utf8_lossy(&read[..head]).to_ascii_lowercase();
    let length = text.split("content-length:").nth(1).and_then(|rest| rest.lines().next())?;
    let length: usize = length.trim().parse().ok()?;
    while read.len() < head + length {
        socket.read_buf(&mut read).await.ok().filter(|n| *n > 0)?;
    }
    serde_json::from_slice(&read[head..]).ok()
}

impl State {
    async fn pass(&self, request: &Value) -> Option<Value> {
        let upstream = self.upstream.lock().unwrap().clone();
        let answer = self.http.post(upstream).json(request).send().await.ok()?;
        answer.json().await.ok()
    }
}
