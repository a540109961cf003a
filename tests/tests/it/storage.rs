//! The stores against real Postgres and Redis: fencing, outbox, queue of bids, outages.

mod bids;
mod lease;
mod market;
mod outage;
mod relay;
mod stores;
