//! Whether a solver has what its bid ties down: bond for the penalty, deposit for the gas (design C8, C9).
//!
//! What it has is read from the chain, less what its winning bids in flight tie down, from Postgres; both as
//! they were a moment ago. The bids of the auction before this one are counted by the script that queues
//! it. The auction's own look, at one recorded block, is what decides; this one spares a solver from
//! finding out after the close.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_primitives::U256;
use domain::{Amount, bid::Terms};
use infra::{
    pg::{
        StoreError,
        auction::{self, Stakes},
    },
    redis::{Fund, Short, Stake},
};
use tokio::sync::Mutex;

use crate::{
    app::App,
    problem::{Code, Facts, Problem},
};

/// What bids in flight tie down, by solver, as it was a moment ago.
#[derive(Debug, Default)]
pub(crate) struct InFlight(Mutex<Option<Seen>>);

/// When it was read, and what.
type Seen = (Instant, Arc<Stakes>);

impl InFlight {
    /// Of all solvers.
    async fn read(&self, app: &App) -> Result<Arc<Stakes>, StoreError> {
        let believed = Duration::from_millis(app.config.chain.standing_ttl_ms);
        // held while the database is asked: those who wait would ask the same
        let mut known = self.0.lock().await;
        if let Some((_, stakes)) = known.as_ref().filter(|(at, _)| at.elapsed() < believed) {
            return Ok(Arc::clone(stakes));
        }
        let mut conn = app.pool.acquire().await?;
        let stakes = Arc::new(auction::staked(&mut conn, app.domain.chain_id()).await?);
        *known = Some((Instant::now(), Arc::clone(&stakes)));
        Ok(stakes)
    }
}

/// What a bid ties down, and what its solver has for that.
pub(super) async fn of(app: &App, terms: &Terms) -> Result<Stake, Problem> {
    let (funds, gas_price) =
        tokio::try_join!(app.chain.funds_of(terms.solver), app.chain.gas_price_now())?;
    let stakes = app.staked.read(app).await?;
    let staked = stakes.of(terms.solver);
    let penalties = staked.map_or(Amount::ZERO, |staked| staked.penalties);
    let reserved = staked.map_or(Amount::ZERO, |staked| staked.cost(gas_price));
    let cost = U256::from(terms.gas).saturating_mul(gas_price.get());
    Ok(Stake {
        penalty: Amount::new(U256::from(terms.penalty)),
        bond: funds.bond.saturating_sub(penalties),
        cost: Amount::new(cost),
        deposit: funds.deposit.saturating_sub(reserved),
    })
}

/// The refusal, with the figure that is missing.
pub(super) fn short(short: Short, facts: Facts) -> Problem {
    let Short { fund, needed, free } = short;
    let missing = needed.saturating_sub(free);
    let (code, what, whence) = match fund {
        Fund::Bond => (Code::BondShort, "owe if they fail", "bonded"),
        Fund::Gas => (Code::DepositShort, "may cost in gas", "deposited"),
    };
    let detail = format!(
        "{missing} wei are missing: with this one its bids in this auction {what} {needed} wei, {free} are {whence} and free"
    );
    let facts =
        Facts { required: Some(needed), available: Some(free), missing: Some(missing), ..facts };
    Problem::new(code, detail).with(facts)
}
