//! The chain as it really answers: funds, solvers, blocks, and what it says to transactions.

use alloy::{
    eips::BlockId,
    primitives::{Address, B256, Bytes, U256},
};
use domain::{Amount, IntentId, gas};
use infra::{
    chain::{
        Chain, ChainError, FUNDS_BOUNDS, FundQuery, Funds, SendError, Standing, abi,
        abi::SolCall as _, funds_lookup,
    },
    config::{ChainConfig, Secret},
};
use settlement::{deploy::Funding, key::LocalKey, tx};
use tempfile::TempDir;
use tests::{
    anvil::{Anvil, CHAIN_ID},
    fixture,
    market::{MAX_TIP, Market, MarketPlan},
    rpc::Rpc,
};
use tokio_util::sync::CancellationToken;

use super::stores::until;

struct Scene {
    market: Market,
    chain: Chain,
    rpc: Rpc,
    config: ChainConfig,
    anvil: Anvil,
    _folder: TempDir,
}

impl Scene {
    async fn start() -> Self {
        let folder = fixture::scratch().unwrap();
        let anvil = Anvil::start(folder.path()).await.unwrap();
        let plan = MarketPlan { owners: 2, solvers: 2, max_delay: 20 };
        let market = Market::deploy(&anvil.url(), plan).await.unwrap();
        let config = ChainConfig {
            rpc_url: Secret::new(anvil.url()),
            chain_id: CHAIN_ID,
            settlement: market.settlement,
            fundable_chunk: 3,
            ..ChainConfig::default()
        };
        let chain = Chain::connect(&config).unwrap();
        let rpc = Rpc::new(&anvil.url()).unwrap();
        Self { market, chain, rpc, config, anvil, _folder: folder }
    }

    fn query(&self, number: u8, owner: Address) -> FundQuery {
        FundQuery {
            id: IntentId::new(B256::repeat_byte(number)),
            owner,
            token: self.market.tokens[usize::from(number) % 2].address,
            nonce: U256::from(number),
        }
    }

    /// Sends without a signature and waits until it is mined.
    async fn send(&self, from: Address, to: Address, data: Vec<u8>) {
        let hash = self.rpc.send_as(from, to, data.into()).await.unwrap();
        let receipt = until("the transaction mined", || async {
            self.chain.receipt(hash).await.unwrap().ok_or("pending".to_owned())
        });
        assert!(receipt.await.status());
    }

    /// A commitment signed by the settler.
    async fn transaction(&self, nonce: u64, max_fee: u128, lane: u64) -> Bytes {
        let call = abi::commitToCall { lane: U256::from(lane), commitment: B256::repeat_byte(9) };
        let call = tx::Call {
            to: Some(self.market.settlement),
            value: U256::ZERO,
            data: call.abi_encode().into(),
            gas_limit: 200_000,
        };
        let key = LocalKey::new(self.market.settler.key().clone());
        let fees = settlement::fees::Fees { max_fee, tip: 1 };
        tx::sign(&key, CHAIN_ID, nonce, fees, &call).await.unwrap().raw
    }
}

#[tokio::test]
async fn funds_are_told_in_order_through_chunks_and_at_a_pinned_block() {
    let scene = Scene::start().await;
    scene.chain.check_id().await.unwrap();
    let other = ChainConfig { chain_id: 1, ..scene.config.clone() };
    let wrong = Chain::connect(&other).unwrap().check_id().await;
    assert_eq!(wrong, Err(ChainError::WrongChain { expected: 1, found: CHAIN_ID }));

    let rich = scene.market.owners[0].address();
    let queries: Vec<FundQuery> = (0..8)
        .map(|n| scene.query(n, if n % 3 == 0 { Address::repeat_byte(0xee) } else { rich }))
        .collect();
    let pinned = scene.chain.block_latest().await.unwrap();
    let at = BlockId::from(pinned.at.hash);
    let funds = scene.chain.fundable(&queries, at).await.unwrap();
    assert_eq!(funds.len(), 8);
    for (n, funds) in funds.iter().enumerate() {
        assert_eq!(funds.payable().is_zero(), n % 3 == 0, "{n}: {funds:?}");
    }
    assert_ne!(funds[1].balance, funds[2].balance, "two tokens");

    // the owner uses up nonce 1: seen on the newest state, not at the pinned block
    let spend = abi::invalidateNoncesCall { word: U256::ZERO, mask: U256::from(0b10) };
    scene.send(rich, scene.chain.settlement(), spend.abi_encode()).await;
    let now = scene.chain.fundable(&queries, BlockId::latest()).await.unwrap();
    assert!(now[1].nonce_used && now[1].payable().is_zero());
    assert_eq!(scene.chain.fundable(&queries, at).await.unwrap(), funds);
}

