//! The board under sources that fail, hang and die.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use domain::Amount;

use super::{super::Reading, *};
use crate::config::CONFIGURED;

const TOKEN: Address = Address::repeat_byte(0xaa);

/// Says its count of reads; from the one numbered `bad` on it does what `turn` says.
struct Fake {
    name: &'static str,
    reads: Arc<AtomicU32>,
    bad: u32,
    turn: Turn,
}

#[derive(Clone, Copy)]
enum Turn {
    Fail,
    Withdraw,
    Hang,
    Panic,
}

impl PriceSource for Fake {
    fn name(&self) -> &str {
        self.name
    }

    fn max_age_ms(&self) -> u64 {
        1_000
    }

    fn poll(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn read(&mut self) -> Reading<'_> {
        let number = self.reads.fetch_add(1, Ordering::SeqCst) + 1;
        let (bad, turn) = (self.bad, self.turn);
        Box::pin(async move {
            match turn {
                _ if number < bad => Ok(vec![quote(number)]),
                Turn::Fail => Err(SourceError::Unreachable),
                Turn::Withdraw => Err(SourceError::ThinPair),
                Turn::Hang => std::future::pending().await,
                Turn::Panic => panic!("a source with a bug"),
            }
        })
    }
}

fn quote(number: u32) -> Quote {
    let worth = Worth::Numeraire(Amount::from(u64::from(number)));
    Quote { token: TOKEN, worth, dated: Dated::Standing }
}

struct Scene {
    board: Board,
    stop: CancellationToken,
    running: tokio::task::JoinHandle<()>,
}

fn run(fakes: Vec<(&'static str, Arc<AtomicU32>, u32, Turn)>) -> Scene {
    let sources: Vec<Box<dyn PriceSource>> = fakes
        .into_iter()
        .map(|(name, reads, bad, turn)| Box::new(Fake { name, reads, bad, turn }) as _)
        .collect();
    let (board, watch) = watch(&Configured::new(&[]), sources);
    let stop = CancellationToken::new();
    let running = tokio::spawn(watch.run(stop.clone()));
    Scene { board, stop, running }
}

async fn until(condition: impl Fn() -> bool) {
    let patience = Duration::from_secs(10);
    let met = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(patience, met).await.unwrap();
}

impl Scene {
    fn worth(&self, source: &str) -> Option<Worth> {
        self.board.heard(source, TOKEN).map(|heard| heard.worth)
    }

    async fn ends(self) {
        self.stop.cancel();
        tokio::time::timeout(Duration::from_secs(10), self.running).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn what_a_source_said_before_it_failed_stands_and_grows_old() {
    let reads = Arc::new(AtomicU32::new(0));
    let scene = run(vec![("desk", Arc::clone(&reads), 4, Turn::Fail)]);
    until(|| reads.load(Ordering::SeqCst) >= 10).await;
    let heard = scene.board.heard("desk", TOKEN).unwrap();
    assert_eq!((heard.worth, heard.max_age_ms), (quote(3).worth, 1_000));
    until(|| scene.board.heard("desk", TOKEN).unwrap().read_ms_ago > heard.read_ms_ago).await;
    assert_eq!(scene.board.heard("desk", Address::ZERO), None);
    assert_eq!(scene.board.heard("nobody", TOKEN), None);
    scene.ends().await;
}

#[tokio::test]
async fn a_source_that_takes_back_what_it_said_has_said_nothing() {
    let reads = Arc::new(AtomicU32::new(0));
    let scene = run(vec![("pool", Arc::clone(&reads), 4, Turn::Withdraw)]);
    until(|| reads.load(Ordering::SeqCst) >= 10).await;
    assert_eq!(scene.worth("pool"), None);
    scene.ends().await;
}

#[tokio::test]
async fn a_source_that_hangs_or_dies_stops_no_other_and_no_shutdown() {
    let reads = || Arc::new(AtomicU32::new(0));
    let (hangs, dies, works) = (reads(), reads(), reads());
    let scene = run(vec![
        ("hangs", hangs, 2, Turn::Hang),
        ("dies", dies, 2, Turn::Panic),
        ("works", Arc::clone(&works), u32::MAX, Turn::Fail),
    ]);
    until(|| works.load(Ordering::SeqCst) >= 50).await;
    assert_eq!(scene.worth("hangs"), Some(quote(1).worth));
    assert_eq!(scene.worth("dies"), Some(quote(1).worth));
    assert!(scene.worth("works").is_some());
    scene.ends().await;
}

#[test]
fn configured_prices_are_there_before_anybody_is_asked() {
    let token = TokenConfig {
        symbol: "T".to_owned(),
        address: TOKEN,
        decimals: 18,
        price: Amount::from(5_u64),
        sources: vec![CONFIGURED.to_owned()],
        quorum: None,
    };
    let heard = Board::configured(&[token]).heard(CONFIGURED, TOKEN).unwrap();
    assert_eq!((heard.worth, heard.dated), (quote(5).worth, Dated::Standing));
}
