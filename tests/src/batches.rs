//! Decided batches without an auction: intents that one solver fills from its inventory, packed
//! and queued as the auction role would, for whoever tests or measures the settlement of them.

use std::{
    collections::BTreeMap,
    io,
    sync::atomic::{AtomicU64, Ordering},
};

use alloy::primitives::{B256, Bytes, U256};
use domain::{
    Amount, AuctionId, Intent, IntentId, OpenHash,
    auction::{OpeningRecord, Params},
    batch::{BatchBid, OwnerSignature, SignedBid, SignedIntent, encode},
    bid::{Bid, End, Leg, Terms},
    commitment::BatchHeader,
    event::BlockRef,
    signature::EcdsaSignature,
};
use infra::pg::{
    self, Pool,
    intent::{self, NewIntent},
    settlement::{self as store, NewSettlement, PlannedBid},
};

use serde_json::Value;

use crate::{
    anvil::CHAIN_ID,
    market::PENALTY,
    orders::{Order, now_s},
    stack::Stack,
};

/// An owner's intent to sell, and what an inventory pays for it.
#[derive(Clone, Debug)]
pub struct Swap {
    /// The intent's id.
    pub id: IntentId,
    /// What a bid takes of it.
    pub sold: Amount,
    /// What it pays for that.
    pub bought: U256,
    intent: Intent,
    signature: EcdsaSignature,
}

impl Swap {
    /// What its owner sells in all.
    #[must_use]
    pub const fn sell_amount(&self) -> Amount {
        self.intent.sell_amount()
    }
}

/// Makes batches; counts the solver's bid nonces.
#[derive(Debug, Default)]
pub struct Batches {
    bid_nonce: AtomicU64,
}

impl Batches {
    /// The order of owner number `owner`, signed, and filled with `bought` atoms.
    ///
    /// # Errors
    /// If the order is no intent.
    pub fn swap(
        &self,
        stack: &Stack,
        owner: usize,
        order: &Order,
        bought: u128,
    ) -> io::Result<Swap> {
        self.swap_as(stack, owner, order, bought, |_| {})
    }

    /// The same, the signed message changed.
    ///
    /// # Errors
    /// If the message is no intent.
    pub fn swap_as(
        &self,
        stack: &Stack,
        owner: usize,
        order: &Order,
        bought: u128,
        change: impl FnOnce(&mut Value),
    ) -> io::Result<Swap> {
        let wallet = stack.owner(owner);
        let mut message = wallet.message(order);
        change(&mut message);
        let mut posted = wallet.sign(stack.domain(), &message);
        let intent: Intent = serde_json::from_value(posted.body["intent"].take())?;
        let signature = wallet.key().sign(posted.id.get());
        let (sold, bought) = (intent.sell_amount(), U256::from(bought));
        Ok(Swap { id: posted.id, intent, signature, sold, bought })
    }

