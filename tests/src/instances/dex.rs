//! A market as exchanges see it: few pairs have most of the trades, most bids fill one intent, and a
//! bid that fills several together gives a few per cent more than its parts.

use super::{Instance, Numbers, Zipf};

/// Solvers that bid in the largest open market of this kind.
const SOLVERS: usize = 23;

/// An auction of `bids` bids.
///
/// - There are three bids for every intent; the intents' pairs follow Zipf's law, their values are
///   spread over two orders of magnitude.
/// - Two thirds of the bids fill one intent. The others fill two to four: the first by Zipf's law
///   over pairs, the others of the same pair or, every other time, of another.
/// - What a solver can give for an intent is 90 to 100 % of its value; together 1 to 6 % more.
/// - 23 solvers at most, as the largest open market has them; fewer than three bids for each are
///   not made.
#[must_use]
pub fn instance(seed: u64, bids: usize) -> Instance {
    let mut numbers = Numbers::new(seed ^ ((bids as u64) << 32));
    let intents = (bids / 3).max(4);
    let pairs = (intents / 8).clamp(3, 200);
    let zipf = Zipf::new(pairs);
    let mut of_pair = vec![Vec::new(); pairs];
    let mut values = Vec::with_capacity(intents);
    for intent in 0..intents {
        of_pair[zipf.next(&mut numbers)].push(intent);
        let magnitude = numbers.below(7);
        values.push((1_000_000 << magnitude) + numbers.below(1_000_000 << magnitude));
    }
    of_pair.retain(|mine| !mine.is_empty());
    let zipf = Zipf::new(of_pair.len());
    let solvers = (bids / 3).clamp(1, SOLVERS);
    let mut weights = Vec::with_capacity(bids);
    let mut of_bid = Vec::with_capacity(bids);
    let mut by = Vec::with_capacity(bids);
    for _ in 0..bids {
        let several = numbers.below(3) == 0;
        let count = if several { 2 + numbers.below(3) } else { 1 };
        let pair = zipf.next(&mut numbers);
        let mut mine: Vec<usize> = Vec::new();
        for n in 0..count {
            let pair = if n % 2 == 0 { pair } else { zipf.next(&mut numbers) };
            let intent = of_pair[pair][numbers.below(of_pair[pair].len() as u64) as usize];
            if !mine.contains(&intent) {
                mine.push(intent);
            }
        }
        let given = |intent: &usize, numbers: &mut Numbers| {
            values[*intent] / 1_000 * (900 + numbers.below(100))
        };
        let parts: u64 = mine.iter().map(|intent| given(intent, &mut numbers)).sum();
        let more = if mine.len() > 1 { 10 + numbers.below(50) } else { 0 };
        weights.push(parts / 1_000 * (1_000 + more));
        of_bid.push(mine);
        by.push(numbers.below(solvers as u64) as u32);
    }
    Instance::packing(weights, by, &of_bid)
}
