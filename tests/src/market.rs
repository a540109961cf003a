//! Contracts, tokens and accounts of a development chain.

use std::io;

use alloy::primitives::{Address, B256, U256, keccak256};
use domain::{
    eip712::SigningDomain,
    signature::{InvalidKey, SigningKey},
};
use settlement::deploy::{self, Funding, Sender, Terms, TokenSpec};

use crate::{anvil::CHAIN_ID, orders::Wallet, rpc::Rpc};

/// How much of everything there is.
#[derive(Clone, Copy, Debug)]
pub struct MarketPlan {
    /// Owners with tokens and approvals.
    pub owners: u64,
    /// Solvers with fillers and inventories.
    pub solvers: u64,
    /// The commitment's maximum age, blocks.
    pub max_delay: u32,
}

/// A token of the market.
#[derive(Clone, Debug)]
pub struct Token {
    /// Its symbol.
    pub symbol: &'static str,
    /// Its contract.
    pub address: Address,
    /// Its decimals.
    pub decimals: u8,
    /// Numéraire atoms (wei) per 10^18 atoms.
    pub price: U256,
}

impl Token {
    /// Atoms of one whole token.
    #[must_use]
    pub fn unit(&self) -> u128 {
        10u128.pow(u32::from(self.decimals))
    }
}

/// A key whose secret the harness may pass on to the processes it starts.
#[derive(Clone, Debug)]
pub struct DevKey {
    secret: B256,
    key: SigningKey,
}

impl DevKey {
    /// The development key of this name: the same in every run, worthless elsewhere.
    ///
    /// # Errors
    /// Never, but for one name in 2^128.
    pub fn named(name: &str) -> Result<Self, InvalidKey> {
        let secret = keccak256(format!("gavel {name}"));
        Ok(Self { secret, key: SigningKey::from_bytes(secret.0)? })
    }

    /// The key.
    #[must_use]
    pub const fn key(&self) -> &SigningKey {
        &self.key
    }

    /// Its address.
    #[must_use]
    pub const fn address(&self) -> Address {
        self.key.address()
    }

    /// The secret in hexadecimal.
    #[must_use]
    pub fn secret_hex(&self) -> String {
        self.secret.to_string()
    }
}

/// A registered solver.
#[derive(Clone, Debug)]
pub struct Solver {
    /// Its account and first key.
    pub key: DevKey,
    /// Its filler, with an inventory of every token.
    pub filler: Address,
}

/// Everything on chain.
#[derive(Debug)]
pub struct Market {
    /// The contract.
    pub settlement: Address,
    /// What is signed in.
    pub domain: SigningDomain,
    /// The tokens.
    pub tokens: Vec<Token>,
    /// Owners with a thousand of each token, approved.
    pub owners: Vec<Wallet>,
    /// Solvers.
    pub solvers: Vec<Solver>,
    /// Who owns the contracts.
    pub operator: DevKey,
    /// Who commits and reveals.
    pub settler: DevKey,
    /// Who signs receipts.
    pub receipts: DevKey,
}

const ETHER: u128 = 10u128.pow(18);
/// Symbol, decimals, wei per whole token.
const TOKENS: &[(&str, u8, u128)] = &[
    ("WETH", 18, ETHER),
    ("USDC", 6, ETHER / 2_500),
    ("DAI", 18, ETHER / 2_500),
    ("WBTC", 8, 24 * ETHER),
];
/// What owners and fillers start with, in wei of worth per token.
const OWNER_WORTH: u128 = 1_000 * ETHER;
const FILLER_WORTH: u128 = 100_000 * ETHER;
/// Seconds after which a solver's funds can leave.
const WITHDRAWAL_DELAY: u32 = 3_600;
/// Wei per gas that solvers are charged at most above the base fee.
pub const MAX_TIP: u64 = 3_000_000_000;
/// What the harness' bids owe if they fail, in wei: enough for whatever they fill.
pub const PENALTY: u128 = ETHER;
/// Lanes opened for the settler.
const LANES: u32 = 8;

