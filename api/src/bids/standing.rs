//! Whether a key may bid for a solver with a filler, as the registry has it.

use alloy_primitives::Address;
use infra::chain::Standing;

use crate::{
    app::App,
    problem::{Code, Facts, Problem},
};

/// Refuses what cannot be attributed to a solver in good standing.
pub(super) async fn check(
    app: &App,
    key: Address,
    solver: Address,
    filler: Address,
) -> Result<(), Problem> {
    match app.chain.standing(key, solver, filler).await? {
        Standing::Authorised => Ok(()),
        Standing::UnknownKey => Err(unknown_key(app, key, solver).await?),
        Standing::Paused => {
            Err(Problem::new(Code::SolverPaused, format!("solver {solver} is paused")))
        }
        Standing::FillerUnbound => {
            let detail = format!("filler {filler} is bound to nobody; it must call bindFiller");
            Err(Problem::new(Code::FillerUnbound, detail))
        }
        Standing::FillerForeign(other) => {
            let detail = format!("filler {filler} is bound to {other}, not to {solver}");
            Err(Problem::new(Code::FillerForeign, detail))
        }
    }
}

/// The solver is not registered; or it is, and somebody else signed.
async fn unknown_key(app: &App, key: Address, solver: Address) -> Result<Problem, Problem> {
    if app.chain.solver_of_key(solver).await? != Some(solver) {
        let detail = format!("{solver} is not a registered solver");
        return Ok(Problem::new(Code::SolverUnknown, detail));
    }
    let detail = format!(
        "signed by {key}, which does not sign for {solver}; or another bid, chain or contract was signed"
    );
    let facts = Facts { recovered: Some(key.to_string()), ..Facts::default() };
    Ok(Problem::new(Code::SignatureMismatch, detail).with(facts))
}
