//! What a solver should know about its bid before the auction says so: a bid that breaks a rule
//! is taken, but it is told which.

use std::collections::BTreeMap;

use domain::{
    Bid,
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
    let standing = SolverStanding { registered: true, ..SolverStanding::default() };
    let standings = Standings {
        block: None,
        solvers: BTreeMap::from([(terms.solver, standing)]),
        fillers: BTreeMap::from([(terms.filler, terms.solver)]),
    };
    let reason = check(cut, bid, &standings).err()?;
    serde_json::to_value(reason).ok()
}
