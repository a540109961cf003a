//! When a recorded block was the newest one.

use domain::event::BlockRef;
use infra::chain::ChainError;

use super::{
    super::{fault::Fault, node::patiently},
    Witness,
};

/// Blocks that a node may be behind when an auction opens.
const BEHIND: u64 = 8;

impl Witness<'_> {
    /// Who may choose the block chooses what the registry says: it must have been the newest one
    /// between the opening and the last second in which the auction could settle. A leader that
    /// takes over later than that asks later: then nothing settles, and it is told.
    pub(super) async fn outside(&mut self, block: BlockRef) -> Result<Option<Fault>, ChainError> {
        if let Some(grounds) = self.grounds() {
            let block = grounds.block.number;
            let in_time = grounds.in_time(&self.record.opening.params);
            return Ok((!in_time).then_some(Fault::GroundsOutside { block }));
        }
        let opening = &self.record.opening;
        let behind = u64::from(opening.params.seconds_per_block).saturating_mul(BEHIND);
        let from = (opening.opened_at_ms / 1_000).saturating_sub(behind);
        let to = opening.params.latest_settlement_s(opening.closes_at_ms);
        let fault = Fault::BlockOutside { block: block.number };
        let header = patiently(|| self.chain.block_by_hash(block.hash)).await?;
        let Some(at) = header.map(|header| header.timestamp) else { return Ok(None) };
        let number = block.number.saturating_add(1);
        let next = patiently(|| self.chain.block_by_number(number)).await?;
        let until = next.map(|next| next.timestamp);
        Ok(match placed((at, until), (from, to)) {
            Placed::Within => None,
            Placed::Later if !self.revealed => {
                let number = block.number;
                self.tell(format!("block {number} is later than any settlement could be"));
                None
            }
            Placed::Before | Placed::Later => Some(fault),
        })
    }
}

/// A block's place in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::audit) enum Placed {
    /// It was not the newest block any more.
    Before,
    Within,
    Later,
}

/// Where a block that was the newest one from `at` on, `until` the next one, lies to the seconds
/// `from` and `to`.
pub(in crate::audit) fn placed((at, until): (u64, Option<u64>), (from, to): (u64, u64)) -> Placed {
    match until {
        _ if at > to => Placed::Later,
        Some(until) if until < from => Placed::Before,
        Some(_) | None => Placed::Within,
    }
}
