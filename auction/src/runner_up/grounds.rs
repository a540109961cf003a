//! What a second decision rests on: how the first attempt ended, and what is left of its owners.

use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::Address;
use domain::{
    Amount, IntentId,
    auction::{Ending, Grounds, Standings, left_unfilled},
    event::CutIntent,
    status::IntentStatus,
};
use infra::{
    chain::{FundQuery, Funds},
    pg::{self, StoreError, auction::Stakes, intent::StoredIntent},
};

use super::{Due, RunnersUp};
use crate::{AuctionError, select::InFlight, standing::Known, survey::query};

/// An owner's account in one token.
type Account = (Address, Address);

impl Due {
    /// How the first attempt's bids ended, in settlement order.
    fn endings(&self) -> Vec<Ending> {
        let results = self.first.results.iter().flatten();
        let ending = |result: &pg::settlement::BidResult| {
            let fault = result.failure.map(|failure| failure.fault);
            Ending { bid: result.bid, fault }
        };
        results.map(ending).collect()
    }

    /// The intents that it left as they were.
    pub(super) fn left(&self) -> BTreeSet<IntentId> {
        let fills = self.first.bids.iter().map(|bid| bid.fills.as_slice());
        let faults = self.endings().into_iter().map(|ending| ending.fault);
        left_unfilled(fills.zip(faults))
    }

    /// Whether its owner may still be made to pay for an intent in this auction.
    fn wanted(&self, stored: &StoredIntent) -> bool {
        stored.status == IntentStatus::Matched
            && stored.auction_id == Some(self.first.auction)
            && !stored.leaves()
    }
}

impl RunnersUp {
    /// Reads what owners could pay after the newest block, which must follow the reveal. The bidders
    /// are to be asked about at the same one.
    pub(super) async fn grounds(&self, due: &Due) -> Result<(Grounds, Known), AuctionError> {
        let left = due.left();
        let left: Vec<&StoredIntent> =
            due.intents.iter().filter(|stored| left.contains(&stored.id)).collect();
        // before the block, as for a cut: a fill is counted twice for a moment, never not at all
        let (accounts, staked, struck) = self.spoken_for(due, &left).await?;
        let block = self.chain.block_latest().await?;
        // a node that is behind, or a reorg since
        let after = block.at.number >= due.reveal.block.number;
        if !after || !self.chain.is_canonical(due.reveal.block).await? {
            return Err(AuctionError::Moved);
        }
        let queries: Vec<FundQuery> = left.iter().map(|stored| query(stored)).collect();
        let funds = self.chain.fundable(&queries, block.at.hash.into()).await?;
        let entry = |(stored, funds): (&&StoredIntent, Funds)| CutIntent {
            id: stored.id,
            fundable: match accounts.get(&account(stored)) {
                Some(account) if due.wanted(stored) => account.spare(funds.payable()),
                Some(_) | None => Amount::ZERO,
            },
            filled: stored.filled.max(funds.filled),
            alone: struck.contains(&stored.id),
        };
        let mut intents: Vec<CutIntent> = left.iter().zip(funds).map(entry).collect();
        intents.sort_unstable_by_key(|entry| entry.id);
        let known = Known::at(&block, self.chain.gas_price(&block).await?, staked);
        let grounds = Grounds {
            reveal: due.reveal,
            endings: due.endings(),
            block: block.at,
            block_time_s: block.timestamp,
            intents,
            standings: Standings::default(),
        };
        Ok((grounds, known))
    }

    /// What is spoken for of the accounts behind `left`, and of solvers' funds; and which of `left` are
    /// to be filled alone.
    async fn spoken_for(
        &self,
        due: &Due,
        left: &[&StoredIntent],
    ) -> Result<(BTreeMap<Account, Spoken>, Stakes, BTreeSet<IntentId>), AuctionError> {
        let names: BTreeSet<Account> = left.iter().map(|stored| account(stored)).collect();
        let mut conn = self.pool.acquire().await.map_err(StoreError::from)?;
        let in_flight = pg::auction::in_flight(&mut conn, self.chain_id()).await?;
        let auction = due.first.auction;
        let shared =
            pg::auction::shared_purses(&mut conn, self.chain_id(), auction, &names).await?;
        let staked = pg::auction::staked(&mut conn, self.chain_id()).await?;
        let ids: Vec<IntentId> = left.iter().map(|stored| stored.id).collect();
        let fresh_s = self.config.auction.strike_s;
        let struck = pg::strike::struck(&mut conn, self.chain_id(), &ids, fresh_s).await?;
        drop(conn);
        let kept = kept(due, left);
        let spoken = |account: Account| {
            let (all, kept) = (of(&in_flight, &account), of(&kept, &account));
            let others = all.saturating_sub(kept);
            (account, Spoken { others, kept, shared: shared.contains(&account) })
        };
        Ok((names.into_iter().map(spoken).collect(), staked, struck))
    }
}

/// What of an account is spoken for.
#[derive(Clone, Copy, Debug)]
struct Spoken {
    /// By other batches.
    others: Amount,
    /// By the bids that failed: kept since the first decision, whatever was cut meanwhile.
    kept: Amount,
    /// Whether an auction under way counts on the account as well.
    shared: bool,
}

impl Spoken {
    /// What of `payable` is there for a second attempt: no more than was kept for it, where another
    /// auction saw the rest.
    fn spare(self, payable: Amount) -> Amount {
        let free = payable.saturating_sub(self.others);
        if self.shared { free.min(self.kept) } else { free }
    }
}

/// What the first attempt's bids were to take for the intents that are kept.
fn kept(due: &Due, left: &[&StoredIntent]) -> InFlight {
    let accounts: BTreeMap<IntentId, Account> = left
        .iter()
        .filter(|stored| stored.status.in_flight())
        .map(|stored| (stored.id, account(stored)))
        .collect();
    let mut kept = InFlight::new();
    for fill in due.first.bids.iter().flat_map(|bid| &bid.fills) {
        if let Some(account) = accounts.get(&fill.intent) {
            let total = kept.entry(*account).or_default();
            *total = total.checked_add(fill.sold).unwrap_or(Amount::MAX);
        }
    }
    kept
}

fn of(amounts: &InFlight, account: &Account) -> Amount {
    amounts.get(account).copied().unwrap_or(Amount::ZERO)
}

fn account(stored: &StoredIntent) -> Account {
    (stored.intent.owner(), stored.intent.pair().sell)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_attempt_takes_what_nobody_else_counts_on() {
        let amount = |n: u64| Amount::from(n);
        let spoken =
            |others, kept, shared| Spoken { others: amount(others), kept: amount(kept), shared };
        assert_eq!(spoken(0, 10, false).spare(amount(100)), amount(100));
        assert_eq!(spoken(30, 10, false).spare(amount(100)), amount(70), "other batches");
        assert_eq!(spoken(30, 10, true).spare(amount(100)), amount(10), "an auction under way");
        assert_eq!(spoken(95, 10, true).spare(amount(100)), amount(5));
        assert_eq!(spoken(200, 10, false).spare(amount(100)), Amount::ZERO);
    }
}
