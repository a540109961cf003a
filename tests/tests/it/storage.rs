//! The stores against real Postgres and Redis: fencing, outbox, queue of bids, outages.

mod bids;
mod chain;
mod lease;
mod market;
mod outage;
mod relay;
mod stores;
mod tx;