#[tokio::test]
async fn lookups_share_requests_and_an_outage_reaches_every_caller() {
    let mut scene = Scene::start().await;
    let stop = CancellationToken::new();
    let (lookup, worker) = funds_lookup(scene.chain.clone(), FUNDS_BOUNDS, stop.clone());
    let worker = tokio::spawn(worker);
    let owner = scene.market.owners[0].address();
    let ask = |count: u16| {
        let queries = (0..count).map(|n| scene.query(u8::try_from(n % 200).unwrap(), owner));
        let lookups: Vec<_> = queries
            .map(|query| {
                let lookup = lookup.clone();
                async move { lookup.funds(query).await.unwrap() }
            })
            .collect();
        futures_util::future::join_all(lookups)
    };
    let answers = ask(1_000).await;
    assert!(answers.iter().all(|funds| funds.as_ref().is_ok_and(|f| f.payable() > Amount::ZERO)));
    let asked = ask(50);
    scene.anvil.process().kill9().unwrap();
    for answer in asked.await {
        assert!(answer.unwrap_err().retryable());
    }
    stop.cancel();
    worker.await.unwrap();
}

#[tokio::test]
async fn a_solver_is_known_by_its_key_and_its_filler() {
    let scene = Scene::start().await;
    let [one, two] = scene.market.solvers.as_slice() else { panic!("two solvers") };
    let (a, b) = (one.key.address(), two.key.address());
    let nobody = Address::repeat_byte(0xee);
    let standing = |key, solver, filler| scene.chain.standing(key, solver, filler);
    for _ in 0..2 {
        assert_eq!(standing(a, a, one.filler).await, Ok(Standing::Authorised));
        assert_eq!(standing(b, a, one.filler).await, Ok(Standing::UnknownKey));
        assert_eq!(standing(a, a, two.filler).await, Ok(Standing::FillerForeign(b)));
        assert_eq!(standing(a, a, nobody).await, Ok(Standing::FillerUnbound));
    }
    assert_eq!(scene.chain.solver_of_key(nobody).await, Ok(None));
    let pause = abi::setPausedCall { solver: b, paused: true };
    let operator = scene.market.operator.address();
    scene.send(operator, scene.chain.settlement(), pause.abi_encode()).await;
    assert_eq!(standing(b, b, two.filler).await, Ok(Standing::Paused));
    let all = scene.chain.solver_standing(b, b, two.filler).await.unwrap();
    assert!(all.registered && all.paused && all.filler_of == Some(b));
    assert_eq!(scene.chain.max_delay().await, Ok(20));
    let funds = scene.chain.funds_of(a).await.unwrap();
    let thousand = Amount::new(Funding::default().bond);
    assert_eq!((funds.bond, funds.deposit), (thousand, thousand));
    let digest = B256::repeat_byte(1);
    for account in [nobody, scene.chain.settlement(), scene.market.tokens[0].address] {
        assert_eq!(scene.chain.is_valid_signature(account, digest, &[0; 65]).await, Ok(false));
    }
}

#[tokio::test]
async fn an_owner_s_contract_may_spend_on_a_signature_what_it_may_on_chain() {
    /// Runs until 250,000 gas are spent, and accepts.
    const THOROUGH: &str = "0x5a5b5a81036203d09011600157631626ba7e60e01b60005260206000f3";
    let scene = Scene::start().await;
    let owner = Address::repeat_byte(0xcc);
    scene.rpc.call("anvil_setCode", serde_json::json!([owner, THOROUGH])).await.unwrap();
    let answer = scene.chain.is_valid_signature(owner, B256::repeat_byte(1), &[0; 65]).await;
    assert_eq!(answer, Ok(true));
}

