//! The documents of the API, and a page to read and try them.

use actix_web::{
    HttpResponse, get,
    web::{Bytes, Data},
};
use utoipa_swagger_ui::{Config, SwaggerUi};

/// The documents as they are served.
#[derive(Clone, Debug)]
pub(crate) struct Documents {
    pub(crate) openapi: Bytes,
    pub(crate) asyncapi: Bytes,
}

/// This API as an OpenAPI document
#[utoipa::path(
    tag = "operations",
    responses((status = 200, description = "OpenAPI 3.1", body = Object))
)]
#[get("/openapi.json")]
pub(crate) async fn openapi_document(documents: Data<Documents>) -> HttpResponse {
    json(&documents.openapi)
}

/// The stream as an AsyncAPI document
#[utoipa::path(
    tag = "operations",
    responses((status = 200, description = "AsyncAPI 3.0", body = Object))
)]
#[get("/asyncapi.json")]
pub(crate) async fn asyncapi_document(documents: Data<Documents>) -> HttpResponse {
    json(&documents.asyncapi)
}

fn json(document: &Bytes) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(document.clone())
}

/// Swagger UI at `/docs`, reading `/openapi.json`.
pub(crate) fn docs() -> SwaggerUi {
    SwaggerUi::new("/docs/{_:.*}").config(Config::from("/openapi.json"))
}
