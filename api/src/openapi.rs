//! The OpenAPI document, collected from the routes as they are registered.

use actix_web::{
    Error,
    dev::{ServiceFactory, ServiceRequest},
};
use domain::{auction::DropReason, event::Event};
use solvers::wire::{IntentMessage, Nack};
use utoipa::{
    OpenApi as _,
    openapi::{
        Content, OpenApi, Ref, RefOr, Response, ResponseBuilder,
        path::{Operation, PathItem},
    },
};
use utoipa_actix_web::{AppExt, UtoipaApp};

use crate::{problem::ProblemBody, routes};

/// The name of the response that every operation shares.
const PROBLEM: &str = "Problem";

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Gavel",
        description = "A self-hosted solver marketplace for token swaps: signed intents in, sealed bids in, \
            batches settled on chain by commit and reveal. Amounts are decimal strings, times Unix \
            milliseconds unless the name says seconds. Every error is an RFC 9457 \
            `application/problem+json` with a stable `code`.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    servers((url = "/", description = "Where this document was read")),
    tags(
        (name = "intents", description = "Post, follow and cancel swap intents"),
        (name = "auctions", description = "Auctions, and bids in them"),
        (name = "stream", description = "Everything that happens, as it happens"),
        (name = "chain", description = "What to sign against"),
        (name = "operations", description = "Health, metrics, documents"),
    ),
    components(schemas(ProblemBody, IntentMessage, Event, DropReason, Nack)),
)]
struct Document;

/// The document of every route.
#[must_use]
pub fn openapi() -> OpenApi {
    document_with_routes(actix_web::App::new().into_utoipa_app()).1
}

/// Registers the routes, and the document that is made of them.
pub(crate) fn document_with_routes<T>(app: UtoipaApp<T>) -> (actix_web::App<T>, OpenApi)
where
    T: ServiceFactory<ServiceRequest, Config = (), Error = Error, InitError = ()>,
{
    let (app, mut document) =
        app.openapi(Document::openapi()).configure(routes::register).split_for_parts();
    let problem = Content::new(Some(Ref::from_schema_name("Problem")));
    let response = ResponseBuilder::new()
        .description("What went wrong; `code` tells what, `errors` which fields")
        .content("application/problem+json", problem)
        .build();
    let components = document.components.get_or_insert_default();
    components.responses.insert(PROBLEM.to_owned(), RefOr::T(response));
    for item in document.paths.paths.values_mut() {
        for operation in operations(item) {
            let shared: RefOr<Response> = RefOr::Ref(Ref::from_response_name(PROBLEM));
            operation.responses.responses.insert("default".to_owned(), shared);
        }
    }
    (app, document)
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.post, &mut item.put, &mut item.delete, &mut item.patch]
        .into_iter()
        .filter_map(Option::as_mut)
}
