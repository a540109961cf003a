//! What was paid: the logs of a reveal against the winners' legs. Pure.

use std::collections::BTreeMap;

use alloy::sol_types::SolEvent as _;
use alloy_primitives::{Address, Log};
use domain::{
    Amount, BidId,
    auction::Ending,
    batch::{SignedBid, SignedIntent},
    bid::{End, Fill, Leg},
    event,
};
use infra::chain::abi;

use super::{
    fault::Fault,
    settled::{Reveal, Winners},
};

/// How a bid of a batch ended in a reveal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ended {
    pub(super) ending: Ending,
    /// Whether that moved or cost anything: else it was not even attempted.
    pub(super) effect: bool,
}

/// A payment of a settled bid that no log shows.
#[derive(Clone, Debug)]
pub(super) struct Unlogged {
    pub(super) token: Address,
    /// The reveal's block.
    pub(super) block: u64,
    /// What it is if the token had to log it.
    pub(super) fault: Fault,
}

/// Follows the logs bid by bid, in settlement order; returns how each of them ended, and what they do
/// not show.
pub(super) fn check(
    winners: &Winners,
    reveal: &Reveal,
) -> Result<(Vec<Ended>, Vec<Unlogged>), Fault> {
    let settlement = winners.domain.settlement();
    let mut found = Vec::with_capacity(winners.ids.len());
    let mut unlogged = Vec::new();
    let mut rest = reveal.logs.as_slice();
    for (id, signed) in winners.ids.iter().zip(&winners.bids) {
        let end = |log: &Log| log.address == settlement && ends(log).is_some();
        let at = rest.iter().position(end).ok_or(Fault::End { tx: reveal.tx, bid: *id })?;
        let (mine, after) = rest.split_at(at + 1);
        rest = after;
        let ended = mine.last().and_then(ends).filter(|ended| ended.ending.bid == *id);
        let ended = ended.ok_or(Fault::End { tx: reveal.tx, bid: *id })?;
        // a bid that failed moved nothing: its frame's logs are undone with it
        if ended.ending.fault.is_none() {
            settled(winners, (*id, signed), mine)?;
            let unseen = unpaid(winners, (*id, signed), mine)?;
            let block = reveal.block;
            let told = |(token, fault)| Unlogged { token, block, fault };
            unlogged.extend(unseen.into_iter().map(told));
        }
        found.push(ended);
    }
    match rest.iter().filter(|log| log.address == settlement).find_map(ends) {
        Some(Ended { ending, .. }) => Err(Fault::End { tx: reveal.tx, bid: ending.bid }),
        None => Ok((found, unlogged)),
    }
}

/// The end of a bid that a log tells of.
fn ends(log: &Log) -> Option<Ended> {
    if let Ok(settled) = abi::BidSettled::decode_log(log) {
        let ending = Ending { bid: BidId::new(settled.bid), fault: None };
        return Some(Ended { ending, effect: true });
    }
    let failed = abi::BidFailed::decode_log(log).ok()?;
    let fault = event::Fault::try_from(failed.fault).ok()?;
    let effect = fault != event::Fault::Neutral || !failed.charge.is_zero();
    let ending = Ending { bid: BidId::new(failed.bid), fault: Some(fault) };
    Some(Ended { ending, effect })
}

/// A settled bid filled what it says, within every limit.
fn settled(
    winners: &Winners,
    (id, signed): (BidId, &SignedBid),
    logs: &[Log],
) -> Result<(), Fault> {
    let end = logs.last().and_then(|log| abi::BidSettled::decode_log(log).ok());
    let mut fills: Vec<Fill> = end.iter().flat_map(|end| &end.fills).map(Fill::from).collect();
    fills.sort_unstable_by_key(|fill| fill.intent);
    let promised = signed.bid.fills();
    let same = fills.iter().zip(promised).take_while(|(found, wanted)| found == wanted).count();
    if let Some(odd) = promised.get(same).or_else(|| fills.get(same)) {
        return Err(Fault::Fill { bid: id, intent: odd.intent });
    }
    for fill in &fills {
        let intent = winners.intents.get(&fill.intent).map(|found| &found.intent);
        let within = intent.is_some_and(|intent| {
            fill.sold.cmp_products(intent.buy_amount(), fill.bought, intent.sell_amount()).is_le()
        });
        if !within {
            return Err(Fault::Limit(fill.intent));
        }
    }
    Ok(())
}

/// The transfers of a leg.
struct Due {
    leg: usize,
    by_filler: bool,
    token: Address,
    from: Address,
    to: Address,
    amount: Amount,
}

/// The legs whose transfers are not among the logs. Those of a token come in the order in which the
/// contract makes them: the owners', then the filler's. One that its token did not log hides none of
/// another token, so each token's logs are walked by themselves. What the filler's own call moves
/// besides is its own business.
fn unpaid(
    winners: &Winners,
    (id, signed): (BidId, &SignedBid),
    logs: &[Log],
) -> Result<Vec<(Address, Fault)>, Fault> {
    let filler = signed.bid.terms().filler;
    let due = |(leg, found): (usize, &Leg)| due(winners, filler, leg, found);
    let all: Option<Vec<Due>> = signed.bid.legs().iter().enumerate().map(due).collect();
    let all = all.ok_or_else(|| Fault::NoBatch(format!("bid {id} has a leg between nobody")))?;
    let (fillers, owners): (Vec<Due>, Vec<Due>) = all.into_iter().partition(|due| due.by_filler);
    let (mut rest, mut unpaid) = (BTreeMap::new(), Vec::new());
    for Due { leg, token, from, to, amount, .. } in owners.into_iter().chain(fillers) {
        let transfer = |log: &Log| {
            log.address == token
                && abi::Transfer::decode_log(log)
                    .is_ok_and(|log| (log.from, log.to, log.value) == (from, to, amount.get()))
        };
        let rest = rest.entry(token).or_insert(logs);
        match rest.iter().position(transfer) {
            Some(at) => *rest = &rest[at + 1..],
            None => unpaid.push((token, Fault::Payment { bid: id, leg, token, from, to })),
        }
    }
    Ok(unpaid)
}

fn due(winners: &Winners, filler: Address, leg: usize, found: &Leg) -> Option<Due> {
    let intent = |end: End| -> Option<&SignedIntent> {
        match end {
            End::Intent(id) => winners.intents.get(&id),
            End::Filler => None,
        }
    };
    let (from, to) = (intent(found.from), intent(found.to));
    let token = match (from, to) {
        (Some(payer), _) => payer.intent.pair().sell,
        (None, Some(payee)) => payee.intent.pair().buy,
        (None, None) => return None,
    };
    Some(Due {
        leg,
        by_filler: from.is_none(),
        token,
        from: from.map_or(filler, |payer| payer.intent.owner()),
        to: to.map_or(filler, |payee| payee.intent.receiver()),
        amount: found.amount,
    })
}
