//! The settlers: several keys, each with lanes and nonces of its own, and which of them takes the
//! next row. One that cannot pay or has no lane is passed over while others can.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use alloy::primitives::{Address, U256};
use infra::pg::settlement as store;
use tokio::sync::Mutex;

use crate::{error::SettlementError, key::SettlerKey, observe::Picture, worker::Worker};

/// One key at work.
#[derive(Debug)]
pub(crate) struct Settler {
    pub(crate) key: Arc<dyn SettlerKey>,
    pub(crate) address: Address,
    /// Held while a nonce is taken, so that the tasks of this process do not race for it.
    pub(crate) turn: Mutex<()>,
    /// Whether it could take a row when it was last asked to.
    able: AtomicBool,
}

/// Why a settler is passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unable {
    /// It cannot pay for a commit and its reveal.
    Dry,
    /// Each of its lanes is closed or holds a commitment.
    NoLane,
}

impl Unable {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Dry => "no funds",
            Self::NoLane => "no free lane",
        }
    }
}

/// All keys of this process, in the order in which they are configured.
#[derive(Debug)]
pub(crate) struct Settlers(Vec<Settler>);

type Busy = BTreeMap<Address, BTreeSet<u64>>;

impl Settlers {
    pub(crate) fn new(keys: Vec<Arc<dyn SettlerKey>>) -> Self {
        let settler = |key: Arc<dyn SettlerKey>| {
            let (address, turn) = (key.address(), Mutex::new(()));
            Settler { key, address, turn, able: AtomicBool::new(true) }
        };
        Self(keys.into_iter().map(settler).collect())
    }

    pub(crate) fn addresses(&self) -> Vec<Address> {
        self.0.iter().map(|settler| settler.address).collect()
    }

    /// The settler with this address, if its key is here.
    pub(crate) fn of(&self, address: Address) -> Option<&Settler> {
        self.0.iter().find(|settler| settler.address == address)
    }

    pub(crate) const fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Settler> {
        self.0.iter()
    }

    /// Those with the fewest lanes in use first, else in their order.
    fn by_load(&self, busy: &Busy) -> Vec<&Settler> {
        let mut settlers: Vec<&Settler> = self.0.iter().collect();
        settlers.sort_by_key(|settler| busy.get(&settler.address).map_or(0, BTreeSet::len));
        settlers
    }
}

impl Settler {
    /// Whether it could take a row when it was last asked to.
    pub(crate) fn able(&self) -> bool {
        self.able.load(Ordering::Relaxed)
    }

    /// A change is told once; every time it is passed over is counted.
    fn is_able(&self) {
        if !self.able.swap(true, Ordering::Relaxed) {
            tracing::info!(settler = %self.address, "the settler takes settlements again");
        }
    }

    fn is_unable(&self, why: Unable) {
        let reason = why.as_str();
        metrics::counter!("gavel_settlement_settler_passed_over_total", "reason" => reason)
            .increment(1);
        // lanes in use are what they are for
        if why == Unable::Dry && self.able.swap(false, Ordering::Relaxed) {
            tracing::error!(settler = %self.address, reason, "the settler is passed over");
        }
    }
}

impl Worker {
    /// A settler that can pay `cost` (wei), and a lane of its that is open on chain and that
    /// nobody's commitment holds.
    pub(crate) async fn free_place(
        &self,
        picture: &Picture,
        cost: U256,
    ) -> Result<(&Settler, u64), SettlementError> {
        let busy = {
            let mut conn = self.pool.acquire().await?;
            store::busy_lanes(&mut conn, &self.settlers.addresses()).await?
        };
        let mut dry = None;
        let mut rich = false;
        for settler in self.settlers.by_load(&busy) {
            let taken = busy.get(&settler.address);
            let (balance, lane) = tokio::try_join!(
                async { Ok(self.node.balance(settler.address).await?) },
                self.free_lane(settler.address, taken, picture.head.block.number + 1),
            )?;
            if balance < cost {
                settler.is_unable(Unable::Dry);
                dry.get_or_insert(settler.address);
                continue;
            }
            rich = true;
            match lane {
                Some(lane) => {
                    settler.is_able();
                    return Ok((settler, lane));
                }
                None => settler.is_unable(Unable::NoLane),
            }
        }
        match dry {
            Some(settler) if !rich => Err(SettlementError::OutOfFunds(settler)),
            Some(_) | None => Err(SettlementError::NoFreeLane),
        }
    }

    /// The settler's first lane that no row holds and in which `block` can take a commit. What a
    /// row gave up holds its lane until it is too old: the next commit there takes its place by
    /// itself, so nobody spends a transaction on `expire`, which the contract allows no sooner.
    async fn free_lane(
        &self,
        settler: Address,
        taken: Option<&BTreeSet<u64>>,
        block: u64,
    ) -> Result<Option<u64>, SettlementError> {
        for lane in 0..u64::from(self.settings.lanes) {
            if taken.is_some_and(|taken| taken.contains(&lane)) {
                continue;
            }
            let slot = self.node.lane(settler, lane).await?;
            let free = slot.committed_at.is_none_or(|at| block > at.saturating_add(self.max_delay));
            if slot.open && free {
                return Ok(Some(lane));
            }
        }
        Ok(None)
    }
}
