//! Where no route is: 404, or 405 with the methods the path takes.

use actix_web::{HttpRequest, HttpResponse, dev::ResourceDef, http::Method, web::Data};
use utoipa::openapi::{OpenApi, path::PathItem};

use crate::problem::{Code, Problem};

/// Every path with its methods, from the OpenAPI document.
#[derive(Debug)]
pub(crate) struct Routes(Vec<(ResourceDef, Vec<&'static str>)>);

impl Routes {
    pub(crate) fn of(document: &OpenApi) -> Self {
        let routes = document.paths.paths.iter();
        Self(routes.map(|(path, item)| (ResourceDef::new(path.as_str()), methods(item))).collect())
    }

    /// The methods `path` takes; `None` if there is no such path.
    fn methods(&self, path: &str) -> Option<Vec<&'static str>> {
        let matching = self.0.iter().filter(|(pattern, _)| pattern.is_match(path));
        let mut methods: Vec<_> = matching.flat_map(|(_, methods)| methods.clone()).collect();
        methods.sort_unstable();
        methods.dedup();
        (!methods.is_empty()).then_some(methods)
    }
}

fn methods(item: &PathItem) -> Vec<&'static str> {
    let known = [
        (item.get.is_some(), "GET"),
        (item.post.is_some(), "POST"),
        (item.put.is_some(), "PUT"),
        (item.delete.is_some(), "DELETE"),
        (item.patch.is_some(), "PATCH"),
    ];
    known.into_iter().filter_map(|(taken, method)| taken.then_some(method)).collect()
}

/// The default service.
pub(crate) async fn fallback(
    request: HttpRequest,
    routes: Data<Routes>,
) -> Result<HttpResponse, Problem> {
    let path = request.path();
    match routes.methods(path) {
        Some(methods) if !methods.contains(&request.method().as_str()) => {
            let allow = methods.join(", ");
            let shown = shown(request.method());
            let detail = format!("this path does not take {shown}, but {allow}");
            Err(Problem::new(Code::MethodNotAllowed, detail).allow(allow))
        }
        Some(_) | None => Err(Problem::new(Code::NotFound, "no such path; see /docs")),
    }
}

/// A method's name, unless the client made it up.
fn shown(method: &Method) -> &str {
    match *method {
        Method::GET
        | Method::POST
        | Method::PUT
        | Method::DELETE
        | Method::PATCH
        | Method::HEAD
        | Method::OPTIONS => method.as_str(),
        _ => "this method",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_path_names_its_methods() {
        let routes = Routes::of(&crate::openapi());
        assert_eq!(routes.methods("/v1/intents"), Some(vec!["GET", "POST"]));
        assert_eq!(routes.methods("/v1/intents/0x12/timeline"), Some(vec!["GET"]));
        assert_eq!(routes.methods("/v1/auctions/7/bids"), Some(vec!["GET", "POST"]));
        assert_eq!(routes.methods("/v1/auctions/7/bids/own"), Some(vec!["GET"]));
        assert_eq!(routes.methods("/v1/nothing"), None);
    }
}