#[tokio::test]
async fn the_node_s_words_about_transactions_are_understood() {
    let scene = Scene::start().await;
    let chain = &scene.chain;
    let settler = scene.market.settler.address();
    let nonce = chain.nonce_latest(settler).await.unwrap();
    let fees = chain.fees().await.unwrap();
    let fee = fees.base_fee_per_gas * 2 + 1;
    scene.rpc.call("evm_setAutomine", serde_json::json!([false])).await.unwrap();

    let raw = scene.transaction(nonce, fee, 0).await;
    let hash = chain.send_raw(&raw).await.unwrap();
    assert_eq!(chain.send_raw(&raw).await, Err(SendError::AlreadyKnown));
    assert_eq!(chain.nonce_latest(settler).await, Ok(nonce));
    assert_eq!(chain.nonce_pending(settler).await, Ok(nonce + 1));
    let rival = scene.transaction(nonce, fee, 1).await;
    assert_eq!(chain.send_raw(&rival).await, Err(SendError::Underpriced));
    assert_eq!(chain.receipt(hash).await.unwrap().map(|r| r.transaction_hash), None);

    scene.rpc.mine(1).await.unwrap();
    let receipt = chain.receipt(hash).await.unwrap().unwrap();
    assert!(receipt.status());
    let number = receipt.block_number.unwrap();
    let logs = chain.settlement_logs(number, number).await.unwrap();
    assert_eq!(logs.len(), 1);
    let committed = logs[0].log_decode::<abi::Committed>().unwrap().inner.data;
    assert_eq!(committed.commitment, B256::repeat_byte(9));
    assert_eq!(chain.send_raw(&rival).await, Err(SendError::NonceTooLow));

    let poor = scene.transaction(nonce + 1, u128::MAX >> 40, 1).await;
    assert_eq!(chain.send_raw(&poor).await, Err(SendError::InsufficientFunds));
    let cheap = scene.transaction(nonce + 1, 1, 1).await;
    let said = chain.send_raw(&cheap).await;
    assert!(matches!(said, Ok(_) | Err(SendError::Underpriced)), "{said:?}");

    let block = chain.block_by_number(number).await.unwrap().unwrap();
    assert_eq!(receipt.block_hash, Some(block.at.hash));
    assert_eq!(chain.is_canonical(block.at).await, Ok(true));
    scene.rpc.reorg(1).await.unwrap();
    assert_eq!(chain.is_canonical(block.at).await, Ok(false));
    assert_eq!(chain.block_by_number(number + 1_000).await, Ok(None));
}

#[tokio::test]
async fn a_call_that_reverts_says_with_what() {
    let scene = Scene::start().await;
    let call = abi::revealCall { lane: U256::ZERO, batch: Bytes::new(), salt: B256::ZERO };
    let error = scene
        .chain
        .call(scene.chain.settlement(), call.abi_encode().into(), None, BlockId::latest())
        .await
        .unwrap_err();
    let ChainError::Reverted { data, .. } = error else { panic!("{error:?}") };
    assert!(data.len() >= 4, "{data}");
    let none = scene.chain.view(Address::repeat_byte(1), &abi::MAX_DELAYCall {}, BlockId::latest());
    assert!(matches!(none.await, Err(ChainError::BadAnswer(_))));
    assert_eq!(Funds::default().payable(), Amount::ZERO);
}

#[tokio::test]
async fn the_contract_takes_as_much_of_signed_gas_for_its_overhead_as_we_say() {
    let scene = Scene::start().await;
    for [intents, legs, callback_bytes] in
        [[1, 2, 0], [2, 2, 0], [50, 100, 0], [1, 2, 1_000], [254, 65_535, 24_576]]
    {
        let call = abi::gasOverheadCall {
            intents: U256::from(intents),
            legs: U256::from(legs),
            callbackBytes: U256::from(callback_bytes),
        };
        let settlement = scene.chain.settlement();
        let overhead = scene.chain.view(settlement, &call, BlockId::latest()).await.unwrap();
        assert_eq!(overhead, U256::from(gas::overhead(intents, legs, callback_bytes)));
    }
}

#[tokio::test]
async fn what_a_solver_asks_back_is_not_free_any_more() {
    let scene = Scene::start().await;
    let solver = scene.market.solvers[0].key.address();
    let half = Funding::default().bond / U256::from(2);
    let ask = abi::requestWithdrawalCall { fund: 0, amount: half.to::<u128>() };
    scene.send(solver, scene.chain.settlement(), ask.abi_encode()).await;
    let funds = scene.chain.funds_of(solver).await.unwrap();
    assert_eq!((funds.bond.get(), funds.bond_leaving.get()), (half, half));
    assert_eq!(funds.deposit.get(), Funding::default().deposit);
    let block = scene.chain.block_latest().await.unwrap();
    let price = scene.chain.gas_price(&block).await.unwrap();
    let expected = 2 * block.base_fee_per_gas + MAX_TIP;
    assert_eq!(price, Amount::from(expected));
}
