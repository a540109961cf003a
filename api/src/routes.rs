//! The routes, one folder or file each. All of them are collected into the OpenAPI document by
//! being registered with `service`.

mod auctions;
mod bids;
mod chain;
mod docs;
mod events;
mod explorer;
mod fallback;
mod health;
mod intents;
mod query;
mod solvers;
mod stream;

use utoipa_actix_web::service_config::ServiceConfig;

pub(crate) use auctions::Trees;
pub(crate) use docs::{Documents, docs};
pub(crate) use explorer::explorer;
pub(crate) use fallback::{Routes, fallback};
pub(crate) use health::{Vitals, live, metrics, ready};
pub(crate) use query::{bad_path, bad_query};

/// Registers everything that is in the OpenAPI document.
pub(crate) fn register(config: &mut ServiceConfig<'_>) {
    config
        .service(intents::post_intent)
        .service(intents::list_intents)
        .service(intents::cancel_intents)
        .service(intents::get_intent)
        .service(intents::get_timeline)
        .service(auctions::list_auctions)
        .service(auctions::get_auction)
        .service(auctions::get_bids)
        .service(auctions::get_own_bids)
        .service(auctions::get_proof)
        .service(auctions::export_auction)
        .service(bids::post_bid)
        .service(solvers::get_solver)
        .service(events::get_events)
        .service(stream::open_stream)
        .service(chain::get_chain)
        .service(health::live)
        .service(health::ready)
        .service(health::metrics)
        .service(docs::openapi_document)
        .service(docs::asyncapi_document);
}
