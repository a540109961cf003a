//! Nonces that count as used before the chain shows it.

use alloy_primitives::Address;
use domain::{Amount, AuctionId, event::BlockRef};
use infra::chain::{ChainError, abi};

use super::{
    super::{
        elsewhere::{Part, Use},
        fault::Fault,
        node::{Asked, if_kept, is_canonical, patiently},
    },
    Witness,
};

/// What another auction's record shows of a nonce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    /// It is not public, or not at hand.
    Nothing,
    /// No winner was to use it, or none could any more.
    Free,
    /// A winner was to use it whose key nobody can vouch for now.
    Unvouched,
    /// No winner was to use it, but a second attempt that was taken back may have had one.
    Perhaps,
    /// A winner was to use it.
    Used,
}

impl Witness<'_> {
    /// Who may say which nonces are in flight may keep a bid from winning: each was signed for another
    /// bid of the same solver, which won in the auction that is named and could still settle after
    /// `block`. What cannot be told is said: where that auction is sealed yet, or no record of it at
    /// hand, whose key signed there, and what became of an attempt that a reorg took back.
    pub(super) async fn nonces_in_flight(
        &mut self,
        block: BlockRef,
    ) -> Result<Option<Fault>, ChainError> {
        let claims = self.claims();
        if claims.is_empty() {
            return Ok(None);
        }
        let header = patiently(|| self.chain.block_by_hash(block.hash)).await?;
        let Some(at_s) = header.map(|header| header.timestamp) else { return Ok(None) };
        let (mut sealed, mut unvouched, mut perhaps) = (0usize, 0usize, 0usize);
        for (solver, nonce, auction) in claims {
            let mut bids = self.attempt.bids.iter().map(|bid| bid.signed.bid.terms());
            if !bids.any(|terms| (terms.solver, terms.nonce) == (solver, nonce)) {
                return Ok(Some(Fault::Standings));
            }
            let free = Fault::NonceFree { solver, nonce, auction };
            if !self.is_before(auction) {
                return Ok(Some(free));
            }
            match self.shown(auction, (solver, nonce), at_s).await? {
                Shown::Used => {}
                Shown::Free => return Ok(Some(free)),
                Shown::Nothing => sealed += 1,
                Shown::Unvouched => unvouched += 1,
                Shown::Perhaps => perhaps += 1,
            }
        }
        for (count, why) in [
            (sealed, "no public record of who uses them"),
            (unvouched, "who signed for the solver there cannot be asked"),
            (perhaps, "of bids that lost, unless a second attempt was taken back"),
        ] {
            if count > 0 {
                self.tell(format!("{count} nonces in flight ({why})"));
            }
        }
        Ok(None)
    }

    /// What the record of `auction` shows of a nonce at `at_s` (Unix seconds). A bid counts if it was
    /// signed for that auction by who may sign for the solver, whatever else that record says.
    async fn shown(
        &self,
        auction: AuctionId,
        nonce: (Address, Amount),
        at_s: u64,
    ) -> Result<Shown, ChainError> {
        let Some(uses) = self.elsewhere.uses(auction, nonce) else { return Ok(Shown::Nothing) };
        let mut shown = Shown::Free;
        for found in uses {
            let terms = found.signed.bid.terms();
            if terms.auction_id != auction || u64::from(terms.valid_until) < at_s {
                continue;
            }
            match (self.signed(found).await?, found.part) {
                (Some(false), _) => {}
                (Some(true), Part::Won) => return Ok(Shown::Used),
                (None, Part::Won) => shown = Shown::Unvouched,
                (_, Part::MayHaveWon) if shown == Shown::Free => shown = Shown::Perhaps,
                (_, Part::MayHaveWon) => {}
            }
        }
        Ok(shown)
    }

    /// Whether a bid of another auction is signed by its solver, or by a key that signed for it when
    /// that auction asked; `None` if nobody can say any more.
    async fn signed(&self, found: &Use) -> Asked<bool> {
        let (bid, solver) = (&found.signed.bid, found.signed.bid.terms().solver);
        let digest = bid.id(self.chain.domain()).get();
        let Ok(key) = found.signed.signature.recover(digest) else { return Ok(Some(false)) };
        if key == solver {
            return Ok(Some(true));
        }
        let Some(block) = found.block else { return Ok(None) };
        if !is_canonical(self.chain, block).await? {
            return Ok(None);
        }
        // as everywhere, a node may have answered from one block later
        for at in [Some(block), self.next(block).await?].into_iter().flatten() {
            let call = abi::solverOfKeyCall { key };
            let ask = || self.chain.view(self.chain.settlement(), &call, at.hash.into());
            match if_kept(ask).await {
                Ok(None) => return Ok(None),
                Ok(Some(of)) if of == solver => return Ok(Some(true)),
                // at a block without our contract nobody signs for anybody
                Ok(Some(_)) | Err(ChainError::BadAnswer(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Some(false))
    }

    fn claims(&self) -> Vec<(Address, Amount, AuctionId)> {
        let mut claims = Vec::new();
        for (solver, standing) in &self.attempt.standings.solvers {
            let named = standing.nonces_in_flight.iter();
            claims.extend(named.map(|(nonce, auction)| (*solver, *nonce, *auction)));
        }
        claims
    }

    /// Whether `auction` may have been decided when this was: those before it were. The ones after it
    /// may have been when its second attempt was.
    fn is_before(&self, auction: AuctionId) -> bool {
        let this = self.record.opening.auction_id;
        auction < this || (self.attempt.number > 1 && auction > this)
    }
}
