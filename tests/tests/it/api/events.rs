//! The history of the stream as JSON pages.

use reqwest::header::ACCEPT;
use serde_json::Value;
use tests::{client::Answer, wait};

use super::edge::{Edge, problem};

impl Edge {
    /// A page of the history.
    pub(super) async fn page(&self, query: &str) -> Answer {
        let request = self.client.http().get(self.client.at(&format!("/v1/events{query}")));
        let response = request.header(ACCEPT, "application/json").send().await.unwrap();
        Answer { status: response.status().as_u16(), body: response.json().await.unwrap() }
    }

    /// Waits until so many events are numbered, and returns them.
    pub(super) async fn history(&self, count: usize) -> Vec<Value> {
        wait::until("the events being numbered", std::time::Duration::from_secs(10), || async {
            let page = self.page("?limit=1000").await.body;
            let items = page["items"].as_array().unwrap().clone();
            if items.len() >= count { Ok(items) } else { Err(format!("{} events", items.len())) }
        })
        .await
        .unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_history_follow_one_another_and_name_unknown_cursors() {
    let edge = Edge::start().await;
    for n in 0..5 {
        edge.accepted(n % 4).await;
    }
    let all = edge.history(5).await;
    let seqs: Vec<_> = all.iter().map(|event| event["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, [1, 2, 3, 4, 5]);
    assert_eq!(all[0]["kind"], "intent.opened");
    let first = edge.page("?limit=2").await.body;
    assert_eq!(first["items"].as_array().unwrap()[..], all[..2]);
    let next = first["next"].as_str().unwrap();
    assert_eq!(next, all[1]["cursor"]);
    let rest = edge.page(&format!("?after={next}")).await.body;
    assert_eq!(rest["items"].as_array().unwrap()[..], all[2..]);
    let end = edge.page(&format!("?after={}", rest["next"].as_str().unwrap())).await.body;
    assert_eq!(end["items"].as_array().unwrap().len(), 0);
    assert_eq!(end["next"], rest["next"]);

    let epoch = next.split(':').next().unwrap();
    problem(edge.page(&format!("?after={epoch}:99")).await, 410, "resync_required");
    problem(edge.page("?after=1:1").await, 410, "resync_required");
    sqlx::query("DELETE FROM event WHERE seq <= 3").execute(&edge.pool).await.unwrap();
    problem(edge.page(&format!("?after={epoch}:1")).await, 410, "resync_required");
    assert_eq!(
        edge.page(&format!("?after={epoch}:3")).await.body["items"].as_array().unwrap().len(),
        2
    );
}