impl Market {
    /// Deploys and funds everything on the node at `rpc_url`.
    ///
    /// # Errors
    /// If the node refuses something.
    pub async fn deploy(rpc_url: &str, plan: MarketPlan) -> io::Result<Self> {
        let rpc = Rpc::new(rpc_url).map_err(io::Error::other)?;
        let [operator, settler, receipts] =
            [named("operator")?, named("settler")?, named("receipts")?];
        for key in [&operator, &settler] {
            fund(&rpc, key.address()).await?;
        }
        let sender = sender(rpc_url, operator.key()).await?;
        let terms = Terms {
            max_delay: plan.max_delay,
            withdrawal_delay: WITHDRAWAL_DELAY,
            max_tip: MAX_TIP,
        };
        let settlement = deploy::settlement(&sender, terms).await.map_err(io::Error::other)?;
        let tokens = tokens(&sender).await?;
        let addresses: Vec<Address> = tokens.iter().map(|token| token.address).collect();
        deploy::set_plain(&sender, settlement, &addresses).await.map_err(io::Error::other)?;
        deploy::open_lanes(&sender, settlement, settler.address(), LANES)
            .await
            .map_err(io::Error::other)?;
        let mut mints = Vec::new();
        let mut solvers = Vec::new();
        for n in 0..plan.solvers {
            let key = named(&format!("solver {n}"))?;
            fund(&rpc, key.address()).await?;
            let own = self::sender(rpc_url, key.key()).await?;
            let filler = deploy::solver(&own, settlement, &addresses, Funding::default())
                .await
                .map_err(io::Error::other)?;
            mints.extend(tokens.iter().map(|t| (t.address, filler, worth(t, FILLER_WORTH))));
            solvers.push(Solver { key, filler });
        }
        let owners: Vec<Wallet> = (0..plan.owners).map(|n| Wallet::numbered("owner", n)).collect();
        for owner in &owners {
            let address = owner.address();
            fund(&rpc, address).await?;
            let own = self::sender(rpc_url, owner.key()).await?;
            deploy::approve(&own, &addresses, settlement).await.map_err(io::Error::other)?;
            mints.extend(tokens.iter().map(|t| (t.address, address, worth(t, OWNER_WORTH))));
        }
        for part in mints.chunks(64) {
            deploy::mint(&sender, part).await.map_err(io::Error::other)?;
        }
        let domain = SigningDomain::new(CHAIN_ID, settlement);
        Ok(Self { settlement, domain, tokens, owners, solvers, operator, settler, receipts })
    }
}

fn named(name: &str) -> io::Result<DevKey> {
    DevKey::named(name).map_err(io::Error::other)
}

async fn sender(rpc_url: &str, key: &SigningKey) -> io::Result<Sender> {
    Sender::connect(rpc_url, key.clone()).await.map_err(io::Error::other)
}

async fn fund(rpc: &Rpc, account: Address) -> io::Result<()> {
    rpc.set_balance(account, 10_000 * ETHER).await.map_err(io::Error::other)
}

/// As many atoms as are worth so many wei.
fn worth(token: &Token, wei: u128) -> U256 {
    U256::from(wei) * U256::from(ETHER) / token.price
}

async fn tokens(sender: &Sender) -> io::Result<Vec<Token>> {
    let mut tokens = Vec::new();
    for (symbol, decimals, wei) in TOKENS.iter().copied() {
        let spec = TokenSpec { name: symbol, symbol, decimals };
        let address = deploy::token(sender, spec).await.map_err(io::Error::other)?;
        let price = U256::from(wei) * U256::from(ETHER) / U256::from(10).pow(U256::from(decimals));
        tokens.push(Token { symbol, address, decimals, price });
    }
    Ok(tokens)
}
