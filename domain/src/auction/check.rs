//! Whether one bid keeps the rules (design A2), and what it scores (A1).

use super::{Cut, DropReason, Standings};
use crate::{Amount, Bid};

/// The score of a bid that keeps every rule by itself, in numéraire atoms.
///
/// # Errors
/// The first rule it breaks, in a fixed order.
pub fn check(_cut: &Cut, _bid: &Bid, _standings: &Standings) -> Result<Amount, DropReason> {
    Err(DropReason::LeftOut)
}
