#![doc = include_str!("../README.md")]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod decide;
pub mod deploy;
pub mod fees;
pub mod key;
pub mod tx;
