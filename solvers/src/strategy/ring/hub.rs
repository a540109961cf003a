//! Many intents around one: an intent that takes parts pays several of the opposite pair.

use std::{cmp::Reverse, collections::BTreeMap};

use alloy_primitives::Address;
use domain::{
    Amount,
    bid::{End, Leg},
    intent::{Kind, Pair},
};

use super::{
    super::{
        Candidate, Market, Plan,
        fill::{self, Price, Size},
    },
    Sides,
};

/// Intents tried as a hub.
const MAX_HUBS: usize = 128;
/// Intents looked at around one hub, the most generous ones.
const MAX_TRIED: usize = 64;
/// Intents around a hub: a failing owner fails the bid, and gas is bounded.
const MAX_AROUND: usize = 24;

/// Hubs with at least two around them; with one it is a ring of two.
pub(super) fn plans(market: &Market, sides: &Sides<'_>) -> Vec<Plan> {
    let hubs = market.candidates.iter().filter(|hub| hub.intent.partially_fillable() && !hub.alone);
    hubs.take(MAX_HUBS).filter_map(|hub| plan(market, sides, hub)).collect()
}

/// What a hub can still take.
struct Room {
    sell: Amount,
    buy: Amount,
}

fn plan(market: &Market, sides: &Sides<'_>, hub: &Candidate) -> Option<Plan> {
    let pair = Pair { sell: hub.pair().buy, buy: hub.pair().sell };
    let around = sides.get(&pair)?;
    // rounding is for the hub, so its own limit holds at any price up to it
    let price = Price::of(market, pair, 0)?.min(Price::limit_of(hub));
    let mut offers: Vec<_> = around
        .iter()
        .take(MAX_TRIED)
        .filter_map(|candidate| {
            let size = fill::at(candidate, price, candidate.left)?;
            Some((market.surplus(candidate, size.sold, size.bought), *candidate))
        })
        .collect();
    offers.sort_by_key(|(surplus, candidate)| (Reverse(*surplus), candidate.id));
    let fills = fill_all(hub, price, offers.into_iter().map(|(_, candidate)| candidate));
    if fills.len() < 2 {
        return None;
    }
    let sum = |of: fn(&Size) -> Amount| {
        fills.iter().try_fold(Amount::ZERO, |sum, (_, size)| sum.checked_add(of(size)))
    };
    let total = Size { sold: sum(|size| size.bought)?, bought: sum(|size| size.sold)? };
    let exact = match hub.intent.kind() {
        Kind::ExactIn => total.sold,
        Kind::ExactOut => total.bought,
    };
    let fits = exact >= hub.least() && hub.allows(total.sold, total.bought);
    fits.then(|| bid(market, hub, total, &fills))
}

/// As many as the hub can pay, in order, each as far as it can.
fn fill_all<'a>(
    hub: &Candidate,
    price: Price,
    offers: impl Iterator<Item = &'a Candidate>,
) -> Vec<(&'a Candidate, Size)> {
    let mut room = match hub.intent.kind() {
        Kind::ExactIn => Room { sell: hub.left.min(hub.fundable), buy: Amount::MAX },
        Kind::ExactOut => Room { sell: hub.fundable, buy: hub.left },
    };
    let mut purses = BTreeMap::<Address, Amount>::new();
    let mut fills = Vec::new();
    for candidate in offers {
        let purse = purses.entry(candidate.intent.owner()).or_insert(candidate.fundable);
        let payable = candidate.fundable.min(*purse).min(room.buy);
        let Some(size) = fill::largest(candidate, price, payable, room.sell) else { continue };
        *purse = purse.saturating_sub(size.sold);
        room.sell = room.sell.saturating_sub(size.bought);
        room.buy = room.buy.saturating_sub(size.sold);
        fills.push((candidate, size));
        if fills.len() == MAX_AROUND {
            break;
        }
    }
    fills
}

fn bid(market: &Market, hub: &Candidate, total: Size, fills: &[(&Candidate, Size)]) -> Plan {
    let middle = End::Intent(hub.id);
    let mut legs = Vec::with_capacity(fills.len() * 2);
    let mut intents = vec![hub.id];
    let mut surplus = market.surplus(hub, total.sold, total.bought);
    for (candidate, size) in fills {
        let end = End::Intent(candidate.id);
        legs.push(Leg { from: end, to: middle, amount: size.sold });
        legs.push(Leg { from: middle, to: end, amount: size.bought });
        intents.push(candidate.id);
        let more = market.surplus(candidate, size.sold, size.bought);
        surplus = surplus.checked_add(more).unwrap_or(Amount::MAX);
    }
    intents.sort_unstable();
    Plan { legs, intents, surplus, pays: BTreeMap::new() }
}
