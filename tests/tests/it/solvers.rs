//! The reference solvers and the SDK against a real market.

mod rings;
mod sdk;

use alloy::primitives::U256;
use tests::{
    orders::{Order, Posted},
    stack::Stack,
};

/// An order for whole tokens at `percent` of the reference price, by symbol.
fn order(stack: &Stack, sell: &str, whole: u64, buy: &str, percent: u64) -> Order {
    let token = |symbol: &str| {
        stack.market.tokens.iter().find(|token| token.symbol == symbol).unwrap().clone()
    };
    let (sell, buy) = (token(sell), token(buy));
    let amount = U256::from(whole) * U256::from(10).pow(U256::from(sell.decimals));
    let least = amount * sell.price / buy.price * U256::from(percent) / U256::from(100);
    Order::sell(sell.address, amount.to(), buy.address, least.to())
}

fn signed(stack: &Stack, owner: usize, order: &Order) -> Posted {
    stack.owner(owner).intent(stack.domain(), order)
}
