//! Bundles of related goods, as sections 4.2 and 4.3 make them: they differ in which goods are
//! related, and in how often a bidder takes an unrelated one.

use super::{Dice, Ledger};

/// The most a good is worth to everybody (`max_good_value`).
const MAX_GOOD_VALUE: f64 = 100.0;
/// How far private values lie from it, as a share of [`MAX_GOOD_VALUE`] (`deviation`).
const DEVIATION: f64 = 0.5;
/// How much more a bundle is worth than its parts (`additivity`).
const ADDITIVITY: f64 = 0.2;
/// The probability of one more good (`additional_location`, `additional_good`).
const ADDITIONAL: f64 = 0.9;
/// What a bidder can pay at most for a substitute, over the value of its first bundle.
const BUDGET_FACTOR: f64 = 1.5;
/// What a substitute is worth to others at least, over the first bundle.
const RESALE_FACTOR: f64 = 0.5;
/// How many substitutes a bidder names (`max_substitutable_bids`).
const MAX_SUBSTITUTES: usize = 5;

/// Goods and how close they are.
#[derive(Debug)]
pub(super) struct Relations {
    /// Of each good, the goods it is related to, and how strongly.
    pub(super) near: Vec<Vec<(usize, f64)>>,
    /// The probability of an unrelated good instead.
    pub(super) jump: f64,
}

/// What one bidder thinks of the goods.
struct Bidder<'a> {
    relations: &'a Relations,
    /// What each good is worth to everybody.
    common: &'a [f64],
    /// What it is worth to this bidder beyond that.
    private: Vec<f64>,
    /// How much this bidder is drawn to each good (`p_n`).
    taste: Vec<f64>,
}

/// Adds bidders until there are enough bids.
pub(super) fn fill(dice: &mut Dice, relations: &Relations, ledger: &mut Ledger) {
    let goods = relations.near.len();
    let common: Vec<f64> = (0..goods).map(|_| dice.real(1.0, MAX_GOOD_VALUE)).collect();
    while !ledger.is_full() {
        let bidder = Bidder::new(dice, relations, &common);
        if let Some(bundles) = bidder.alternatives(dice) {
            ledger.alternatives(bundles);
        }
    }
}

impl<'a> Bidder<'a> {
    fn new(dice: &mut Dice, relations: &'a Relations, common: &'a [f64]) -> Self {
        let most = DEVIATION * MAX_GOOD_VALUE;
        let private: Vec<f64> = common.iter().map(|_| dice.real(-most, most)).collect();
        let taste = private.iter().map(|value| (value + most) / (2.0 * most)).collect();
        Self { relations, common, private, taste }
    }

    /// The first bundle and its substitutes with their prices; none if it is worth nothing to it.
    fn alternatives(&self, dice: &mut Dice) -> Option<Vec<(Vec<usize>, f64)>> {
        let first = dice.weighted(&self.taste)?;
        let mut bundle = Bundle::new(self, first);
        while dice.chance(ADDITIONAL) && bundle.grow(dice) {}
        let value = self.value(&bundle.goods);
        if value <= 0.0 {
            return None;
        }
        let resale = RESALE_FACTOR * self.resale(&bundle.goods);
        let mut substitutes = Vec::new();
        for seed in &bundle.goods {
            let mut other = Bundle::new(self, *seed);
            while other.goods.len() < bundle.goods.len() && other.grow(dice) {}
            let price = self.value(&other.goods);
            let affordable = (0.0..=BUDGET_FACTOR * value).contains(&price);
            if affordable && self.resale(&other.goods) >= resale {
                substitutes.push((other.goods, price));
            }
        }
        substitutes.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        substitutes.truncate(MAX_SUBSTITUTES);
        substitutes.push((bundle.goods, value));
        Some(substitutes)
    }

    fn value(&self, goods: &[usize]) -> f64 {
        let parts: f64 = goods.iter().map(|good| self.common[*good] + self.private[*good]).sum();
        parts + (goods.len() as f64).powf(1.0 + ADDITIVITY)
    }

    fn resale(&self, goods: &[usize]) -> f64 {
        goods.iter().map(|good| self.common[*good]).sum()
    }
}

/// A bundle in the making.
struct Bundle<'a> {
    bidder: &'a Bidder<'a>,
    goods: Vec<usize>,
    inside: Vec<bool>,
    /// How strongly each good is related to the goods inside, times the bidder's taste for it.
    pull: Vec<f64>,
}

impl<'a> Bundle<'a> {
    fn new(bidder: &'a Bidder<'a>, first: usize) -> Self {
        let count = bidder.common.len();
        let mut bundle =
            Self { bidder, goods: Vec::new(), inside: vec![false; count], pull: vec![0.0; count] };
        bundle.add(first);
        bundle
    }

    fn add(&mut self, good: usize) {
        self.goods.push(good);
        self.inside[good] = true;
        self.pull[good] = 0.0;
        for (other, strength) in &self.bidder.relations.near[good] {
            if !self.inside[*other] {
                self.pull[*other] += strength * self.bidder.taste[*other];
            }
        }
    }

    /// `Add_Good_to_Bundle`; false if there is no other good.
    fn grow(&mut self, dice: &mut Dice) -> bool {
        let jump = dice.chance(self.bidder.relations.jump);
        let related = if jump { None } else { dice.weighted(&self.pull) };
        let next = related.or_else(|| {
            let outside: Vec<usize> =
                (0..self.inside.len()).filter(|good| !self.inside[*good]).collect();
            let last = outside.len().checked_sub(1)?;
            Some(outside[dice.int(0, last)])
        });
        next.is_some_and(|good| {
            self.add(good);
            true
        })
    }
}
