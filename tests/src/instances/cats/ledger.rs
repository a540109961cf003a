//! Bids as they are made: alternatives, dominated bids, and in the end rows.

use std::cmp::Reverse;

use crate::instances::Instance;

/// Millionths: prices are drawn as real numbers and compared as integers.
const PER_UNIT: f64 = 1_000_000.0;

/// The bids of bidders so far.
#[derive(Debug)]
pub(super) struct Ledger {
    wanted: usize,
    bids: Vec<Offer>,
    alive: usize,
    /// Bids by good; dominated ones stay in it, marked.
    by_good: Vec<Vec<usize>>,
    bidders: u32,
    dummies: usize,
}

#[derive(Debug)]
struct Offer {
    /// Ascending.
    goods: Vec<usize>,
    bidder: u32,
    dummy: Option<usize>,
    price: u64,
    alive: bool,
}

impl Ledger {
    pub(super) const fn new(wanted: usize) -> Self {
        Self { wanted, bids: Vec::new(), alive: 0, by_good: Vec::new(), bidders: 0, dummies: 0 }
    }

    pub(super) const fn is_full(&self) -> bool {
        self.alive >= self.wanted
    }

    /// Enters a bidder's alternatives: at most one of them can win.
    pub(super) fn alternatives(&mut self, bundles: Vec<(Vec<usize>, f64)>) {
        let mut offers: Vec<Offer> = bundles.into_iter().filter_map(Offer::new).collect();
        // so that only earlier ones dominate: the best price first, of equals the one that asks for less
        let key = |offer: &Offer| (Reverse(offer.price), offer.goods.len());
        offers.sort_by(|a, b| key(a).cmp(&key(b)).then_with(|| a.goods.cmp(&b.goods)));
        let mut kept: Vec<Offer> = Vec::new();
        for offer in offers {
            if !kept.iter().any(|other| within(&other.goods, &offer.goods)) {
                kept.push(offer);
            }
        }
        let dummy = (kept.len() > 1).then(|| {
            self.dummies += 1;
            self.dummies - 1
        });
        for offer in kept {
            self.enter(Offer { dummy, bidder: self.bidders, ..offer });
        }
        self.bidders += 1;
    }

    /// Only a bid without a dummy good asks for no more than another bidder's.
    fn enter(&mut self, offer: Offer) {
        let last = offer.goods.last().map_or(0, |good| good + 1);
        self.by_good.resize_with(self.by_good.len().max(last), Vec::new);
        let rivals = offer.goods.iter().flat_map(|good| &self.by_good[*good]);
        let dominates = |rival: &Offer| {
            rival.alive
                && rival.dummy.is_none()
                && rival.price >= offer.price
                && within(&rival.goods, &offer.goods)
        };
        if rivals.clone().any(|n| dominates(&self.bids[*n])) {
            return;
        }
        if offer.dummy.is_none() {
            let beaten = |rival: &Offer| {
                rival.alive && rival.price <= offer.price && within(&offer.goods, &rival.goods)
            };
            let mut beaten: Vec<usize> =
                rivals.copied().filter(|n| beaten(&self.bids[*n])).collect();
            beaten.sort_unstable();
            beaten.dedup();
            for n in beaten {
                self.bids[n].alive = false;
                self.alive -= 1;
            }
        }
        for good in &offer.goods {
            self.by_good[*good].push(self.bids.len());
        }
        self.bids.push(offer);
        self.alive += 1;
    }

    /// The first bids alive, as many as were wanted.
    pub(super) fn into_instance(self) -> Instance {
        let bids: Vec<Offer> =
            self.bids.into_iter().filter(|bid| bid.alive).take(self.wanted).collect();
        let goods = self.by_good.len();
        // the other alternatives may have been dominated or cut off: then nothing is excluded
        let mut left = vec![0; self.dummies];
        for dummy in bids.iter().filter_map(|bid| bid.dummy) {
            left[dummy] += 1;
        }
        let rows = bids.iter().map(|bid| {
            let dummy = bid.dummy.filter(|dummy| left[*dummy] > 1);
            bid.goods.iter().copied().chain(dummy.map(|dummy| goods + dummy)).collect()
        });
        let rows: Vec<Vec<usize>> = rows.collect();
        let weights = bids.iter().map(|bid| bid.price).collect();
        Instance::packing(weights, bids.iter().map(|bid| bid.bidder).collect(), &rows)
    }
}

impl Offer {
    fn new((mut goods, price): (Vec<usize>, f64)) -> Option<Self> {
        goods.sort_unstable();
        goods.dedup();
        let price = (price * PER_UNIT).round();
        (price >= 1.0 && !goods.is_empty()).then_some(Self {
            goods,
            bidder: 0,
            dummy: None,
            price: price as u64,
            alive: true,
        })
    }
}

/// Whether every good of the first, ascending, is among those of the second.
fn within(few: &[usize], many: &[usize]) -> bool {
    let mut many = many.iter();
    few.len() <= many.len() && few.iter().all(|good| many.any(|other| other == good))
}
