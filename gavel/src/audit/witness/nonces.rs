//! Nonces that count as used before the chain shows it.

use alloy_primitives::Address;
use domain::{Amount, AuctionId, event::BlockRef};
use infra::chain::ChainError;

use super::{
    super::{elsewhere::Shown, fault::Fault, node::patiently},
    Witness,
};

impl Witness<'_> {
    /// Who may say which nonces are in flight may keep a bid from winning: each was signed for another
    /// bid of the same solver, which won in the auction that is named and could still settle after
    /// `block`. Where that auction is sealed yet, or no record of it at hand, it is told.
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
        let mut sealed = 0usize;
        for (solver, nonce, auction) in claims {
            let mut bids = self.attempt.bids.iter().map(|bid| bid.signed.bid.terms());
            if !bids.any(|terms| (terms.solver, terms.nonce) == (solver, nonce)) {
                return Ok(Some(Fault::Standings));
            }
            let free = Fault::NonceFree { solver, nonce, auction };
            if !self.is_before(auction) {
                return Ok(Some(free));
            }
            match self.elsewhere.shows(auction, solver, nonce) {
                Shown::Until(last_s) if last_s >= at_s => {}
                Shown::Until(_) | Shown::Free => return Ok(Some(free)),
                Shown::Nothing => sealed += 1,
            }
        }
        if sealed > 0 {
            self.tell(format!("{sealed} nonces in flight (no public record of who uses them)"));
        }
        Ok(None)
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
