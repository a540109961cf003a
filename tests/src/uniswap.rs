//! Uniswap V2 pairs with the real bytecode, from `tests/node_modules`.

use std::io;

use alloy::primitives::{Address, Bytes, U256};
use alloy::sol_types::{SolCall, SolValue};
use serde_json::Value;
use settlement::deploy::{self, Sender};

use crate::repo;

alloy::sol! {
    function createPair(address one, address other) external returns (address pair);
    function getPair(address one, address other) external view returns (address pair);
    function token0() external view returns (address token);
    function getReserves() external view returns (uint112 reserve0, uint112 reserve1, uint32 touched);
    function mint(address to) external returns (uint256 liquidity);
    function swap(uint256 out0, uint256 out1, address to, bytes calldata data) external;
}

/// A pair, seen from one of its tokens.
#[derive(Clone, Copy, Debug)]
pub struct Pair {
    /// The contract.
    pub address: Address,
    /// One token.
    pub token: Address,
    /// The other.
    pub quote: Address,
    is_token0: bool,
}

/// What a pair holds: of the token, and of the other.
pub type Reserves = (U256, U256);

impl Pair {
    /// Creates a pair of two development tokens, through a factory of its own, and fills it.
    ///
    /// # Errors
    /// If Uniswap's package is not installed, or the node refuses something.
    pub async fn deploy(
        sender: &Sender,
        (token, quote): (Address, Address),
        reserves: Reserves,
    ) -> io::Result<Self> {
        let owner = sender.address();
        let mut code = bytecode("UniswapV2Factory")?.to_vec();
        code.extend_from_slice(&owner.abi_encode());
        let factory = sender.create(code.into()).await.map_err(io::Error::other)?;
        let create = createPairCall { one: token, other: quote }.abi_encode();
        sender.send(factory, create.into()).await.map_err(io::Error::other)?;
        let address = ask(sender, factory, &getPairCall { one: token, other: quote }).await?;
        let is_token0 = ask(sender, address, &token0Call {}).await? == token;
        let pair = Self { address, token, quote, is_token0 };
        let mints = [(token, address, reserves.0), (quote, address, reserves.1)];
        deploy::mint(sender, &mints).await.map_err(io::Error::other)?;
        let mint = mintCall { to: owner }.abi_encode();
        sender.send(address, mint.into()).await.map_err(io::Error::other)?;
        Ok(pair)
    }

    /// What it holds.
    ///
    /// # Errors
    /// If the node does not say.
    pub async fn reserves(&self, sender: &Sender) -> io::Result<Reserves> {
        let found = ask(sender, self.address, &getReservesCall {}).await?;
        let (first, second) = (U256::from(found.reserve0), U256::from(found.reserve1));
        Ok(if self.is_token0 { (first, second) } else { (second, first) })
    }

    /// The calls that sell `sold` of the quote to the pair, and what it holds afterwards.
    #[must_use]
    pub fn buy_token(&self, held: Reserves, sold: U256, to: Address) -> ([Call; 2], Reserves) {
        let bought = bought(held.1, held.0, sold);
        let calls = [self.pay(self.quote, sold), self.swap(bought, U256::ZERO, to)];
        (calls, (held.0 - bought, held.1 + sold))
    }

    /// The calls that sell `sold` of the token to the pair, and what it holds afterwards.
    #[must_use]
    pub fn sell_token(&self, held: Reserves, sold: U256, to: Address) -> ([Call; 2], Reserves) {
        let bought = bought(held.0, held.1, sold);
        let calls = [self.pay(self.token, sold), self.swap(U256::ZERO, bought, to)];
        (calls, (held.0 + sold, held.1 - bought))
    }

    /// Mints what is sold right into the pair: anybody may mint development tokens.
    fn pay(&self, token: Address, amount: U256) -> Call {
        alloy::sol! { function mint(address to, uint256 amount) external; }
        (token, mintCall { to: self.address, amount }.abi_encode().into())
    }

    fn swap(&self, token_out: U256, quote_out: U256, to: Address) -> Call {
        let (out0, out1) =
            if self.is_token0 { (token_out, quote_out) } else { (quote_out, token_out) };
        (self.address, swapCall { out0, out1, to, data: Bytes::new() }.abi_encode().into())
    }
}

/// A contract, and what it is called with.
pub type Call = (Address, Bytes);

/// What the pair gives for `sold`, after its fee of 0.3 per cent.
fn bought(held_in: U256, held_out: U256, sold: U256) -> U256 {
    let net = sold * U256::from(997);
    net * held_out / (held_in * U256::from(1_000) + net)
}

async fn ask<C: SolCall>(sender: &Sender, to: Address, call: &C) -> io::Result<C::Return> {
    let answer = sender.call(to, call.abi_encode().into()).await.map_err(io::Error::other)?;
    C::abi_decode_returns(&answer).map_err(io::Error::other)
}

fn bytecode(contract: &str) -> io::Result<Bytes> {
    let path =
        repo::root().join(format!("tests/node_modules/@uniswap/v2-core/build/{contract}.json"));
    let text = std::fs::read_to_string(path).map_err(|_| {
        io::Error::other("Uniswap V2 not found: run `make setup` (npm ci in tests/)")
    })?;
    let artifact: Value = serde_json::from_str(&text)?;
    let code = artifact["bytecode"].as_str().unwrap_or_default();
    code.parse().map_err(io::Error::other)
}
