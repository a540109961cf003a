#![doc = include_str!("../README.md")]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod backing;
mod backlog;
mod close;
mod collect;
mod conclude;
mod count;
mod cut;
mod error;
mod follow;
mod idle;
mod judge;
mod lines;
mod market;
mod measure;
mod pack;
mod params;
mod price;
mod run;
mod runner_up;
mod select;
mod simulate;
mod standing;
mod stream;
mod survey;
#[cfg(test)]
mod testing;
mod trial;
mod wind_up;
mod window;

pub use error::AuctionError;
pub use market::{Market, Step};
pub use run::run;
pub use runner_up::RunnersUp;
pub use standing::{Bidders, bidders};
