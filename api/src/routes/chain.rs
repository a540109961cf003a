//! `GET /v1/chain`

use actix_web::{
    get,
    web::{Data, Json},
};
use solvers::wire::{ChainInfo, TokenInfo, TypedData};

use crate::{app::App, clock};

/// What a wallet or solver must know: chain, contracts, EIP-712 domain and types, tokens
#[utoipa::path(
    tag = "chain",
    responses((status = 200, description = "This deployment", body = ChainInfo))
)]
#[get("/v1/chain")]
pub(crate) async fn get_chain(app: Data<App>) -> Json<ChainInfo> {
    let tokens = app.config.tokens.iter().map(|token| TokenInfo {
        symbol: token.symbol.clone(),
        address: token.address,
        decimals: token.decimals,
        price: token.price,
    });
    Json(ChainInfo {
        chain_id: app.domain.chain_id(),
        settlement: app.domain.settlement(),
        eip712: TypedData::of(&app.domain),
        receipt_signer: app.receipt_key.address(),
        tokens: tokens.collect(),
        max_ttl_s: app.config.api.max_ttl_s,
        window_ms: app.config.auction.window_ms,
        server_time_ms: clock::now_ms(),
    })
}
