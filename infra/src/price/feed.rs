//! Prices over HTTP.
//!
//! A feed is a JSON document read by GET:
//!
//! ```json
//! {"prices": [{"token": "0x9fE4…", "price": "1000000000000000000", "at_ms": 1790000000000}]}
//! ```
//!
//! `price` is a decimal string, numéraire atoms per 10^18 atoms of the token; `at_ms` is when that held, Unix
//! milliseconds by the feed's clock. Other fields are ignored, at every level. An entry that does not read is
//! left out and counted, and hurts no other. Of several entries for a token the newest counts. Redirects are
//! not followed.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use alloy::primitives::Address;
use domain::{Amount, price::Dated};
use reqwest::{Client, header::ACCEPT};
use serde::Deserialize;

use super::{PriceSource, Quote, Reading, SourceError, Worth};
use crate::{
    config::FeedConfig,
    http::{self, HttpError},
};

/// An HTTP JSON feed.
#[derive(Debug)]
pub struct Feed {
    config: FeedConfig,
    /// The tokens it is a source of; it may know thousands of others.
    wanted: BTreeSet<Address>,
    client: Client,
}

#[derive(Deserialize)]
struct Document {
    prices: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct Entry {
    token: Address,
    price: Amount,
    at_ms: u64,
}

impl Feed {
    /// The feed of these settings, for these tokens.
    ///
    /// # Errors
    /// [`HttpError`] if no HTTP client can be made.
    pub fn new(config: &FeedConfig, wanted: BTreeSet<Address>) -> Result<Self, HttpError> {
        let client = http::steady_client(config.timeout())?;
        Ok(Self { config: config.clone(), wanted, client })
    }

    async fn fetch(&self) -> Result<Vec<u8>, SourceError> {
        let request = self.client.get(self.config.url.expose()).header(ACCEPT, "application/json");
        let mut response = request.send().await.map_err(|error| failed(&error))?;
        if !response.status().is_success() {
            return Err(SourceError::Status(response.status().as_u16()));
        }
        let mut body = Vec::new();
        // piece by piece: what it says about its length need not be true
        while let Some(piece) = response.chunk().await.map_err(|error| failed(&error))? {
            if body.len() + piece.len() > self.config.max_body_bytes {
                return Err(SourceError::TooLong);
            }
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }
}

fn failed(error: &reqwest::Error) -> SourceError {
    if error.is_timeout() { SourceError::Timeout } else { SourceError::Unreachable }
}

/// What a document says about the tokens of interest, and how many entries do not read.
fn parse(body: &[u8], wanted: &BTreeSet<Address>) -> Result<(Vec<Quote>, u64), SourceError> {
    let document: Document = serde_json::from_slice(body).map_err(|_| SourceError::NotAFeed)?;
    let mut newest = BTreeMap::<Address, Entry>::new();
    let mut unread = 0;
    for entry in document.prices {
        let Ok(entry) = serde_json::from_value::<Entry>(entry) else {
            unread += 1;
            continue;
        };
        let known = newest.get(&entry.token).is_some_and(|known| known.at_ms >= entry.at_ms);
        if wanted.contains(&entry.token) && !known {
            newest.insert(entry.token, entry);
        }
    }
    let quote = |entry: Entry| Quote {
        token: entry.token,
        worth: Worth::Numeraire(entry.price),
        dated: Dated::At(entry.at_ms),
    };
    Ok((newest.into_values().map(quote).collect(), unread))
}

impl PriceSource for Feed {
    fn name(&self) -> &str {
        &self.config.name
    }

    fn max_age_ms(&self) -> u64 {
        self.config.max_age_ms
    }

    fn poll(&self) -> Duration {
        self.config.poll()
    }

    fn read(&mut self) -> Reading<'_> {
        Box::pin(async {
            let (quotes, unread) = parse(&self.fetch().await?, &self.wanted)?;
            let source = self.config.name.clone();
            metrics::counter!("gavel_price_entries_unread_total", "source" => source)
                .increment(unread);
            Ok(quotes)
        })
    }
}

#[cfg(test)]
mod tests;
