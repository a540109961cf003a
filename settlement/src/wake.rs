//! What wakes the loop: new blocks and new rows.

use std::{sync::Arc, time::Duration};

use infra::{
    pg::{Pool, settlement as store},
    run::sleep_or_cancelled,
};
use sqlx::postgres::PgListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{node::Head, worker::Worker};

/// The pause before listening again after the connection broke.
const PAUSE: Duration = Duration::from_millis(500);

/// Publishes every new head.
pub(crate) async fn heads(
    worker: Arc<Worker>,
    heads: watch::Sender<Option<Head>>,
    poll: Duration,
    token: CancellationToken,
) {
    loop {
        match worker.node.head().await {
            Ok(head) => {
                let new = heads.send_if_modified(|known| {
                    let new = *known != Some(head);
                    *known = Some(head);
                    new
                });
                // the next commit has it at hand
                if new && let Err(error) = worker.market(head).await {
                    tracing::debug!(%error, "no tip");
                }
            }
            Err(error) => tracing::debug!(%error, "no head"),
        }
        if sleep_or_cancelled(&token, poll).await {
            return;
        }
    }
}

/// Wakes the loop for every queued row. It polls as well, so a lost connection costs no more
/// than one interval.
pub(crate) async fn rows(pool: Pool, rows: watch::Sender<()>, token: CancellationToken) {
    while !token.is_cancelled() {
        let listening = async {
            let mut listener = PgListener::connect_with(&pool).await?;
            listener.listen(store::CHANNEL).await?;
            loop {
                listener.recv().await?;
                rows.send_replace(());
            }
        };
        let stopped: Result<(), sqlx::Error> = tokio::select! {
            () = token.cancelled() => return,
            stopped = listening => stopped,
        };
        if let Err(error) = stopped {
            tracing::debug!(%error, "not listening for settlements");
        }
        if sleep_or_cancelled(&token, PAUSE).await {
            return;
        }
    }
}
