//! A TCP cable that can be cut, or go silent: an outage of one store, for one test only.

use std::sync::Arc;

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

/// What a cable does with what is sent through it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Line {
    Whole,
    /// Connections stay, and nothing gets through.
    Silent,
    Cut,
}

pub(super) struct Cable {
    port: u16,
    line: Arc<watch::Sender<Line>>,
    task: JoinHandle<()>,
}

impl Cable {
    /// A cable to a port of this machine.
    pub(super) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = listener.local_addr().unwrap().port();
        let line = Arc::new(watch::channel(Line::Whole).0);
        let seen = line.clone();
        let task = tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let mut seen = seen.subscribe();
                tokio::spawn(async move {
                    if *seen.borrow() == Line::Whole {
                        let far = TcpStream::connect(("127.0.0.1", port)).await;
                        let Ok(mut far) = far else { return };
                        tokio::select! {
                            _ = copy_bidirectional(&mut near, &mut far) => return,
                            _ = seen.wait_for(|line| *line != Line::Whole) => {}
                        }
                    }
                    let _ = seen.wait_for(|line| *line != Line::Silent).await;
                });
            }
        });
        Self { port: own, line, task }
    }

    /// The URL with its port replaced by the cable's near end.
    pub(super) fn through(&self, url: &str, port: u16) -> String {
        url.replace(&format!(":{port}"), &format!(":{}", self.port))
    }

    /// Breaks every connection, and each new one as soon as it is made.
    pub(super) fn cut(&self) {
        self.line.send_replace(Line::Cut);
    }

    /// Lets nothing through any more; whoever waits for an answer waits on.
    pub(super) fn silence(&self) {
        self.line.send_replace(Line::Silent);
    }

    pub(super) fn mend(&self) {
        self.line.send_replace(Line::Whole);
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The port in a URL of this machine.
pub(super) fn port(url: &str) -> u16 {
    let (_, rest) = url.split_once("://").unwrap();
    let rest = rest.rsplit('@').next().unwrap();
    let host = rest.split(['/', '?']).next().unwrap();
    host.rsplit(':').next().unwrap().parse().unwrap()
}
