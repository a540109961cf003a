//! The rules once more, as simply as they can be said.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256, keccak256};

use crate::{
    Amount, BidId, IntentId,
    auction::{DropReason, check::Load, fixture::*},
    bid::Fill,
    intent::Kind,
};

/// What a decision comes to.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) winners: Vec<BidId>,
    pub(super) total_score: Amount,
    pub(super) second_pass: Vec<(Address, Address, Address, Amount)>,
    pub(super) unfair: BTreeSet<BidId>,
    pub(super) no_room: BTreeSet<BidId>,
    pub(super) lost: BTreeSet<BidId>,
}

/// A bid that keeps every rule by itself.
#[derive(Clone, Copy, Debug)]
struct Valid {
    at: usize,
    score: u128,
    /// Pair and kind, where there is no price.
    group: Option<(Address, Address, u8)>,
}

/// A market with what every subset is asked for.
struct Court<'m> {
    market: &'m Market,
    loads: Vec<Load>,
    /// Where a bid stands in the order of preference.
    places: Vec<(B256, usize)>,
}

impl std::ops::Deref for Court<'_> {
    type Target = Market;

    fn deref(&self) -> &Market {
        self.market
    }
}

impl<'m> Court<'m> {
    fn of(market: &'m Market) -> Self {
        let open_hash = market.opening.hash();
        let place = |at: usize| {
            let solver = market.bids[at].bid.terms().solver;
            (keccak256([open_hash.get().as_slice(), solver.as_slice()].concat()), at)
        };
        let numbers = 0..market.bids.len();
        let places = numbers.clone().map(place).collect();
        let loads = numbers.map(|at| market.load(at)).collect();
        Self { market, loads, places }
    }
}

pub(super) fn decide(market: &Market) -> Outcome {
    let market = &Court::of(market);
    let all = valid(market, None);
    let fair = fair(market, all.clone());
    let id = |at: usize| market.bids[at].id;
    let mut outcome = Outcome::default();
    let is_fair = |bid: &&Valid| fair.iter().any(|other| other.at == bid.at);
    outcome.unfair = all.iter().filter(|bid| !is_fair(bid)).map(|bid| id(bid.at)).collect();

    let priced: Vec<Valid> = fair.iter().filter(|bid| bid.group.is_none()).copied().collect();
    let (score, mut chosen) = best(market, &priced, &[]);
    outcome.total_score = Amount::from(score);
    outcome.lost = priced.iter().map(|bid| id(bid.at)).collect();

    let mut groups: Vec<_> = fair.iter().filter_map(|bid| bid.group).collect();
    groups.sort_unstable_by_key(|group| place_of_group(market, *group));
    groups.dedup();
    for (sell, buy, kind) in groups {
        let of_group = |bid: &&Valid| bid.group == Some((sell, buy, kind));
        let (fits, rest): (Vec<Valid>, Vec<Valid>) = fair
            .iter()
            .filter(of_group)
            .copied()
            .partition(|bid| fits(market, &[chosen.clone(), vec![bid.at]].concat()));
        outcome.no_room.extend(rest.iter().map(|bid| id(bid.at)));
        outcome.lost.extend(fits.iter().map(|bid| id(bid.at)));
        let (total, set) = best(market, &fits, &chosen);
        chosen.extend(set);
        let token = if kind == 0 { buy } else { sell };
        outcome.second_pass.push((sell, buy, token, Amount::from(total)));
    }
    outcome.winners = chosen.iter().map(|at| id(*at)).collect();
    for winner in &outcome.winners {
        outcome.lost.remove(winner);
    }
    outcome
}

/// By solver that won in the first pass: the best score without it.
pub(super) fn references(market: &Market) -> Vec<(Address, Amount)> {
    let market = &Court::of(market);
    let priced = |without: Option<Address>| -> Vec<Valid> {
        let fair = fair(market, valid(market, without));
        fair.into_iter().filter(|bid| bid.group.is_none()).collect()
    };
    let (_, winners) = best(market, &priced(None), &[]);
    let solvers: BTreeSet<Address> =
        winners.iter().map(|at| market.bids[*at].bid.terms().solver).collect();
    let reference = |solver| (solver, Amount::from(best(market, &priced(Some(solver)), &[]).0));
    solvers.into_iter().map(reference).collect()
}

