#![doc = include_str!("../README.md")]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod collect;
mod conclude;
mod cut;
mod error;
mod judge;
mod lines;
mod market;
mod measure;
mod pack;
mod params;
mod run;
mod select;
mod standing;
mod stream;
mod survey;
#[cfg(test)]
mod testing;

pub use error::AuctionError;
pub use market::{Market, Step};
pub use run::run;
