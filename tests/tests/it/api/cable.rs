//! A TCP cable that can be cut: an outage of one store, for one test only.

use std::sync::Arc;

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

pub(super) struct Cable {
    port: u16,
    whole: Arc<watch::Sender<bool>>,
    task: JoinHandle<()>,
}

impl Cable {
    /// A cable to a port of this machine.
    pub(super) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = listener.local_addr().unwrap().port();
        let whole = Arc::new(watch::channel(true).0);
        let seen = whole.clone();
        let task = tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let mut seen = seen.subscribe();
                tokio::spawn(async move {
                    if !*seen.borrow() {
                        return;
                    }
                    let Ok(mut far) = TcpStream::connect(("127.0.0.1", port)).await else { return };
                    tokio::select! {
                        _ = copy_bidirectional(&mut near, &mut far) => {}
                        _ = seen.wait_for(|whole| !whole) => {}
                    }
                });
            }
        });
        Self { port: own, whole, task }
    }

    /// The URL with its port replaced by the cable's near end.
    pub(super) fn through(&self, url: &str, port: u16) -> String {
        url.replace(&format!(":{port}"), &format!(":{}", self.port))
    }

    /// Breaks every connection, and each new one as soon as it is made.
    pub(super) fn cut(&self) {
        self.whole.send_replace(false);
    }

    pub(super) fn mend(&self) {
        self.whole.send_replace(true);
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