fn valid(market: &Court<'_>, without: Option<Address>) -> Vec<Valid> {
    let of_others = |at: &usize| Some(market.bids[*at].bid.terms().solver) != without;
    let judge = |at: usize| match market.check(at) {
        Ok(score) => Some(Valid { at, score: u128::try_from(score.get()).unwrap(), group: None }),
        Err(DropReason::Unpriced { .. }) => unpriced(market, at),
        Err(_) => None,
    };
    (0..market.bids.len()).filter(of_others).filter_map(judge).collect()
}

/// A bid on one pair and kind, scored in atoms; no other has a place without prices.
fn unpriced(market: &Court<'_>, at: usize) -> Option<Valid> {
    let mut group = None;
    let mut score = 0;
    for fill in market.bids[at].bid.fills() {
        let intent = &market.intents[&fill.intent];
        let fundable = u128::try_from(market.opening.intent(fill.intent)?.fundable.get()).unwrap();
        let own = (intent.pair().sell, intent.pair().buy, u8::from(intent.kind()));
        if *group.get_or_insert(own) != own {
            return None;
        }
        let [sell, buy] = [intent.sell_amount(), intent.buy_amount()].map(small);
        score += match intent.kind() {
            Kind::ExactIn => small(fill.bought) - (small(fill.sold) * buy).div_ceil(sell),
            Kind::ExactOut => {
                let most = (small(fill.bought) * sell / buy).min(fundable);
                most - small(fill.sold)
            }
        };
    }
    Some(Valid { at, score, group })
}

/// Drops one unfair bid at a time, looking at what is left each time, until nobody complains.
fn fair(market: &Court<'_>, mut bids: Vec<Valid>) -> Vec<Valid> {
    let speakers: Vec<usize> =
        bids.iter().map(|bid| bid.at).filter(|at| speaks(market, &bids, *at)).collect();
    loop {
        let complaint = bids.iter().position(|bid| {
            let no_larger = |at: usize| size(market, at) <= size(market, bid.at);
            let others = bids.iter().filter(|other| speakers.contains(&other.at));
            let others = others.filter(|other| no_larger(other.at));
            let others = others.map(|other| market.bids[other.at].bid.fills());
            let single = others.filter(|fills| fills.len() == 1).map(|fills| fills[0]);
            let fills = market.bids[bid.at].bid.fills();
            single.into_iter().any(|offer| fills.iter().any(|fill| worse(market, fill, &offer)))
        });
        match complaint {
            Some(at) => drop(bids.remove(at)),
            None => return bids,
        }
    }
}

/// Whether a bid of these could well be taken.
fn speaks(market: &Court<'_>, valid: &[Valid], at: usize) -> bool {
    let signed = |at: usize| {
        let terms = market.bids[at].bid.terms();
        (terms.solver, terms.nonce)
    };
    valid.iter().filter(|other| signed(other.at) == signed(at)).count() == 1
        && size(market, at) <= 2
}

/// 0 up to a 32nd of a batch, 1 up to a 16th, 2 up to an eighth, 3 beyond.
fn size(market: &Court<'_>, at: usize) -> u8 {
    let (load, params) = (market.loads[at], &market.opening.params);
    let up_to =
        |part| load.gas * part <= params.gas_budget && load.bytes * part <= params.byte_budget;
    match (up_to(32), up_to(16), up_to(8)) {
        (true, ..) => 0,
        (_, true, _) => 1,
        (.., true) => 2,
        _ => 3,
    }
}

/// Whether an intent that is filled alone by `offer`, and at least as much, gets more by it.
fn worse(market: &Court<'_>, fill: &Fill, offer: &Fill) -> bool {
    let (sold, bought) = (small(fill.sold), small(fill.bought));
    let (offer_sold, offer_bought) = (small(offer.sold), small(offer.bought));
    fill.intent == offer.intent
        && match market.intents[&fill.intent].kind() {
            Kind::ExactIn => offer_sold >= sold && bought < sold * offer_bought / offer_sold,
            Kind::ExactOut => {
                offer_bought >= bought && sold > (bought * offer_sold).div_ceil(offer_bought)
            }
        }
}

