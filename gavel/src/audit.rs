//! `gavel audit`: everything that was decided, made again from what is public (design A11).
//!
//! - [`source`]: records, from an API or a file; [`receipts`]: what solvers were promised;
//! - [`node`] and [`logs`]: what the chain says, fetched and nothing more;
//! - [`settled`], [`payments`], [`promised`]: pure comparisons of the two, so that tests can tamper;
//! - [`witness`]: what only a node can repeat: keys, contracts' signatures, simulations;
//! - [`missing`]: auctions that left traces, and are not listed;
//! - [`elsewhere`]: what the records of other auctions show of nonces in flight;
//! - [`attempt`]: an auction's decisions, its own and the runner-up's;
//! - [`auditor`]: one auction from beginning to end; [`finding`]: its line.
//!
//! Nothing is believed that can be computed. What cannot be repeated (a node without the state of
//! an old block) is told as unchecked, never passed over.

mod args;
mod attempt;
mod auditor;
mod elsewhere;
mod fault;
mod finding;
mod logs;
mod marked;
mod missing;
mod node;
mod payments;
mod promised;
mod receipts;
mod run;
mod settled;
mod source;
#[cfg(test)]
mod tests;
mod unlogged;
mod witness;

pub(crate) use args::AuditArgs;
pub(crate) use finding::scientific;
pub(crate) use run::run;
pub(crate) use source::{from_file, listed};
