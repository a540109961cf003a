//! Larger cliques: an item that excludes every item of a clique belongs into it, whatever excludes
//! it. The rows stay true, and the bounds of prices become tighter: three bids that share an intent
//! in pairs have no row in common, and only one of them can win.

use super::core::Core;

/// Rows of more items are left as they are, and what excludes by them is not looked at. Where still
/// too much would have to be looked at, nothing is; and rows whose turn comes after so many looks
/// stay as they are: bounds on the work, whatever the bids.
const WIDEST: usize = 64;
const MOST: usize = 1 << 21;

/// Items to add to each row.
pub(super) fn lifted(core: &Core) -> Vec<Vec<u32>> {
    let mut more = vec![Vec::new(); core.rows.len()];
    let narrow = (0..core.rows.len() as u32).filter(|row| is_narrow(core, *row));
    if narrow.map(|row| core.parts(row).len().pow(2)).sum::<usize>() > MOST {
        return more;
    }
    let neighbours: Vec<Vec<u32>> =
        (0..core.len() as u32).map(|item| neighbours(core, item)).collect();
    let mut looks = 0;
    for row in 0..core.rows.len() as u32 {
        let parts = core.parts(row);
        if !is_narrow(core, row) || looks > MOST {
            continue;
        }
        let fewest =
            parts.iter().map(|part| part.item).min_by_key(|item| neighbours[*item as usize].len());
        let Some(fewest) = fewest else { continue };
        for candidate in &neighbours[fewest as usize] {
            let near = &neighbours[*candidate as usize];
            let mut meets = |item: u32| {
                looks += 1;
                near.binary_search(&item).is_ok()
            };
            if parts.iter().all(|part| part.item != *candidate && meets(part.item))
                && more[row as usize].iter().all(|item| meets(*item))
            {
                more[row as usize].push(*candidate);
            }
        }
    }
    more
}

fn is_narrow(core: &Core, row: u32) -> bool {
    core.is_clique(row) && core.parts(row).len() <= WIDEST
}

/// The other items of an item's cliques, ascending.
fn neighbours(core: &Core, item: u32) -> Vec<u32> {
    let mut found = Vec::new();
    for part in core.uses(item) {
        if is_narrow(core, part.row) {
            found.extend(
                core.parts(part.row).iter().map(|part| part.item).filter(|other| *other != item),
            );
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}