    /// Puts the swaps' intents into the book.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn post(&self, pool: &Pool, swaps: &[&Swap]) -> io::Result<()> {
        let intents: Vec<NewIntent> = swaps.iter().map(|swap| new_intent(swap)).collect();
        let mut conn = pool.acquire().await.map_err(io::Error::other)?;
        intent::insert(&mut conn, CHAIN_ID, &intents).await.map_err(io::Error::other)?;
        Ok(())
    }

    /// Writes what an auction writes when it is decided: intents matched, batch queued. One bid of
    /// the first solver for each of `bids`. Returns the row's number.
    ///
    /// # Errors
    /// Those of the database, or if the batch cannot be packed.
    pub async fn decide(
        &self,
        stack: &Stack,
        pool: &Pool,
        auction: u64,
        bids: &[Vec<&Swap>],
    ) -> io::Result<i64> {
        let id = AuctionId::new(auction);
        let ids: Vec<IntentId> = bids.iter().flatten().map(|swap| swap.id).collect();
        let new = self.pack(stack, id, bids)?;
        let written = async {
            let mut tx = pg::begin(pool).await?;
            pg::auction::insert(&mut tx, &opening(stack, id), open_hash()).await?;
            sqlx::query("UPDATE auction SET status = 'decided' WHERE id = $1")
                .bind(i64::try_from(auction).unwrap_or(i64::MAX))
                .execute(&mut *tx)
                .await?;
            intent::mark_cut(&mut tx, CHAIN_ID, id, &ids).await?;
            intent::mark_matched(&mut tx, CHAIN_ID, id, &ids).await?;
            let row = store::insert(&mut tx, CHAIN_ID, &new).await?;
            tx.commit().await?;
            Ok::<_, pg::StoreError>(row)
        };
        written.await.map_err(io::Error::other)
    }

    fn pack(
        &self,
        stack: &Stack,
        auction: AuctionId,
        bids: &[Vec<&Swap>],
    ) -> io::Result<NewSettlement> {
        let (mut planned, mut signed) = (Vec::new(), Vec::new());
        for swaps in bids {
            let bid = self.bid(stack, auction, swaps)?;
            let (id, terms) = (bid.id(stack.domain()), bid.terms());
            let shares = vec![10_000 / u16::try_from(swaps.len()).unwrap_or(u16::MAX); swaps.len()];
            let valid_to = swaps.iter().map(|swap| swap.intent.valid_to()).min();
            planned.push(PlannedBid {
                bid: id,
                solver: terms.solver,
                gas: terms.gas,
                penalty: Amount::new(U256::from(PENALTY)),
                nonce: Some(terms.nonce),
                fills: bid.fills().to_vec(),
                last_s: valid_to.unwrap_or(u32::MAX).min(terms.valid_until).into(),
            });
            let signature = stack.market.solvers[0].key.key().sign(id.get());
            signed.push(BatchBid { signed: SignedBid { bid, signature }, shares });
        }
        let header = BatchHeader {
            auction,
            attempt: 1,
            open_hash: open_hash(),
            bids_root: B256::repeat_byte(2),
            bid_count: 5,
        };
        let intents: BTreeMap<IntentId, SignedIntent> =
            bids.iter().flatten().map(|swap| (swap.id, signed_intent(swap))).collect();
        let batch = encode(&header, &signed, &intents).map_err(io::Error::other)?;
        Ok(NewSettlement { auction, attempt: 1, batch, bids: planned })
    }

    fn bid(&self, stack: &Stack, auction: AuctionId, swaps: &[&Swap]) -> io::Result<Bid> {
        let solver = &stack.market.solvers[0];
        let terms = Terms {
            auction_id: auction,
            solver: solver.key.address(),
            filler: solver.filler,
            gas: 400_000 + 100_000 * u32::try_from(swaps.len()).unwrap_or(u32::MAX / 200_000),
            callback_gas: 0,
            penalty: PENALTY,
            valid_until: u32::try_from(now_s() + 600).unwrap_or(u32::MAX),
            nonce: self.bid_nonce.fetch_add(1, Ordering::Relaxed).into(),
            salt: B256::repeat_byte(7),
            client_bid_id: B256::ZERO,
        };
        let mut legs = Vec::with_capacity(2 * swaps.len());
        for swap in swaps {
            let me = End::Intent(swap.id);
            legs.push(Leg { from: me, to: End::Filler, amount: swap.sold });
        }
        for swap in swaps {
            let (to, amount) = (End::Intent(swap.id), Amount::new(swap.bought));
            legs.push(Leg { from: End::Filler, to, amount });
        }
        Bid::new(terms, legs, Bytes::new()).map_err(io::Error::other)
    }
}

fn open_hash() -> OpenHash {
    OpenHash::new(B256::repeat_byte(1))
}

fn new_intent(swap: &Swap) -> NewIntent {
    NewIntent {
        id: swap.id,
        intent: swap.intent.clone(),
        signature: swap.signature.to_rsv().to_vec().into(),
        erc1271: false,
        created_at_ms: 1,
    }
}

fn signed_intent(swap: &Swap) -> SignedIntent {
    let signature = OwnerSignature::Ecdsa(swap.signature);
    SignedIntent { intent: swap.intent.clone(), signature }
}

fn opening(stack: &Stack, auction_id: AuctionId) -> OpeningRecord {
    OpeningRecord {
        auction_id,
        previous: OpenHash::new(B256::ZERO),
        chain_id: CHAIN_ID,
        settlement: stack.market.settlement,
        block: BlockRef { number: 1, hash: B256::ZERO },
        block_time_s: 1,
        opened_at_ms: 1,
        closes_at_ms: 2,
        params: Params::default(),
        prices: Vec::new(),
        intents: Vec::new(),
    }
}
