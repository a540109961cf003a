//! What only a node can repeat: funds, keys and fillers, signatures of contracts, simulations; each
//! at the block that is recorded.
//!
//! A node that answers while the next block arrives may answer from that one already. So what does
//! not come out at the recorded block is asked again one block later, and told if it holds there:
//! nobody gains by one block, and a lie holds at neither.

mod funds;
mod keys;
mod moment;
mod nonces;
mod simulations;

use domain::{
    BidId,
    auction::{Contents, DropReason, LeftOut, PublicRecord, Ruling, Verdict},
    event::BlockRef,
};
use infra::chain::{Chain, ChainError};

use super::{
    attempt::Attempt,
    elsewhere::Elsewhere,
    fault::Fault,
    node::{is_canonical, patiently},
};

#[cfg(test)]
pub(super) use {
    moment::{Placed, placed},
    simulations::differs,
};

/// The part of an audit that needs a node, for one of an auction's decisions.
pub(super) struct Witness<'a> {
    pub(super) chain: &'a Chain,
    pub(super) record: &'a PublicRecord,
    pub(super) contents: &'a Contents,
    pub(super) attempt: Attempt<'a>,
    /// Whether its winners were revealed.
    pub(super) revealed: bool,
    /// What the auctions that the record names show.
    pub(super) elsewhere: &'a Elsewhere,
    /// What cannot be repeated is told here.
    pub(super) unchecked: &'a mut Vec<String>,
}

impl Witness<'_> {
    /// All of it; `Ok(Some(_))` is the first difference.
    pub(super) async fn check(&mut self) -> Result<Option<Fault>, ChainError> {
        if let Some(fault) = self.funds().await? {
            return Ok(Some(fault));
        }
        if self.attempt.number == 1 {
            self.signatures().await?;
        }
        if let Some(fault) = self.standings().await? {
            return Ok(Some(fault));
        }
        if let Some(fault) = self.left_out() {
            return Ok(Some(fault));
        }
        self.simulations().await
    }

    /// Says what is not checked.
    fn tell(&mut self, what: String) {
        self.unchecked.push(match self.attempt.number {
            1 => what,
            number => format!("of attempt {number} {what}"),
        });
    }

    /// Whether a recorded block is on the node's chain; told if it is not.
    async fn on_chain(&mut self, block: BlockRef, what: &str) -> Result<bool, ChainError> {
        let known = is_canonical(self.chain, block).await?;
        if !known {
            let BlockRef { number, hash } = block;
            self.tell(format!("{what} (block {number} {hash} is not on this chain now)"));
        }
        Ok(known)
    }

    /// The block after a recorded one.
    async fn next(&self, block: BlockRef) -> Result<Option<BlockRef>, ChainError> {
        let number = block.number.saturating_add(1);
        let next = patiently(|| self.chain.block_by_number(number)).await?;
        Ok(next.map(|next| next.at))
    }

    fn no_state(&mut self, what: &str, block: BlockRef) {
        self.tell(format!("{what} (no state of block {})", block.number));
    }

    fn a_block_later(&mut self, what: &str, block: BlockRef) {
        self.tell(format!("{what} hold only one block after block {}", block.number));
    }

    fn left_out_for(&self, because: LeftOut) -> impl Iterator<Item = BidId> + '_ {
        let wanted = Ruling::Dropped(DropReason::LeftOut { because });
        let mine = move |verdict: &&Verdict| verdict.ruling == wanted;
        self.attempt.verdicts.iter().filter(mine).map(|verdict| verdict.bid)
    }
}
