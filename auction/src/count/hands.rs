//! Who counts which auction: each is in one task's hands at most, a few at once, and one that failed
//! rests for a while, longer each time.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use domain::AuctionId;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};

/// Auctions being counted at once.
const AT_ONCE: usize = 4;
/// How long an auction rests after it failed: doubled with each further time, up to the last.
const REST: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(300)];

/// Everything that is being counted, or failed to be.
#[derive(Debug)]
pub(super) struct Hands {
    permits: Arc<Semaphore>,
    known: Mutex<BTreeMap<AuctionId, State>>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// In a task's hands, after it failed that often.
    Held { failed: u32 },
    /// It failed; nobody takes it before.
    Resting { failed: u32, until: Instant },
}

impl Default for Hands {
    fn default() -> Self {
        Self { permits: Arc::new(Semaphore::new(AT_ONCE)), known: Mutex::default() }
    }
}

impl Hands {
    /// Takes an auction into hand; `None` if another task has it, or if it rests.
    pub(super) fn claim(self: &Arc<Self>, auction: AuctionId) -> Option<Claim> {
        self.claim_at(auction, Instant::now())
    }

    fn claim_at(self: &Arc<Self>, auction: AuctionId, now: Instant) -> Option<Claim> {
        let mut known = self.known();
        let failed = match known.get(&auction) {
            None => 0,
            Some(State::Held { .. }) => return None,
            Some(State::Resting { until, .. }) if now < *until => return None,
            Some(State::Resting { failed, .. }) => *failed,
        };
        known.insert(auction, State::Held { failed });
        Some(Claim { hands: Arc::clone(self), auction })
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<AuctionId, State>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An auction in hand. Let go without being done, also by a task that dies, it rests.
#[derive(Debug)]
pub(super) struct Claim {
    hands: Arc<Hands>,
    auction: AuctionId,
}

impl Claim {
    pub(super) const fn auction(&self) -> AuctionId {
        self.auction
    }

    /// Waits for its turn.
    pub(super) async fn permit(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.hands.permits).acquire_owned().await.ok()
    }

    /// It is counted.
    pub(super) fn done(self) {
        self.hands.known().remove(&self.auction);
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut known = self.hands.known();
        // gone if it is done
        let Some(State::Held { failed }) = known.get(&self.auction).copied() else { return };
        let [first, last] = REST;
        let rest = first.saturating_mul(1_u32 << failed.min(16)).min(last);
        let failed = failed.saturating_add(1);
        known.insert(self.auction, State::Resting { failed, until: Instant::now() + rest });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AUCTION: AuctionId = AuctionId::new(7);

    #[test]
    fn an_auction_is_in_one_hand_only_and_free_again_when_it_is_done() {
        let hands = Arc::new(Hands::default());
        let claim = hands.claim(AUCTION).unwrap();
        assert!(hands.claim(AUCTION).is_none());
        claim.done();
        assert!(hands.claim(AUCTION).is_some());
    }

    #[tokio::test]
    async fn an_auction_whose_task_died_is_taken_up_again_after_a_rest_that_grows() {
        let hands = Arc::new(Hands::default());
        let mut now = Instant::now();
        for rest in [1, 2, 4] {
            let claim = hands.claim_at(AUCTION, now).unwrap();
            let task = tokio::spawn(async move {
                let _held = claim;
                panic!("died");
            });
            task.await.unwrap_err();
            now = Instant::now();
            assert!(hands.claim_at(AUCTION, now).is_none(), "not at once");
            now += Duration::from_secs(rest);
        }
        assert!(hands.claim_at(AUCTION, now).is_some());
    }
}
