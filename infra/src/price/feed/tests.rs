//! What is read of a document, and what becomes of a feed that misbehaves.

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::*;
use crate::config::Secret;

const TOKEN: Address = Address::repeat_byte(0xaa);

fn read(text: &str) -> Result<(Vec<Quote>, u64), SourceError> {
    parse(text.as_bytes(), &BTreeSet::from([TOKEN]))
}

fn entry(price: &str, at_ms: u64) -> String {
    format!(r#"{{"token": "{TOKEN}", "price": "{price}", "at_ms": {at_ms}, "venue": "x"}}"#)
}

fn quote(price: u64, at_ms: u64) -> Quote {
    let worth = Worth::Numeraire(Amount::from(price));
    Quote { token: TOKEN, worth, dated: Dated::At(at_ms) }
}

#[test]
fn fields_and_tokens_that_nobody_asked_for_are_passed_over() {
    let other =
        r#"{"token": "0x00000000000000000000000000000000000000bb", "price": "1", "at_ms": 1}"#;
    let text = format!(r#"{{"v": 2, "prices": [{other}, {}]}}"#, entry("7", 9));
    assert_eq!(read(&text), Ok((vec![quote(7, 9)], 0)));
    assert_eq!(read(r#"{"prices": []}"#), Ok((vec![], 0)));
}

#[test]
fn an_entry_that_does_not_read_hurts_no_other() {
    let bad = [
        r#"{"token": "0xbb", "price": "1", "at_ms": 1}"#.to_owned(),
        "7".to_owned(),
        "null".to_owned(),
        entry("0.5", 1),
        entry("-1", 1),
        entry("1e18", 1),
        entry(&"9".repeat(79), 1),
        format!(r#"{{"token": "{TOKEN}", "price": 5, "at_ms": 1}}"#),
        format!(r#"{{"token": "{TOKEN}", "price": "5"}}"#),
        format!(r#"{{"token": "{TOKEN}", "price": "5", "at_ms": -1}}"#),
    ];
    let text = format!(r#"{{"prices": [{}, {}]}}"#, bad.join(","), entry("7", 9));
    assert_eq!(read(&text), Ok((vec![quote(7, 9)], bad.len() as u64)));
}

#[test]
fn of_several_entries_for_a_token_the_newest_counts() {
    let (old, new) = (entry("7", 9), entry("8", 10));
    for pair in [format!("{old}, {new}"), format!("{new}, {old}")] {
        let text = format!(r#"{{"prices": [{pair}]}}"#);
        assert_eq!(read(&text), Ok((vec![quote(8, 10)], 0)));
    }
}

#[test]
fn anything_else_is_no_feed() {
    for text in ["", "[]", "{}", r#"{"prices": {}}"#, "<html>", r#"{"prices": [}"#] {
        assert_eq!(read(text), Err(SourceError::NotAFeed), "{text}");
    }
}

/// Answers the first request with these bytes, and keeps the connection open.
async fn serve(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 4_096];
        let _ = stream.read(&mut request).await;
        stream.write_all(answer).await.unwrap();
        let _ = stream.read(&mut request).await;
    });
    url
}

async fn fetch(url: String) -> Result<Vec<Quote>, SourceError> {
    let config = FeedConfig {
        name: "desk".to_owned(),
        url: Secret::new(url),
        poll_ms: 100,
        timeout_ms: 500,
        max_body_bytes: 64,
        max_age_ms: 1_000,
    };
    Feed::new(&config, BTreeSet::from([TOKEN])).unwrap().read().await
}

#[tokio::test]
async fn a_document_is_read_to_its_limit_and_no_further_whatever_it_says_about_its_length() {
    let empty = b"HTTP/1.1 200 OK\r\ncontent-length: 14\r\n\r\n{\"prices\": []}";
    assert_eq!(fetch(serve(empty).await).await, Ok(vec![]));
    let honest = b"HTTP/1.1 200 OK\r\ncontent-length: 65\r\n\r\n\
        {\"prices\": []}                                                   ";
    assert_eq!(fetch(serve(honest).await).await, Err(SourceError::TooLong));
    let endless = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n\
        20\r\n                                \r\n20\r\n                                \r\n\
        20\r\n                                \r\n";
    assert_eq!(fetch(serve(endless).await).await, Err(SourceError::TooLong));
}

#[tokio::test]
async fn a_feed_that_fails_sends_elsewhere_stalls_or_is_not_there_is_told_apart() {
    let failing = b"HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n";
    assert_eq!(fetch(serve(failing).await).await, Err(SourceError::Status(503)));
    let elsewhere =
        b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n";
    assert_eq!(fetch(serve(elsewhere).await).await, Err(SourceError::Status(302)));
    let stalling = b"HTTP/1.1 200 OK\r\ncontent-length: 14\r\n\r\n{\"pri";
    assert_eq!(fetch(serve(stalling).await).await, Err(SourceError::Timeout));
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    assert_eq!(fetch(format!("http://{nobody}/")).await, Err(SourceError::Unreachable));
}
