//! What tests ask of the API: plain HTTP, no types of ours, as any client would.

use std::{io, time::Duration};

use domain::IntentId;
use serde_json::Value;

use crate::wait;

/// How long a test waits for the market to do something.
pub const PATIENCE: Duration = Duration::from_secs(40);

/// A client of one API process.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    url: String,
}

/// An answer: status code and JSON body (null if it was none).
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Value,
}

impl Client {
    /// A client of the API at `url`.
    ///
    /// # Errors
    /// If no HTTP client can be made.
    pub fn new(url: &str) -> io::Result<Self> {
        let http = infra::http::client(Duration::from_secs(20)).map_err(io::Error::other)?;
        Ok(Self { http, url: url.to_owned() })
    }

    /// The client's HTTP side, for unusual requests.
    #[must_use]
    pub const fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// `path` on this API.
    #[must_use]
    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// GET.
    ///
    /// # Errors
    /// If no answer comes.
    pub async fn get(&self, path: &str) -> io::Result<Answer> {
        answer(self.http.get(self.at(path))).await
    }

    /// POST of a JSON body.
    ///
    /// # Errors
    /// If no answer comes.
    pub async fn post(&self, path: &str, body: &Value) -> io::Result<Answer> {
        answer(self.http.post(self.at(path)).json(body)).await
    }

    /// An intent's status.
    ///
    /// # Errors
    /// If no answer comes.
    pub async fn status(&self, id: IntentId) -> io::Result<String> {
        let view = self.get(&format!("/v1/intents/{id}")).await?;
        Ok(view.body["status"].as_str().unwrap_or_default().to_owned())
    }

    /// Waits until an intent has this status; the error tells its timeline.
    ///
    /// # Errors
    /// If it does not in [`PATIENCE`].
    pub async fn wait_for(&self, id: IntentId, status: &str) -> io::Result<()> {
        let what = format!("intent {id} being {status}");
        let found = wait::until(&what, PATIENCE, || async {
            match self.status(id).await {
                Ok(is) if is == status => Ok(()),
                Ok(is) => Err(is),
                Err(error) => Err(error.to_string()),
            }
        });
        match found.await {
            Ok(()) => Ok(()),
            Err(error) => {
                let timeline = self.get(&format!("/v1/intents/{id}/timeline")).await?;
                Err(io::Error::other(format!("{error}\n{:#}", timeline.body)))
            }
        }
    }
}

async fn answer(request: reqwest::RequestBuilder) -> io::Result<Answer> {
    let response = request.send().await.map_err(io::Error::other)?;
    let status = response.status().as_u16();
    let text = response.text().await.map_err(io::Error::other)?;
    Ok(Answer { status, body: serde_json::from_str(&text).unwrap_or(Value::Null) })
}
