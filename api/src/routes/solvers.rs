//! `GET /v1/solvers/{address}`

use actix_web::{
    get,
    web::{Data, Json, Path},
};
use alloy_primitives::Address;
use infra::{
    chain::Standing,
    pg::{bid, index},
};
use solvers::wire::SolverView;

use super::query::connection;
use crate::{admission::Asking, app::App, problem::Problem};

/// How a solver stands
///
/// What the contract holds for it is a moment old. What it did is what is public of it: nothing of
/// auctions that are still sealed.
#[utoipa::path(
    tag = "auctions",
    params(("address" = String, Path, description = "The solver's account")),
    responses((status = 200, description = "The solver, registered or not", body = SolverView))
)]
#[get("/v1/solvers/{address}")]
pub(crate) async fn get_solver(
    app: Data<App>,
    _asking: Asking,
    path: Path<String>,
) -> Result<Json<SolverView>, Problem> {
    let solver = account(&path)?;
    let (standing, funds) = app.chain.solver(solver).await?;
    let (chain_id, contract) = (app.domain.chain_id(), app.domain.settlement());
    let mut conn = connection(&app.pool).await?;
    let lost = index::penalties(&mut conn, index::Scope { chain_id, contract }, solver).await?;
    let simulation_drops = bid::simulation_drops(&mut conn, chain_id, solver).await?;
    Ok(Json(SolverView {
        solver,
        registered: standing != Standing::UnknownKey,
        paused: standing == Standing::Paused,
        bond: funds.bond,
        bond_leaving: funds.bond_leaving,
        deposit: funds.deposit,
        deposit_leaving: funds.deposit_leaving,
        penalties: lost.count,
        penalised: lost.amount,
        simulation_drops,
    }))
}

fn account(text: &str) -> Result<Address, Problem> {
    let digits = text.strip_prefix("0x").filter(|digits| digits.len() == 40);
    let account = digits.and_then(|digits| digits.parse().ok());
    account.ok_or_else(|| Problem::parameter("address", "must be 0x and 40 hexadecimal digits"))
}
