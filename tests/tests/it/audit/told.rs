//! What cannot be repeated: no reason to fail unless that is asked for, and none to be silent.

use serde_json::{Value, json};

use super::{
    audit, audited,
    history::History,
    line, line_of,
    proxy::{Proxy, rpc_method},
};

/// What `--strict` says in the end.
const NOT_IN_FULL: &str = "auctions are not checked in full";

/// A node without old state.
pub(super) async fn forgetful(history: &History) -> Proxy {
    Proxy::start(&history.rpc, forget).await
}

/// What it answers.
pub(super) fn forget(_: &str, request: &Value, answer: Value) -> Value {
    let block = &request["params"][1];
    if rpc_method(request) == Some("eth_call") && block != "latest" {
        let error = json!({ "code": -32_000, "message": "missing trie node" });
        return json!({ "jsonrpc": "2.0", "id": request["id"], "error": error });
    }
    answer
}

/// A node that has forgotten, a record that is sealed, a file without a node.
pub(super) async fn what_cannot_be_checked_is_told(history: &History) {
    let node = forgetful(history).await;
    let mut flags = line(&[("api", &history.api), ("rpc", &node.url)]);
    let (code, out, err) = audit(flags.clone()).await;
    assert_eq!(code, 0, "{out}\n{err}");
    let said = line_of(&out, history.target).unwrap();
    assert!(said.contains("unchecked: standings (no state"), "{said}");
    assert!(said.contains("unchecked: the simulation that dropped"), "{said}");
    assert!(err.contains("--strict fails on that"), "{err}");
    flags.push("--strict".to_owned());
    let (code, strictly, err) = audit(flags).await;
    assert_eq!(code, i32::from(gavel::exit::DIFFERS), "{strictly}\n{err}");
    assert!(err.contains(NOT_IN_FULL) && !strictly.contains("FAILED"), "{strictly}\n{err}");
    assert_eq!(line_of(&strictly, history.target), Some(said), "it says the same of the auction");

    let mut sealed = history.record.clone();
    sealed.contents = None;
    let (code, out, err) = audited(history, &sealed).await;
    let said = line_of(&out, history.target).unwrap_or_default();
    assert!(code == 0 && said.contains("pending"), "{said}\n{err}");
}

/// Where everything can be repeated, `--strict` has nothing to add; a file alone is not everything.
pub(super) async fn strictness_asks_for_everything(history: &History) {
    let target = history.target.to_string();
    let mut flags = line(&[("api", &history.api), ("rpc", &history.rpc), ("auction", &target)]);
    flags.push("--strict".to_owned());
    let (code, out, err) = audit(flags).await;
    assert_eq!(code, 0, "{out}\n{err}");

    let file = history.folder.path().join("strict.json");
    std::fs::write(&file, history.record.canonical().unwrap()).unwrap();
    let mut flags = line(&[("file", &file.display().to_string())]);
    let (code, out, err) = audit(flags.clone()).await;
    assert!(code == 0 && out.contains("unchecked: the chain (no --rpc)"), "{out}\n{err}");
    flags.push("--strict".to_owned());
    let (code, out, err) = audit(flags).await;
    assert_eq!(code, i32::from(gavel::exit::DIFFERS), "{out}\n{err}");
    assert!(err.contains(NOT_IN_FULL) && !out.contains("FAILED"), "{out}\n{err}");
}
