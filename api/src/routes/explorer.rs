//! `GET /`: a page for people that shows the market as it moves. It is a client of the public
//! stream like any other.

use actix_web::{HttpResponse, http::header};

const PAGE: &str = include_str!("../../explorer/index.html");

/// Everything on the page is its own; nothing may be loaded from elsewhere or sent there.
const POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(crate) async fn explorer() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(PAGE)
}
