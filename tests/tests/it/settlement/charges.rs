//! What solvers are charged on chain, held against what the settler paid for commit and reveal.

use alloy::primitives::{Address, B256, Bytes, Log, U256};
use domain::status::SettlementStatus as S;
use infra::chain::abi::{BidSettled, SolEvent as _};
use serde::Deserialize;
use serde_json::json;

use super::scene::{Scene, Swap, WETH};

/// Solvers pay at most so much more than their settlement cost, in hundredths.
const MOST: u64 = 115;
/// A price of ten gwei, in wei.
const BASE_FEE: u64 = 10_000_000_000;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Receipt {
    gas_used: U256,
    effective_gas_price: U256,
    logs: Vec<Logged>,
}

#[derive(Debug, Deserialize)]
struct Logged {
    address: Address,
    topics: Vec<B256>,
    data: Bytes,
}

impl Receipt {
    /// What solvers were charged for settled bids.
    fn charges(&self) -> Vec<U256> {
        let decode = |log: &Logged| {
            let log = Log::new(log.address, log.topics.clone(), log.data.clone())?;
            BidSettled::decode_log(&log).ok().map(|settled| settled.charge)
        };
        self.logs.iter().filter_map(decode).collect()
    }
}

impl Scene {
    /// Settles a batch of these bids while the base fee stands still: one that moves between commit
    /// and reveal is the settler's luck. What the settler paid, and what each solver was charged.
    async fn bill(&self, auction: u64, bids: &[Vec<&Swap>]) -> (U256, Vec<U256>) {
        let swaps: Vec<&Swap> = bids.iter().flatten().copied().collect();
        self.post(&swaps).await;
        let id = self.queue_bids(auction, bids).await;
        let worker = self.worker();
        let lease = self.lease(&worker).await;
        self.next_base_fee().await;
        self.rpc.mine(1).await.unwrap();
        for wanted in [S::CommitSent, S::Committed, S::RevealSent, S::Revealed] {
            self.next_base_fee().await;
            self.step_until(&worker, lease, wanted).await;
        }
        worker.release(lease).await;
        let hashes = "SELECT hash FROM tx_attempt WHERE settlement_id = $1 AND status = 'mined'";
        let hashes = sqlx::query_scalar(hashes).bind(id).fetch_all(&self.pool).await;
        let (mut paid, mut charged) = (U256::ZERO, Vec::new());
        let hashes: Vec<Vec<u8>> = hashes.unwrap();
        assert_eq!(hashes.len(), 2, "a commit and a reveal");
        for hash in hashes {
            let hash = B256::from_slice(&hash);
            let receipt = self.rpc.call("eth_getTransactionReceipt", json!([hash])).await.unwrap();
            let receipt: Receipt = serde_json::from_value(receipt).unwrap();
            assert!(receipt.effective_gas_price >= U256::from(BASE_FEE), "{receipt:?}");
            paid += receipt.gas_used * receipt.effective_gas_price;
            charged.extend(receipt.charges());
        }
        (paid, charged)
    }

    async fn next_base_fee(&self) {
        self.rpc("anvil_setNextBlockBaseFeePerGas", json!([BASE_FEE])).await;
    }
}

#[tokio::test]
async fn solvers_pay_for_the_whole_settlement_and_little_more() {
    let scene = Scene::start(64).await;
    // one swap; several of a bid; a bid for each; both
    let shapes: [&[usize]; 5] = [&[1], &[5], &[1, 1, 1, 1, 1], &[1; 12], &[2, 1, 4]];
    // the first bid and the first intents in words of nonces, then others in the same words
    for (auction, shape) in (1..).zip(shapes.iter().chain(&shapes)) {
        let swaps: Vec<Swap> =
            (0..shape.iter().sum()).map(|n| scene.swap(n % 4, WETH / 100)).collect();
        let mut rest = swaps.iter();
        let bids: Vec<Vec<&Swap>> =
            shape.iter().map(|n| rest.by_ref().take(*n).collect()).collect();
        let (paid, charged) = scene.bill(auction, &bids).await;
        assert_eq!(charged.len(), bids.len(), "every bid settled");
        let charged: U256 = charged.into_iter().sum();
        let told = format!("{shape:?}: {charged} charged of {paid}");
        assert!(charged >= paid, "{told}");
        assert!(charged * U256::from(100) <= paid * U256::from(MOST), "{told}");
    }
}
