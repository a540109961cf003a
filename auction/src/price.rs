//! The reference prices of the next opening record (design A9): what lies on the board, brought down to one
//! price a token by [`domain::price`], held to the last auction's.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use alloy::primitives::Address;
use domain::{
    Amount, AuctionId,
    auction::OpeningRecord,
    event::TokenPrice,
    price::{self, Answer, Finding, Moment, Opinion},
};
use infra::{
    config::{Config, TokenConfig},
    price::Board,
};

/// How many auctions a price bounds those after it: a token that has had none for as long is as
/// good as new. More than one, or keeping a token unpriced once would set its price free.
pub(crate) const MEMORY: u64 = 64;

/// Where prices are made.
#[derive(Debug)]
pub(crate) struct Desk {
    config: Arc<Config>,
    board: Board,
    /// The newest price in a written record, by token, with the record's number.
    last: BTreeMap<Address, (AuctionId, Amount)>,
    /// What was last said in the log about a token, and a source of it.
    told: Mutex<BTreeMap<(Address, String), &'static str>>,
}

impl Desk {
    /// A desk that remembers `records`: auctions and their prices, in any order.
    pub(crate) fn new(
        config: Arc<Config>,
        board: Board,
        records: &[(AuctionId, Vec<TokenPrice>)],
    ) -> Self {
        let mut desk = Self { config, board, last: BTreeMap::new(), told: Mutex::default() };
        for (auction, prices) in records {
            desk.remember(*auction, prices);
        }
        desk
    }

    /// From now on takes prices from this board.
    pub(crate) fn read_from(&mut self, board: Board) {
        self.board = board;
    }

    /// A record is written: its prices bound the next ones.
    pub(crate) fn note(&mut self, opening: &OpeningRecord) {
        self.remember(opening.auction_id, &opening.prices);
    }

    fn remember(&mut self, auction: AuctionId, prices: &[TokenPrice]) {
        for entry in prices {
            let known = self.last.get(&entry.token);
            if known.is_none_or(|(before, _)| *before < auction) {
                self.last.insert(entry.token, (auction, entry.price));
            }
        }
    }

    /// The prices of auction `auction`, by token; tokens that too few sources agree on are absent.
    pub(crate) fn prices(&self, auction: AuctionId, moment: Moment) -> Vec<TokenPrice> {
        let has_pool = |token: &&TokenConfig| {
            token.sources.iter().any(|source| self.config.prices.pool(source).is_some())
        };
        // what pools are quoted in has none itself, so its price is known by then
        let (quoted, plain): (Vec<_>, Vec<_>) = self.config.tokens.iter().partition(has_pool);
        let mut prices = BTreeMap::new();
        for token in plain.into_iter().chain(quoted) {
            let answers = self.answers(token, &prices);
            let last = self.bound(token.address, auction);
            let found = price::find(&answers, last, self.config.prices.rule(token), moment);
            self.tell(token, &found);
            if let Some(price) = found.price {
                prices.insert(token.address, price);
            }
        }
        prices.into_iter().map(|(token, price)| TokenPrice { token, price }).collect()
    }

    fn answers(
        &self,
        token: &TokenConfig,
        prices: &BTreeMap<Address, Amount>,
    ) -> Vec<Option<Answer>> {
        let answer = |source: &String| {
            let heard = self.board.heard(source, token.address)?;
            let price = heard.worth.in_numeraire(|quote| prices.get(&quote).copied())?;
            Some(heard.answer(price))
        };
        token.sources.iter().map(answer).collect()
    }

    fn bound(&self, token: Address, auction: AuctionId) -> Option<Amount> {
        let (noted, price) = self.last.get(&token)?;
        (auction.get().saturating_sub(noted.get()) <= MEMORY).then_some(*price)
    }

    /// Counts every time, and says so in the log when it is news.
    fn tell(&self, token: &TokenConfig, found: &Finding) {
        let name = token.address.to_checksum(None);
        for (source, opinion) in token.sources.iter().zip(&found.opinions) {
            let reason = opinion.code();
            let news = self.is_news(token.address, source, reason, Opinion::Agrees.code());
            if *opinion == Opinion::Agrees {
                if news {
                    tracing::info!(token = token.symbol, source, "price source counts again");
                }
                continue;
            }
            let labels =
                [("token", name.clone()), ("source", source.clone()), ("reason", reason.into())];
            metrics::counter!("gavel_price_answers_left_out_total", &labels).increment(1);
            if news {
                tracing::warn!(
                    token = token.symbol,
                    source,
                    reason,
                    ?opinion,
                    "price source left out"
                );
            }
        }
        let (outcome, counter) = match found.price {
            None => ("unpriced", "gavel_price_unpriced_total"),
            Some(_) if found.held_back() => ("held_back", "gavel_price_held_back_total"),
            Some(_) => ("priced", "gavel_price_found_total"),
        };
        metrics::counter!(counter, "token" => name).increment(1);
        if self.is_news(token.address, "", outcome, "priced") {
            let (symbol, median) = (&token.symbol, found.median.map(|median| median.to_string()));
            tracing::warn!(token = symbol, outcome, median, "reference price");
        }
    }

    /// Whether `now` is another thing than was said about this before; `usual` was, if nothing was.
    fn is_news(
        &self,
        token: Address,
        source: &str,
        now: &'static str,
        usual: &'static str,
    ) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.insert((token, source.to_owned()), now).unwrap_or(usual) != now
    }
}

#[cfg(test)]
mod tests;
