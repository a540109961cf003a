//! One binary for every test that needs the outside world: it links once, and its tests share
//! one Postgres server, each with a database of its own, and run in parallel on free ports.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod api;
mod arrows;
mod auction;
mod audit;
mod e2e;
mod gavel;
mod settlement;
mod solvers;
mod storage;
