//! The HTTP client, and the one TLS provider of the process.

use std::{sync::Once, time::Duration};

/// The client could not be built: no system certificates, or a broken TLS set-up.
#[derive(Debug, thiserror::Error)]
#[error("HTTP client: {0}")]
pub struct HttpError(#[from] reqwest::Error);

/// Makes `ring` the TLS provider of the process. Every client needs it; calling twice is fine.
pub fn install_tls() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if rustls::crypto::ring::default_provider().install_default().is_err() {
            tracing::debug!("a TLS provider was installed before");
        }
    });
}

/// A pooled client whose requests, from connecting to the last byte, take at most `timeout`.
///
/// # Errors
/// See [`HttpError`].
pub fn client(timeout: Duration) -> Result<reqwest::Client, HttpError> {
    install_tls();
    Ok(reqwest::Client::builder()
        .timeout(timeout)
        .connect_timeout(timeout)
        .tcp_nodelay(true)
        .build()?)
}

/// As [`client`], but an answer that sends elsewhere is an answer: following it would tell that place, in
/// `Referer`, a URL that may hold a key.
///
/// # Errors
/// See [`HttpError`].
pub fn steady_client(timeout: Duration) -> Result<reqwest::Client, HttpError> {
    install_tls();
    Ok(reqwest::Client::builder()
        .timeout(timeout)
        .connect_timeout(timeout)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .build()?)
}

/// A pooled client for streams: only connecting, and the wait for the next bytes, are bounded.
///
/// # Errors
/// See [`HttpError`].
pub fn streaming_client(
    connect: Duration,
    silence: Duration,
) -> Result<reqwest::Client, HttpError> {
    install_tls();
    Ok(reqwest::Client::builder()
        .connect_timeout(connect)
        .read_timeout(silence)
        .tcp_nodelay(true)
        .build()?)
}
