#![doc = include_str!("../README.md")]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod amount;
pub mod auction;
pub mod batch;
pub mod bid;
pub mod commitment;
pub mod eip55;
pub mod eip712;
pub mod event;
pub mod fields;
pub mod gas;
mod ids;
pub mod intent;
pub mod merkle;
pub mod price;
pub mod signature;
pub mod status;

pub use amount::{Amount, AmountError};
pub use bid::Bid;
pub use ids::{AuctionId, BidId, IntentId, InvalidId, OpenHash};
pub use intent::Intent;
