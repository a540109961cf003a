//! Section 4.3: any two goods are related, each pair by a strength drawn at random.

use super::{Dice, Ledger, bundle};

pub(super) fn fill(dice: &mut Dice, goods: usize, ledger: &mut Ledger) {
    let mut near = vec![Vec::with_capacity(goods); goods];
    for one in 0..goods {
        for other in one + 1..goods {
            let strength = dice.real(0.0, 1.0);
            near[one].push((other, strength));
            near[other].push((one, strength));
        }
    }
    bundle::fill(dice, &bundle::Relations { near, jump: 0.0 }, ledger);
}