fn small(amount: Amount) -> u128 {
    u128::try_from(amount.get()).unwrap()
}

/// Whether bids can win together, by the text of the rules.
pub(super) fn feasible(market: &Market, set: &[usize]) -> bool {
    fits(&Court::of(market), set)
}

fn fits(market: &Court<'_>, set: &[usize]) -> bool {
    let params = &market.opening.params;
    let mut left = BTreeMap::new();
    let mut purses = BTreeMap::new();
    let (mut gas, mut bytes) = (0, 0);
    for (n, at) in set.iter().enumerate() {
        let bid = &market.bids[*at].bid;
        for other in &set[..n] {
            let other = &market.bids[*other].bid;
            let share = bid.fills().iter().any(|fill| other.fill_of(fill.intent).is_some());
            let same_nonce = bid.terms().nonce == other.terms().nonce;
            if bid.terms().solver == other.terms().solver && (share || same_nonce) {
                return false;
            }
        }
        for fill in bid.fills() {
            let intent = &market.intents[&fill.intent];
            let exact = if intent.kind() == Kind::ExactIn { fill.sold } else { fill.bought };
            let (part, sold) = left.entry(fill.intent).or_insert((0, 0));
            (*part, *sold) = (*part + small(exact), *sold + small(fill.sold));
            *purses.entry((intent.owner(), intent.pair().sell)).or_insert(0) += small(fill.sold);
        }
        let section = market.loads[*at].bytes;
        let signed = u64::from(bid.terms().gas);
        gas += signed + signed.div_ceil(63);
        bytes += section;
    }
    let entry = |id: &IntentId| market.opening.intent(*id).unwrap();
    left.iter().all(|(id, (exact, sold))| {
        let whole = market.intents[id].exact_amount();
        *exact <= small(whole.saturating_sub(entry(id).filled))
            && *sold <= small(entry(id).fundable)
    }) && purses.iter().all(|((owner, sell), sum)| {
        // one of a purse's intents may read less; the purse holds what the others read
        let of_purse = |id: &&IntentId| {
            let intent = &market.intents[*id];
            intent.owner() == *owner && intent.pair().sell == *sell
        };
        let fundable = market.intents.keys().filter(of_purse).map(|id| small(entry(id).fundable));
        *sum <= fundable.max().unwrap()
    }) && gas <= params.gas_budget
        && bytes <= params.byte_budget
        && set.len() as u64 <= u64::from(params.max_winners)
}

/// A set's score, its fills, and its sorted list of places.
type Ranked = (u128, usize, Vec<(B256, usize)>);

/// The best of all sets that fit beside those chosen before, in settlement order.
fn best(market: &Court<'_>, bids: &[Valid], chosen: &[usize]) -> (u128, Vec<usize>) {
    let mut best: Option<Ranked> = None;
    for mask in 0u32..1 << bids.len() {
        let set = (0..bids.len()).filter(|n| mask & (1 << n) != 0).map(|n| bids[n]);
        let set: Vec<Valid> = set.collect();
        let places: Vec<usize> = set.iter().map(|bid| bid.at).collect();
        if !fits(market, &[chosen, &places].concat()) {
            continue;
        }
        let score = set.iter().map(|bid| bid.score).sum();
        let fills: usize = places.iter().map(|at| market.bids[*at].bid.fills().len()).sum();
        let mut places: Vec<_> = places.iter().map(|at| market.places[*at]).collect();
        places.sort_unstable();
        let better = best.as_ref().is_none_or(|(most, filled, list)| {
            (score, fills).cmp(&(*most, *filled)).then_with(|| list.cmp(&places)).is_gt()
        });
        if better {
            best = Some((score, fills, places));
        }
    }
    let (score, _, places) = best.unwrap();
    (score, places.into_iter().map(|(_, at)| at).collect())
}

fn place_of_group(market: &Court<'_>, (sell, buy, kind): (Address, Address, u8)) -> B256 {
    let open_hash = market.opening.hash();
    keccak256([open_hash.get().as_slice(), sell.as_slice(), buy.as_slice(), &[kind]].concat())
}
