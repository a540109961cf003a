//! The prices in the settings themselves.

use std::time::Duration;

use domain::price::Dated;
use futures_util::future;

use super::{PriceSource, Quote, Reading, Worth};
use crate::config::{CONFIGURED, TokenConfig};

/// What `[[tokens]]` says. It is as good as the operator's last look at it, and does not age.
#[derive(Clone, Debug)]
pub struct Configured {
    quotes: Vec<Quote>,
}

impl Configured {
    /// The prices of these tokens.
    #[must_use]
    pub fn new(tokens: &[TokenConfig]) -> Self {
        let quote = |token: &TokenConfig| Quote {
            token: token.address,
            worth: Worth::Numeraire(token.price),
            dated: Dated::Standing,
        };
        Self { quotes: tokens.iter().map(quote).collect() }
    }

    /// All it will ever say.
    pub(super) fn quotes(&self) -> &[Quote] {
        &self.quotes
    }
}

impl PriceSource for Configured {
    fn name(&self) -> &str {
        CONFIGURED
    }

    fn max_age_ms(&self) -> u64 {
        u64::MAX
    }

    fn poll(&self) -> Duration {
        Duration::MAX
    }

    fn read(&mut self) -> Reading<'_> {
        Box::pin(future::ready(Ok(self.quotes.clone())))
    }
}
