//! Section 4.4: slots at the four coordinated airports of the United States; a bid is a take-off
//! at one and a landing at another that leaves time for the flight.

use super::{Dice, Ledger};

/// What a slot is worth at most (`max_airport_value`).
const MAX_AIRPORT_VALUE: f64 = 5.0;
/// Slots the longest flight takes (`longest_flight_length`).
const LONGEST_FLIGHT: f64 = 10.0;
/// How far airlines differ in what a flight is worth to them (`deviation`).
const DEVIATION: f64 = 0.5;
/// How much earlier and later than wanted a flight may start, and how much later it may land.
const EARLY_TAKEOFF: usize = 1;
const LATE_TAKEOFF: usize = 2;
const LATE_LANDING: usize = 2;
/// What is left of the value for each slot in the air too long, and for each slot too late.
const DELAY: f64 = 0.9;
const LATE: f64 = 0.75;

/// Longitude and latitude in degrees: O'Hare, Reagan National, Kennedy, La Guardia.
const AIRPORTS: [(f64, f64); 4] =
    [(-87.75, 41.98), (-77.03, 38.85), (-73.78, 40.65), (-73.87, 40.77)];
/// Between which there are flights: all but those within New York.
const ROUTES: [(usize, usize); 5] = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3)];

pub(super) fn fill(dice: &mut Dice, goods: usize, ledger: &mut Ledger) {
    let slots = goods / AIRPORTS.len();
    let values = AIRPORTS.map(|_| dice.real(0.0, MAX_AIRPORT_VALUE));
    let longest = ROUTES.iter().map(|route| distance(*route)).fold(0.0, f64::max);
    while !ledger.is_full() {
        let route = ROUTES[dice.int(0, ROUTES.len() - 1)];
        let (from, to) = if dice.chance(0.5) { route } else { (route.1, route.0) };
        let flight = (LONGEST_FLIGHT * distance(route) / longest).round().max(1.0) as usize;
        let wanted = dice.int(0, slots - flight - 1);
        let factor = dice.real(1.0 - DEVIATION, 1.0 + DEVIATION);
        let mut bids = Vec::new();
        for takeoff in wanted.saturating_sub(EARLY_TAKEOFF)..=(wanted + LATE_TAKEOFF).min(slots - 1)
        {
            let last = (wanted + flight + LATE_LANDING).min(slots - 1);
            for landing in takeoff + flight..=last {
                let delay = (landing - takeoff - flight) as f64;
                let late = landing.saturating_sub(wanted + flight) as f64;
                let worth = (values[from] + values[to]) * factor;
                let price = worth * DELAY.powf(delay) * LATE.powf(late);
                bids.push((vec![from * slots + takeoff, to * slots + landing], price));
            }
        }
        ledger.alternatives(bids);
    }
}

fn distance((from, to): (usize, usize)) -> f64 {
    let ((a, b), (c, d)) = (AIRPORTS[from], AIRPORTS[to]);
    (a - c).hypot(b - d)
}
