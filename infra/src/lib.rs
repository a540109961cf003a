#![doc = include_str!("../README.md")]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod batch;
pub mod chain;
pub mod config;
pub mod http;
pub mod pg;
pub mod price;
pub mod redis;
pub mod relay;
pub mod run;
pub mod telemetry;
