#![doc = include_str!("../README.md")]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod admission;
mod app;
mod asyncapi;
mod bids;
mod body;
mod clock;
mod documents;
mod intake;
mod limit;
mod openapi;
mod operations;
mod problem;
mod routes;
mod server;
mod stream;

pub use app::Deps;
pub use asyncapi::asyncapi;
pub use documents::documents;
pub use openapi::openapi;
pub use operations::Operations;
pub use problem::Code;
pub use server::{ApiError, Bound, bind, run};
