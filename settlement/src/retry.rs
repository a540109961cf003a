//! Between a first attempt and the runner-up (design A12).
//!
//! A reveal in which bids failed leaves intents unfilled. They stay matched, and the auction is called
//! to decide over them once more: the decision and their release are one transaction of its own.
//! If it does not come in [`RUNNER_UP_BLOCKS`], they are free all the same.
//!
//! The call rests on a reveal with the confirmations that every step here waits for. If a reorg takes
//! that reveal back, a second attempt of which nothing left the house is taken back with it, and a
//! later reveal calls anew. One that is on its way goes on: whichever reveal comes first uses up
//! the nonces, and what the second one holds is no business of the first one's row any more.

use std::collections::BTreeSet;

use domain::{
    IntentId,
    auction::left_unfilled,
    event::{Event, SettlementExpired},
};
use infra::pg::{
    Tx, auction, event, intent,
    settlement::{self as store, BidResult, SettlementRow},
};

use crate::{error::SettlementError, observe::Picture, worker::Worker};

/// Why a second attempt is taken back, a stable code.
const REORGED: &str = "outcome_reorged";

impl Worker {
    /// What a reveal with these results leaves for a second attempt to be decided.
    pub(crate) async fn kept(
        &self,
        tx: &mut Tx<'_>,
        row: &SettlementRow,
        results: &[BidResult],
    ) -> Result<BTreeSet<IntentId>, SettlementError> {
        let may =
            row.attempt == 1 && store::may_have_runner_up(tx, self.chain_id(), row.auction).await?;
        if !may {
            return Ok(BTreeSet::new());
        }
        let faults = results.iter().map(|result| result.failure.map(|failure| failure.fault));
        let ended = row.bids.iter().map(|bid| bid.fills.as_slice()).zip(faults);
        Ok(left_unfilled(ended))
    }

    /// Keeps what can be tried again, and calls for it. Returns whether there is anything.
    pub(crate) async fn call_for_runner_up(
        &self,
        tx: &mut Tx<'_>,
        picture: &Picture,
        kept: &BTreeSet<IntentId>,
    ) -> Result<bool, SettlementError> {
        let (chain_id, now_s) = (self.chain_id(), picture.head.timestamp_s);
        let wanted: Vec<IntentId> = kept.iter().copied().collect();
        let found = intent::keep(tx, chain_id, picture.row.auction, &wanted, now_s).await?;
        if found.is_empty() {
            return Ok(false);
        }
        store::call_for_runner_up(tx, chain_id).await?;
        metrics::counter!("gavel_settlement_runner_up_due_total").increment(1);
        Ok(true)
    }

    /// Nobody decided in time: what was kept is free.
    pub(crate) async fn let_go(&self, picture: &Picture) -> Result<(), SettlementError> {
        let (chain_id, row) = (self.chain_id(), &picture.row);
        let mut tx = self.begin(picture).await?;
        if !store::take_runner_up(&mut tx, chain_id, row.auction).await? {
            // it was decided since the row was read
            return Ok(());
        }
        let now_s = picture.head.timestamp_s;
        intent::release(&mut tx, chain_id, row.auction, &row.intents(), now_s).await?;
        auction::publish_if_settled(&mut tx, chain_id, row.auction).await?;
        tx.commit().await?;
        metrics::counter!("gavel_settlement_runner_up_overdue_total").increment(1);
        tracing::warn!(
            settlement = row.id, auction = %row.auction,
            "no second attempt was decided in time, its intents are free"
        );
        Ok(())
    }

    /// The reveal that a second attempt rests on is gone, and with it the attempt, if nothing of it
    /// left the house. Comes before the intents are locked: whoever works on its row locks them
    /// after that.
    pub(crate) async fn take_back_runner_up(
        &self,
        tx: &mut Tx<'_>,
        row: &SettlementRow,
    ) -> Result<(), SettlementError> {
        if row.attempt > 1 || !store::take_back_runner_up(tx, self.chain_id(), row.auction).await? {
            return Ok(());
        }
        let told = Event::SettlementExpired(SettlementExpired {
            auction_id: row.auction,
            attempt: row.attempt + 1,
            reason: REORGED.to_owned(),
        });
        event::append(tx, self.chain_id(), &[told]).await?;
        Ok(())
    }

    /// The intents that the row still answers for: those that no later attempt has. One that ended
    /// without a reveal has none.
    pub(crate) async fn own_intents(
        &self,
        tx: &mut Tx<'_>,
        row: &SettlementRow,
    ) -> Result<Vec<IntentId>, SettlementError> {
        let later = store::later_intents(tx, self.chain_id(), row.auction, row.attempt).await?;
        let mut intents = row.intents();
        intents.retain(|intent| !later.contains(intent));
        Ok(intents)
    }
}
