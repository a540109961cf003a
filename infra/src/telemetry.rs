//! Logs and metrics. Metric names begin with `gavel_`; counters end in `_total`, durations are
//! histograms in seconds and end in `_seconds`.

use std::{sync::OnceLock, time::Duration};

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use crate::config::{LogConfig, LogFormat};

/// Bounds of the histograms, seconds: from a cache hit to a stuck request.
const SECONDS: &[f64] =
    &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Why logs or metrics could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// `log.filter` is not a filter.
    #[error("log.filter: {0}")]
    Filter(String),
    /// Somebody else's recorder is installed, or the bounds are wrong.
    #[error("metrics: {0}")]
    Metrics(String),
}

/// Sends logs to standard error. A second call changes nothing, so tests may all call it.
///
/// # Errors
/// [`TelemetryError::Filter`].
pub fn init(config: &LogConfig) -> Result<(), TelemetryError> {
    let filter = EnvFilter::try_new(&config.filter)
        .map_err(|error| TelemetryError::Filter(error.to_string()))?;
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let installed = match config.format {
        LogFormat::Json => logs.json().flatten_event(true).with_current_span(true).try_init(),
        LogFormat::Text => logs.try_init(),
    };
    if installed.is_err() {
        tracing::debug!("logs were set up before");
    }
    Ok(())
}

/// The process's metrics.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

/// Installs the recorder on the first call; later calls return the same metrics.
///
/// # Errors
/// [`TelemetryError::Metrics`].
pub fn metrics() -> Result<Metrics, TelemetryError> {
    static INSTALLED: OnceLock<Result<Metrics, String>> = OnceLock::new();
    INSTALLED
        .get_or_init(|| {
            PrometheusBuilder::new()
                .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)
                .and_then(PrometheusBuilder::install_recorder)
                .map(Metrics)
                .map_err(|error| error.to_string())
        })
        .clone()
        .map_err(TelemetryError::Metrics)
}

impl Metrics {
    /// The metrics in Prometheus' text format.
    #[must_use]
    pub fn render(&self) -> String {
        self.0.render()
    }

    /// Folds samples into their buckets now and then, so that memory does not grow while nobody
    /// asks. Runs until cancelled.
    pub async fn upkeep(&self, stop: CancellationToken) {
        while !crate::run::sleep_or_cancelled(&stop, Duration::from_secs(5)).await {
            self.0.run_upkeep();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_rendered_and_installed_once() {
        let first = metrics().unwrap();
        metrics::counter!("gavel_telemetry_test_total").increment(2);
        metrics::histogram!("gavel_telemetry_test_seconds").record(Duration::from_millis(3));
        let text = super::metrics().unwrap().render();
        assert!(text.contains("gavel_telemetry_test_total 2"), "{text}");
        assert!(text.contains("gavel_telemetry_test_seconds_bucket{le=\"0.005\"} 1"), "{text}");
        assert_eq!(first.render().is_empty(), text.is_empty());
    }

    #[test]
    fn a_filter_that_is_none_is_refused() {
        let config = LogConfig { filter: "a=b=c=d".to_owned(), ..LogConfig::default() };
        assert!(matches!(init(&config), Err(TelemetryError::Filter(_))));
    }
}
