#![doc = include_str!("../README.md")]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod audit;
pub mod cli;
mod deployment;
pub mod exit;
mod openapi;
mod replay;
pub mod roles;
mod schema;
mod serve;
mod solver;

pub use deployment::DeploymentError;
pub use roles::Roles;
pub use schema::SchemaError;
pub use serve::{ServeError, Serving, serve};

/// Of everything that links this. Measured beside the system's: the winners among 1,000 bids take a
/// sixth less time, the references of 69 a quarter.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
