//! An intent whose owner is a contract: only the contract can say whose signature it is, so it is
//! asked again at the auction's own block.

use alloy::primitives::B256;
use domain::{
    AuctionId,
    auction::PublicRecord,
    batch::{OwnerSignature, SignedIntent},
};
use serde_json::json;

use super::{audit, history::History, line, line_of, told::forgetful, watched};

const REFUSED: &str = "unchecked: 1 signatures that their contracts do not accept at block";

pub(super) async fn contracts_are_asked(history: &History) {
    let client = solvers::client::Client::new(&history.api).unwrap();
    let record = client.export(AuctionId::new(history.by_contract)).await.unwrap();
    assert!(
        matches!(signature(&mut record.clone()), OwnerSignature::Contract(_)),
        "the first auction has an owner that is a contract"
    );
    without_a_node(history, &record).await;
    without_its_state(history).await;
    taken_back(history).await;
    another_signature(history, &record).await;
}

/// The signature of the intent that was posted for the contract.
fn signature(record: &mut PublicRecord) -> &mut OwnerSignature {
    let intents = record.contents.as_mut().unwrap().intents.iter_mut();
    let mut signatures = intents.map(|SignedIntent { signature, .. }| signature);
    signatures.find(|found| matches!(found, OwnerSignature::Contract(_))).unwrap()
}

/// By itself the record holds, and it is told that the chain was not asked.
async fn without_a_node(history: &History, record: &PublicRecord) {
    let file = written(history, record);
    let (code, out, err) = audit(line(&[("file", &file)])).await;
    assert!(code == 0 && out.contains("unchecked: the chain (no --rpc)"), "{out}\n{err}");
    let (code, out, err) = audit(line(&[("file", &file), ("rpc", &history.rpc)])).await;
    assert!(code == 0 && !out.contains("unchecked"), "the contract said yes: {out}\n{err}");
}

async fn without_its_state(history: &History) {
    let node = forgetful(history).await;
    let (code, out, err) = audit(line(&[("api", &history.api), ("rpc", &node.url)])).await;
    let said = line_of(&out, history.by_contract).unwrap();
    assert!(code == 0 && said.contains(" ok "), "{said}\n{err}");
    assert!(said.contains("unchecked: 1 signatures of contracts (no state of block"), "{said}");
}

/// A contract may change its mind after the intent was posted, which is no fault of the auction's.
async fn taken_back(history: &History) {
    let owner = json!(history.contract);
    let said = watched(history, "eth_call", move |request, answer| {
        if request["params"][0]["to"] == owner { json!(B256::ZERO) } else { answer }
    });
    let (code, out, err) = said.await;
    let said = line_of(&out, history.by_contract).unwrap();
    assert!(code == 0 && said.contains(" ok ") && said.contains(REFUSED), "{said}\n{err}");
    let others = out.lines().filter(|line| line.contains(REFUSED)).count();
    assert_eq!(others, history.of_contract, "nobody else was asked: {out}");
}

/// The contract does not know this one, so with it a bid on its intent ends otherwise than recorded.
async fn another_signature(history: &History, record: &PublicRecord) {
    let mut forged = record.clone();
    *signature(&mut forged) = OwnerSignature::Contract(vec![7; 5].into());
    assert_eq!(forged.verify(), Ok(()), "by itself nothing is wrong with it");
    let file = written(history, &forged);
    let (code, out, err) = audit(line(&[("file", &file), ("rpc", &history.rpc)])).await;
    assert_eq!(code, i32::from(gavel::exit::DIFFERS), "{out}\n{err}");
    for word in ["FAILED", "false simulation drop", REFUSED] {
        assert!(out.contains(word), "{word:?} is not in {out}");
    }
}

fn written(history: &History, record: &PublicRecord) -> String {
    let file = history.folder.path().join("contract.json");
    std::fs::write(&file, record.canonical().unwrap()).unwrap();
    file.display().to_string()
}
