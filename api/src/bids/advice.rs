//! What a solver should know about its bid before the auction says so: a bid that breaks a rule
//! is taken, but it is told which.

use std::collections::BTreeMap;

use domain::{
    Amount, Bid,
    auction::{SolverStanding, Standings, check},
};
use serde_json::Value;

use super::auctions::Known;
use crate::app::App;

/// The rule the bid breaks by itself, with its numbers; `None` if it breaks none. Only a
/// courtesy: where the intents cannot be read there is no advice, and the bid stands.
pub(super) async fn of(app: &App, known: &Known, bid: &Bid) -> Option<Value> {
    let cut = known.cut(app).await?;
    let terms = bid.terms();
    // what the solver has was looked at before the bid was queued
    let standing = SolverStanding {
        registered: true,
        bond: Amount::MAX,
        deposit: Amount::MAX,
        ..SolverStanding::default()
    };
    let standings = Standings {
        block: None,
        gas_price: Amount::ZERO,
        solvers: BTreeMap::from([(terms.solver, standing)]),
        fillers: BTreeMap::from([(terms.filler, terms.solver)]),
    };
    let reason = check(cut, bid, &standings).err()?;
    serde_json::to_value(reason).ok()
}
