//! Decisions over absurd markets.

use std::collections::BTreeMap;

use alloy_primitives::U512;
use domain::{
    BidId, IntentId,
    auction::{
        Cut, Decision, Deliberation, DropReason, LeftOut, ReceivedBid, Ruling, check, insights,
    },
    intent::Kind,
};
use proptest::prelude::*;

use crate::market::{Market, Numbers};

fn decide(cut: &Cut, market: &Market, left_out: &BTreeMap<BidId, LeftOut>) -> Decision {
    let mut deliberation = Deliberation::new(cut, &market.bids, &market.standings, left_out);
    let mut decision = deliberation.decide();
    decision.references = deliberation.references(&decision);
    decision
}

/// Whether the winners take no more of anything than there is, in numbers that cannot overflow.
fn fits(market: &Market, winners: &[&ReceivedBid]) -> bool {
    let mut taken = BTreeMap::<IntentId, (U512, U512)>::new();
    let mut paid = BTreeMap::new();
    for fill in winners.iter().flat_map(|bid| bid.bid.fills()) {
        let intent = &market.intents[&fill.intent];
        let exact = if intent.kind() == Kind::ExactIn { fill.sold } else { fill.bought };
        let (part, sold) = taken.entry(fill.intent).or_default();
        *part += U512::from(exact.get());
        *sold += U512::from(fill.sold.get());
        let purse =
            paid.entry((intent.owner(), intent.pair().sell)).or_insert((U512::ZERO, U512::ZERO));
        let fundable = market.opening.intent(fill.intent).unwrap().fundable;
        purse.0 += U512::from(fill.sold.get());
        purse.1 = purse.1.max(U512::from(fundable.get()));
    }
    let holds = |(id, (part, sold)): (&IntentId, &(U512, U512))| {
        let entry = market.opening.intent(*id).unwrap();
        let left = market.intents[id].exact_amount().saturating_sub(entry.filled);
        *part <= U512::from(left.get()) && *sold <= U512::from(entry.fundable.get())
    };
    // at most the whole purse: what its other intents read is not looked at here
    taken.iter().all(holds) && winners.len() <= market.opening.params.max_winners as usize
}

proptest! {
    #![proptest_config(crate::config(700))]

    #[test]
    fn a_decision_is_made_whatever_the_numbers(seed in any::<u64>(), intents in 0usize..6, bids in 0usize..14) {
        let mut market = Market::of(seed, intents, bids);
        let Ok(cut) = Cut::new(market.opening.clone(), market.intents.clone()) else { return Ok(()) };
        let numbers = &mut Numbers(seed ^ 1);
        let mut left_out = BTreeMap::new();
        for bid in &market.bids {
            if numbers.one_in(8) {
                left_out.insert(bid.id, LeftOut::Simulation);
            }
            let _ = check(&cut, &bid.bid, &market.standings);
        }
        let decision = decide(&cut, &market, &left_out);
        prop_assert_eq!(decision.verdicts.len(), market.bids.len());
        let text = serde_json::to_string(&decision).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Decision>(&text).unwrap(), &decision);
        prop_assert_eq!(insights(&cut, &market.bids, &decision).len(), market.intents.len());

        let bid = |id: &BidId| market.bids.iter().find(|bid| bid.id == *id).unwrap();
        let winners: Vec<&ReceivedBid> = decision.winners.iter().map(bid).collect();
        prop_assert!(fits(&market, &winners));
        for verdict in &decision.verdicts {
            if let Ruling::Won { rank, .. } = verdict.ruling {
                prop_assert_eq!(decision.winners[rank as usize], verdict.bid);
            }
        }
        market.bids.reverse();
        prop_assert_eq!(decide(&cut, &market, &left_out), decision);
    }

    #[test]
    fn a_bid_that_loses_is_as_good_as_none(seed in any::<u64>(), intents in 1usize..6, bids in 1usize..14) {
        let mut market = Market::of(seed, intents, bids);
        let Ok(cut) = Cut::new(market.opening.clone(), market.intents.clone()) else { return Ok(()) };
        let decision = decide(&cut, &market, &BTreeMap::new());
        let dropped = |verdict: &&domain::auction::Verdict| match verdict.ruling {
            // a bid's place among its solver's, an offer, a nonce: a valid bid may matter unseen
            Ruling::Dropped(reason) => {
                !matches!(reason, DropReason::Duplicate { .. } | DropReason::Unfair { .. } | DropReason::NoRoom { .. })
            }
            Ruling::Won { .. } | Ruling::Lost { .. } => false,
        };
        let Some(loser) = decision.verdicts.iter().find(dropped).map(|verdict| verdict.bid) else {
            return Ok(());
        };
        market.bids.retain(|bid| bid.id != loser);
        let again = decide(&cut, &market, &BTreeMap::new());
        prop_assert_eq!(again.winners, decision.winners);
        prop_assert_eq!(again.total_score, decision.total_score);
        prop_assert_eq!(again.references, decision.references);
        let others = decision.verdicts.iter().filter(|verdict| verdict.bid != loser);
        prop_assert!(again.verdicts.iter().eq(others));
    }
}
