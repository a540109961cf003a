//! What was paid: the logs of a reveal against the winners' legs. Pure.

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

/// Follows the logs bid by bid, in settlement order; returns how each of them ended.
pub(super) fn check(winners: &Winners, reveal: &Reveal) -> Result<Vec<Ending>, Fault> {
    let settlement = winners.domain.settlement();
    let mut endings = Vec::with_capacity(winners.ids.len());
    let mut rest = reveal.logs.as_slice();
    for (id, signed) in winners.ids.iter().zip(&winners.bids) {
        let end = |log: &Log| log.address == settlement && ends(log).is_some();
        let at = rest.iter().position(end).ok_or(Fault::End { tx: reveal.tx, bid: *id })?;
        let (mine, after) = rest.split_at(at + 1);
        rest = after;
        let ending = mine.last().and_then(ends).filter(|ending| ending.bid == *id);
        let ending = ending.ok_or(Fault::End { tx: reveal.tx, bid: *id })?;
        // a bid that failed moved nothing: its frame's logs are undone with it
        if ending.fault.is_none() {
            settled(winners, (*id, signed), mine)?;
        }
        endings.push(ending);
    }
    match rest.iter().filter(|log| log.address == settlement).find_map(ends) {
        Some(Ending { bid, .. }) => Err(Fault::End { tx: reveal.tx, bid }),
        None => Ok(endings),
    }
}

/// The end of a bid that a log tells of.
fn ends(log: &Log) -> Option<Ending> {
    if let Ok(settled) = abi::BidSettled::decode_log(log) {
        return Some(Ending { bid: BidId::new(settled.bid), fault: None });
    }
    let failed = abi::BidFailed::decode_log(log).ok()?;
    let fault = event::Fault::try_from(failed.fault).ok()?;
    Some(Ending { bid: BidId::new(failed.bid), fault: Some(fault) })
}

/// A settled bid filled what it says, within every limit, and each of its legs was paid.
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
    paid(winners, (id, signed), logs)
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

/// The legs' transfers are among the logs, in the order in which the contract makes them: those of
/// owners, then the filler's. What the filler's own call moves besides is its own business.
fn paid(winners: &Winners, (id, signed): (BidId, &SignedBid), logs: &[Log]) -> Result<(), Fault> {
    let filler = signed.bid.terms().filler;
    let due = |(leg, found): (usize, &Leg)| due(winners, filler, leg, found);
    let all: Option<Vec<Due>> = signed.bid.legs().iter().enumerate().map(due).collect();
    let all = all.ok_or_else(|| Fault::NoBatch(format!("bid {id} has a leg between nobody")))?;
    let (fillers, owners): (Vec<Due>, Vec<Due>) = all.into_iter().partition(|due| due.by_filler);
    let mut rest = logs.iter();
    for Due { leg, token, from, to, amount, .. } in owners.into_iter().chain(fillers) {
        let transfer = |log: &Log| {
            log.address == token
                && abi::Transfer::decode_log(log)
                    .is_ok_and(|log| (log.from, log.to, log.value) == (from, to, amount.get()))
        };
        if !rest.any(transfer) {
            return Err(Fault::Payment { bid: id, leg, token, from, to });
        }
    }
    Ok(())
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
