//! The documents as they are committed under `openapi/`.

/// File names and contents, ready to be written.
///
/// # Errors
/// If a document is no JSON, which a test rules out.
pub fn documents() -> Result<[(&'static str, String); 2], serde_json::Error> {
    let openapi = serde_json::to_string_pretty(&crate::openapi())? + "\n";
    let asyncapi = serde_json::to_string_pretty(&crate::asyncapi())? + "\n";
    Ok([("openapi.json", openapi), ("asyncapi.json", asyncapi)])
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, path::Path};

    use serde_json::Value;

    use super::*;

    fn folder() -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../openapi")
    }

    /// `GAVEL_WRITE_DOCUMENTS=1` renews the committed ones first.
    #[test]
    fn the_committed_documents_are_the_generated_ones() {
        for (name, text) in documents().unwrap() {
            let path = folder().join(name);
            if std::env::var_os("GAVEL_WRITE_DOCUMENTS").is_some() {
                std::fs::write(&path, &text).unwrap();
            }
            let committed = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(committed == text, "openapi/{name} has drifted: run `gavel openapi`");
        }
    }

    #[test]
    fn the_longest_signature_of_an_owner_is_documented() {
        let [(_, text), _] = documents().unwrap();
        let document: Value = serde_json::from_str(&text).unwrap();
        for schema in ["IntentSubmission", "CancelRequest"] {
            let told = &document["components"]["schemas"][schema]["properties"]["signature"];
            let digits = "0x".len() + 2 * domain::signature::MAX_OWNER_SIGNATURE;
            assert_eq!(told["maxLength"], digits, "{schema}");
        }
    }

    /// Every `$ref` in a document.
    fn references(value: &Value, into: &mut BTreeSet<String>) {
        match value {
            Value::Object(object) => {
                if let Some(Value::String(target)) = object.get("$ref") {
                    into.insert(target.clone());
                }
                object.values().for_each(|value| references(value, into));
            }
            Value::Array(values) => values.iter().for_each(|value| references(value, into)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    #[test]
    fn every_reference_of_both_documents_leads_somewhere() {
        for (name, text) in documents().unwrap() {
            let document: Value = serde_json::from_str(&text).unwrap();
            let mut targets = BTreeSet::new();
            references(&document, &mut targets);
            assert!(!targets.is_empty());
            for target in targets {
                let pointer = target.strip_prefix('#').unwrap();
                assert!(document.pointer(pointer).is_some(), "{name}: {target} leads nowhere");
            }
        }
    }

    #[test]
    fn every_operation_has_a_name_of_its_own_a_tag_and_a_problem_response() {
        let document = serde_json::to_value(crate::openapi()).unwrap();
        let mut names = BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let name = operation["operationId"].as_str().unwrap();
                assert!(names.insert(name.to_owned()), "{method} {path}: {name} twice");
                assert!(operation["tags"][0].is_string(), "{method} {path}");
                assert!(operation["summary"].is_string(), "{method} {path}");
                let problem = &operation["responses"]["default"]["$ref"];
                assert_eq!(problem, "#/components/responses/Problem", "{method} {path}");
            }
        }
        assert!(names.len() >= 16);
    }

    /// The route attributes of the sources, read as text: what actix serves.
    fn served() -> BTreeSet<(String, String)> {
        fn visit(folder: &Path, found: &mut BTreeSet<(String, String)>) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    visit(&path, found);
                    continue;
                }
                for line in std::fs::read_to_string(&path).unwrap().lines() {
                    for method in ["get", "post", "put", "delete", "patch"] {
                        let start = format!("#[{method}(\"");
                        if let Some(rest) = line.trim().strip_prefix(&start) {
                            let path = rest.split('"').next().unwrap();
                            found.insert((method.to_owned(), path.to_owned()));
                        }
                    }
                }
            }
        }
        let mut found = BTreeSet::new();
        visit(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/routes"), &mut found);
        found
    }

    #[test]
    fn every_route_is_in_the_document_and_everything_in_the_document_is_a_route() {
        let document = serde_json::to_value(crate::openapi()).unwrap();
        let documented: BTreeSet<(String, String)> = document["paths"]
            .as_object()
            .unwrap()
            .iter()
            .flat_map(|(path, item)| {
                item.as_object().unwrap().keys().map(|method| (method.clone(), path.clone()))
            })
            .collect();
        assert_eq!(served(), documented);
    }

    #[test]
    fn every_problem_code_is_in_the_document() {
        let document = serde_json::to_value(crate::openapi()).unwrap();
        let codes = &document["components"]["schemas"]["ProblemCode"];
        let text = codes.to_string();
        for code in crate::Code::ALL {
            assert!(text.contains(&format!("\"{}\"", code.as_str())), "{}", code.as_str());
        }
    }
}
