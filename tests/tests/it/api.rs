//! The api as clients see it, in this process, on real stores and a real node; the market is
//! driven by hand, a step at a time.

mod book;
mod cable;
mod cancel;
mod edge;
mod events;
mod input;
mod intents;
mod outage;
mod record;
mod sealed;
mod socket;
mod solvers;
mod sse;
