//! Running and stopping: one token, one tracker, every task joined.

use std::{
    fmt::Display,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::FutureExt as _;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The life of a process: tasks are supervised under it and stop when it is cancelled.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    token: CancellationToken,
    tasks: TaskTracker,
    failure: Arc<Mutex<Option<RunError>>>,
}

/// Why a process stopped by itself.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RunError {
    /// A critical task returned an error.
    #[error("{task} failed: {reason}")]
    Failed {
        /// The task.
        task: &'static str,
        /// Its error.
        reason: String,
    },
    /// A critical task panicked.
    #[error("{task} panicked: {reason}")]
    Panicked {
        /// The task.
        task: &'static str,
        /// What it said.
        reason: String,
    },
    /// A critical task ended although nobody asked it to.
    #[error("{task} ended by itself")]
    Ended {
        /// The task.
        task: &'static str,
    },
    /// Tasks were still running when the grace period was over.
    #[error("{0} tasks did not stop in time")]
    Stuck(usize),
}

impl Shutdown {
    /// A new life, not tied to signals.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The token to hand to loops.
    #[must_use]
    pub fn token(&self) -> CancellationToken {
        self.token.clone()
    }

    /// Asks every task to stop.
    pub fn cancel(&self) {
        self.token.cancel();
    }

    /// Runs a task whose end is the end of the process: an error, a panic or an early return is
    /// recorded and cancels the token. The task must hold the token itself and end on it.
    pub fn supervise<F, E>(&self, task: &'static str, future: F)
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Display,
    {
        let life = self.clone();
        self.tasks.spawn(async move {
            let outcome = AssertUnwindSafe(future).catch_unwind().await;
            let failure = match outcome {
                Ok(Ok(())) if life.token.is_cancelled() => None,
                Ok(Ok(())) => Some(RunError::Ended { task }),
                Ok(Err(error)) => Some(RunError::Failed { task, reason: error.to_string() }),
                Err(panic) => Some(RunError::Panicked { task, reason: panic_text(&*panic) }),
            };
            if let Some(failure) = failure {
                tracing::error!(task, error = %failure, "critical task down, stopping");
                let mut first = life.failure.lock().unwrap_or_else(PoisonError::into_inner);
                first.get_or_insert(failure);
            }
            life.token.cancel();
        });
    }

    /// Cancels on SIGINT or SIGTERM.
    ///
    /// # Errors
    /// If the signal handlers cannot be installed.
    pub fn cancel_on_signal(&self) -> std::io::Result<()> {
        use tokio::signal::unix::{SignalKind, signal};
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let token = self.token();
        self.tasks.spawn(async move {
            tokio::select! {
                _ = interrupt.recv() => tracing::info!("SIGINT: stopping"),
                _ = terminate.recv() => tracing::info!("SIGTERM: stopping"),
                () = token.cancelled() => {}
            }
            token.cancel();
        });
        Ok(())
    }

    /// Waits for the token, then at most `grace` for every task to end.
    ///
    /// # Errors
    /// The first failure of a critical task, or [`RunError::Stuck`].
    pub async fn wait(&self, grace: Duration) -> Result<(), RunError> {
        self.token.cancelled().await;
        self.tasks.close();
        let joined = tokio::time::timeout(grace, self.tasks.wait()).await;
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match (failure, joined) {
            (Some(failure), _) => Err(failure),
            (None, Err(_)) => Err(RunError::Stuck(self.tasks.len())),
            (None, Ok(())) => Ok(()),
        }
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}

/// Sleeps, or returns early with `true` when the token is cancelled.
pub async fn sleep_or_cancelled(token: &CancellationToken, duration: Duration) -> bool {
    tokio::select! {
        biased;
        () = token.cancelled() => true,
        () = tokio::time::sleep(duration) => false,
    }
}

/// A name for this process in leases and logs: pid and a random part, so that two hosts or two
/// lives of one pid differ.
#[must_use]
pub fn instance_id() -> String {
    let random = getrandom::u64().unwrap_or_default();
    format!("{}-{random:016x}", std::process::id())
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    #[tokio::test]
    async fn an_error_of_a_critical_task_stops_the_others() {
        let life = Shutdown::new();
        let token = life.token();
        life.supervise("waits", async move {
            token.cancelled().await;
            Ok::<(), Infallible>(())
        });
        life.supervise("fails", async { Err::<(), _>("no disk") });
        let error = life.wait(Duration::from_secs(5)).await.unwrap_err();
        assert_eq!(error.to_string(), "fails failed: no disk");
    }

    #[tokio::test]
    async fn a_panic_and_an_early_end_are_reported() {
        let life = Shutdown::new();
        life.supervise("panics", async {
            if true {
                panic!("index 7");
            }
            Ok::<(), Infallible>(())
        });
        let error = life.wait(Duration::from_secs(5)).await.unwrap_err();
        assert_eq!(error.to_string(), "panics panicked: index 7");

        let life = Shutdown::new();
        life.supervise("ends", async { Ok::<(), Infallible>(()) });
        let error = life.wait(Duration::from_secs(5)).await.unwrap_err();
        assert_eq!(error.to_string(), "ends ended by itself");
    }

    #[tokio::test]
    async fn a_task_that_ignores_the_token_is_reported_as_stuck() {
        let life = Shutdown::new();
        life.supervise("ignores", async {
            std::future::pending::<()>().await;
            Ok::<(), Infallible>(())
        });
        life.cancel();
        let error = life.wait(Duration::from_millis(20)).await.unwrap_err();
        assert!(matches!(error, RunError::Stuck(1)), "{error}");
    }

    #[tokio::test]
    async fn a_cancelled_sleep_returns_at_once() {
        let token = CancellationToken::new();
        token.cancel();
        assert!(sleep_or_cancelled(&token, Duration::from_secs(3_600)).await);
    }
}
