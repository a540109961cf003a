//! Section 4.1: cities in a plane and links between them; a shipper bids for any of the cheapest
//! ways between two cities. Links are the goods.

use std::{cmp::Ordering, collections::BinaryHeap};

use super::{Dice, Ledger};

/// Links of each city to its nearest ones at first (`initial_connections`).
const INITIAL_CONNECTIONS: usize = 2;
/// How much more a new link costs than one that is there (`building_penalty`).
const BUILDING_PENALTY: f64 = 1.7;
/// What a way may cost at most, over the straight line (`shipping_cost_factor`).
const SHIPPING_COST: f64 = 1.5;
/// Ways a shipper bids for at most (`max_bid_set_size`).
const MAX_WAYS: usize = 5;
/// Cities for every eight goods. The paper leaves it open; with fewer there is no use for as many
/// links, since a new one is built only where the ways there are go far out of the way.
const CITIES_PER_EIGHT: usize = 5;
/// Partial ways looked at for one shipper: in a dense part of the map there is no end of them.
const PATIENCE: usize = 2_000;

pub(super) fn fill(dice: &mut Dice, goods: usize, ledger: &mut Ledger) {
    let network = Network::drawn(dice, goods);
    let last = network.cities.len() - 1;
    while !ledger.is_full() {
        let (from, to) = (dice.int(0, last), dice.int(0, last));
        let straight = network.distance(from, to);
        let budget = straight * dice.real(1.0, SHIPPING_COST);
        if from != to {
            let ways = network.ways(from, to, budget).into_iter();
            ledger.alternatives(ways.map(|(links, cost)| (links, budget - cost)).collect());
        }
    }
}

struct Network {
    cities: Vec<(f64, f64)>,
    /// Of each city, the cities it is linked with, and the link's number.
    links: Vec<Vec<(usize, usize)>>,
    count: usize,
}

impl Network {
    /// Links every city with its nearest ones; then the cheapest way between two cities, on links
    /// that are there or, dearer, on new ones, is built, until there are links enough.
    fn drawn(dice: &mut Dice, goods: usize) -> Self {
        let cities: Vec<(f64, f64)> = (0..goods * CITIES_PER_EIGHT / 8)
            .map(|_| (dice.real(0.0, 1.0), dice.real(0.0, 1.0)))
            .collect();
        let links = vec![Vec::new(); cities.len()];
        let mut network = Self { cities, links, count: 0 };
        for city in 0..network.cities.len() {
            let mut others: Vec<usize> =
                (0..network.cities.len()).filter(|other| *other != city).collect();
            others
                .sort_by(|a, b| network.distance(city, *a).total_cmp(&network.distance(city, *b)));
            for other in others.into_iter().take(INITIAL_CONNECTIONS) {
                network.link(city, other);
            }
        }
        let last = network.cities.len() - 1;
        let mut idle = 0;
        while network.count < goods && idle < network.cities.len() {
            let (from, to) = (dice.int(0, last), dice.int(0, last));
            let (before, links) = (network.costs(to, true), network.count);
            let mut at = from;
            while at != to && network.count < goods {
                let next = before[at].1;
                network.link(at, next);
                at = next;
            }
            idle = if network.count == links { idle + 1 } else { 0 };
        }
        network
    }

    fn link(&mut self, one: usize, other: usize) {
        if one != other && !self.links[one].iter().any(|(city, _)| *city == other) {
            self.links[one].push((other, self.count));
            self.links[other].push((one, self.count));
            self.count += 1;
        }
    }

    fn distance(&self, one: usize, other: usize) -> f64 {
        let (a, b) = (self.cities[one], self.cities[other]);
        (a.0 - b.0).hypot(a.1 - b.1)
    }

    /// What the cheapest way to `to` costs from every city, and its first step (Dijkstra).
    fn costs(&self, to: usize, build: bool) -> Vec<(f64, usize)> {
        let count = self.cities.len();
        let mut costs = vec![(f64::INFINITY, to); count];
        let mut done = vec![false; count];
        costs[to].0 = 0.0;
        loop {
            let open = (0..count).filter(|city| !done[*city] && costs[*city].0.is_finite());
            let Some(city) = open.min_by(|a, b| costs[*a].0.total_cmp(&costs[*b].0)) else { break };
            done[city] = true;
            let mut offer = |other: usize, length: f64| {
                let cost = costs[city].0 + length;
                if cost < costs[other].0 {
                    costs[other] = (cost, city);
                }
            };
            for (other, _) in &self.links[city] {
                offer(*other, self.distance(city, *other));
            }
            if build {
                for other in (0..count).filter(|other| *other != city) {
                    offer(other, self.distance(city, other) * BUILDING_PENALTY);
                }
            }
        }
        costs
    }

    /// The cheapest ways within the budget: their links and what they cost. Partial ways are
    /// extended in the order of what they cost with the cheapest completion (A*).
    fn ways(&self, from: usize, to: usize, budget: f64) -> Vec<(Vec<usize>, f64)> {
        let rest = self.costs(to, false);
        let start = Way { total: rest[from].0, cost: 0.0, cities: vec![from], links: Vec::new() };
        let mut open = BinaryHeap::from([start]);
        let mut found = Vec::new();
        for _ in 0..PATIENCE {
            let Some(way) = open.pop().filter(|way| way.total < budget) else { break };
            let at = way.cities[way.cities.len() - 1];
            if at == to {
                found.push((way.links, way.cost));
                if found.len() == MAX_WAYS {
                    break;
                }
                continue;
            }
            for (next, link) in &self.links[at] {
                let cost = way.cost + self.distance(at, *next);
                let total = cost + rest[*next].0;
                if total < budget && !way.cities.contains(next) {
                    let mut longer = Way { total, cost, ..way.clone() };
                    longer.cities.push(*next);
                    longer.links.push(*link);
                    open.push(longer);
                }
            }
        }
        found
    }
}

/// A way from a city, perhaps not yet at its end.
#[derive(Clone)]
struct Way {
    /// Its cost and that of the cheapest completion.
    total: f64,
    cost: f64,
    cities: Vec<usize>,
    links: Vec<usize>,
}

impl Ord for Way {
    /// The cheapest is the greatest: a heap hands out the greatest first.
    fn cmp(&self, other: &Self) -> Ordering {
        other.total.total_cmp(&self.total).then_with(|| other.cities.cmp(&self.cities))
    }
}

impl PartialOrd for Way {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Way {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Way {}
