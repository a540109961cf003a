//! The command: what to audit, in which order, and what is said of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Write as _},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use domain::{AuctionId, auction::Lineage};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use infra::chain::ChainError;
use solvers::{
    client::{Client, ClientError},
    wire::ChainInfo,
};
use tokio_util::sync::CancellationToken;

use super::{
    args::AuditArgs,
    auditor::{Audited, Auditor, Onlooker},
    elsewhere::Elsewhere,
    finding::{Finding, State, Tally},
    logs::Logs,
    missing,
    node::{self, patiently},
    receipts::{self, Receipts},
    source::{self, Subject},
};
use crate::exit::{CONFIG, DIFFERS, Exit, FAILED, UNAVAILABLE};

/// Auctions under way at once: each may hold a record of many megabytes.
const AT_ONCE: usize = 3;
/// How often is said how far it is.
const PROGRESS: Duration = Duration::from_secs(5);

/// Audits until the end of the range, or until `stop`.
pub(crate) async fn run(args: AuditArgs, stop: &CancellationToken) -> Result<(), Exit> {
    let audit = async {
        match &args.api {
            Some(api) => from_api(&args, api).await,
            None => from_files(&args).await,
        }
    };
    tokio::select! {
        done = audit => done,
        () = stop.cancelled() => Err(Exit::new(FAILED, "interrupted: the audit is not complete")),
    }
}

async fn from_api(args: &AuditArgs, api: &str) -> Result<(), Exit> {
    let client = Client::new(api).map_err(|error| Exit::new(CONFIG, error))?;
    let info: ChainInfo = client.chain().await.map_err(|error| away(&error))?;
    let domain = info.signing_domain();
    let signer = args.receipt_signer.unwrap_or(info.receipt_signer);
    let receipts = args.receipts.as_ref().map(|path| receipts::read(path, &domain, signer));
    let receipts = Arc::new(receipts.transpose()?.unwrap_or_default());
    let (from, to) = args.range();
    let mut views = Box::pin(source::listed(client.clone(), from, to));
    let Some(first) = views.try_next().await.map_err(|error| away(&error))? else {
        return Err(Exit::new(CONFIG, format!("there is no auction from {from} on")));
    };
    let onlooker = match &args.rpc {
        Some(rpc) => Some(onlooker(rpc, &domain, first.block.number).await?),
        None => None,
    };
    let lineage = lineage(&client, from, args.auction.is_some(), first.id).await?;
    let auditor = Auditor { domain, onlooker: onlooker.clone() };
    let listed = Mutex::new(BTreeSet::new());
    let views = stream::once(async { Ok(first) }).chain(views);
    let views = views.inspect_ok(|view| drop(listed.lock().map(|mut all| all.insert(view.id))));
    let audited = views
        .map(|view| {
            let (client, auditor, receipts) = (client.clone(), auditor.clone(), receipts.clone());
            async move {
                let view = view.map_err(|error| away(&error))?;
                let promised = receipts.get(&view.id).map_or(&[][..], Vec::as_slice);
                let subject =
                    source::fetched(&client, view, promised).await.map_err(|error| away(&error))?;
                auditor.audit(subject, promised).await.map_err(|error| unanswered(&error))
            }
        })
        .buffered(AT_ONCE);
    let missing = async {
        let seen = listed.lock().map(|all| all.clone()).unwrap_or_default();
        missing::find(args, &client, &seen, onlooker.as_ref(), &receipts).await
    };
    let missing = stream::once(missing).map_ok(|all| stream::iter(all).map(Ok)).try_flatten();
    report(args, Box::pin(audited.chain(missing)), lineage, &receipts).await
}

async fn from_files(args: &AuditArgs) -> Result<(), Exit> {
    let subjects: Result<BTreeMap<AuctionId, Subject>, String> = args
        .file
        .iter()
        .map(|path| source::from_file(path).map(|subject| (subject.auction, subject)))
        .collect();
    let mut subjects = subjects.map_err(|error| Exit::new(CONFIG, error))?;
    let beside = |subject: &Subject| {
        let others = subjects.values().filter_map(|other| other.record.as_ref().ok());
        let record = subject.record.as_ref().ok();
        record.map_or_else(Elsewhere::default, |record| Elsewhere::among(record, others))
    };
    let elsewhere: Vec<Elsewhere> = subjects.values().map(beside).collect();
    for (subject, elsewhere) in subjects.values_mut().zip(elsewhere) {
        subject.elsewhere = elsewhere;
    }
    let openings = subjects.values().filter_map(|subject| subject.record.as_ref().ok());
    let Some(first) = openings.map(|record| &record.opening).next() else {
        return Err(Exit::new(CONFIG, "no record"));
    };
    let domain = domain::eip712::SigningDomain::new(first.chain_id, first.settlement);
    let receipts = match (&args.receipts, args.receipt_signer) {
        (Some(path), Some(signer)) => receipts::read(path, &domain, signer)?,
        (Some(_), None) => {
            let reason = "--receipts needs --receipt-signer where there is no API to name it";
            return Err(Exit::new(CONFIG, reason));
        }
        (None, _) => Receipts::new(),
    };
    let onlooker = match &args.rpc {
        Some(rpc) => Some(onlooker(rpc, &domain, first.block.number).await?),
        None => None,
    };
    // files may leave gaps: only neighbours are held against each other
    let lineage =
        if subjects.len() == 1 { Lineage::anywhere() } else { beginning(first.auction_id) };
    let auditor = Auditor { domain, onlooker };
    let audited = stream::iter(subjects.into_values()).then(|subject| {
        let promised = receipts.get(&subject.auction).cloned().unwrap_or_default();
        let auditor = &auditor;
        async move { auditor.audit(subject, &promised).await.map_err(|error| unanswered(&error)) }
    });
    report(args, Box::pin(audited), lineage, &receipts).await
}

/// The first record of a chain has no predecessor; any other's is believed where it is not at hand.
fn beginning(first: AuctionId) -> Lineage {
    if first.get() == 1 { Lineage::from_the_first() } else { Lineage::anywhere() }
}

/// What the first record must name: nothing, or the hash that the API gives for the one before.
async fn lineage(
    client: &Client,
    from: u64,
    single: bool,
    first: AuctionId,
) -> Result<Lineage, Exit> {
    if single && first.get() != from {
        return Err(Exit::new(CONFIG, format!("there is no auction {from}")));
    }
    if from <= 1 {
        return Ok(Lineage::from_the_first());
    }
    let before = AuctionId::new(from - 1);
    match client.auction(before).await {
        Ok(view) => Ok(Lineage::after(before, view.open_hash)),
        Err(error) => Err(away(&error)),
    }
}

async fn onlooker(
    rpc: &str,
    domain: &domain::eip712::SigningDomain,
    from_block: u64,
) -> Result<Onlooker, Exit> {
    let chain = node::connect(rpc, domain).await.map_err(|error| unanswered(&error))?;
    let head = patiently(|| chain.block_latest()).await.map_err(|error| unanswered(&error))?;
    if head.at.number < from_block {
        let reason = format!("the node is at block {}, behind the first auction", head.at.number);
        return Err(Exit::new(UNAVAILABLE, reason));
    }
    Ok(Onlooker { chain, logs: Arc::new(tokio::sync::Mutex::new(Logs::from(from_block))) })
}

/// Prints the findings in order, follows the chain of opening records, and counts.
async fn report(
    args: &AuditArgs,
    mut audited: impl stream::Stream<Item = Result<Audited, Exit>> + Unpin,
    mut lineage: Lineage,
    receipts: &Receipts,
) -> Result<(), Exit> {
    let (mut tally, mut held, mut said) = (Tally::default(), 0, Instant::now());
    while let Some(Audited { finding, opening }) = audited.try_next().await? {
        let broken = opening.and_then(|opening| lineage.follow(&opening).err());
        let finding = match broken {
            // whatever else there is follows from holding another auction than the one announced
            Some(fault) => Finding { state: State::Failed(fault.into()), ..finding },
            None => finding,
        };
        tally.add(&finding);
        held += finding.receipts;
        say(&if args.json { finding.json().to_string() } else { finding.text() })?;
        if said.elapsed() > PROGRESS {
            said = Instant::now();
            whisper(&format!("… {} auctions so far, {} failed", tally.total(), tally.failed));
        }
    }
    whisper(&tally.to_string());
    let all: usize = receipts.values().map(Vec::len).sum();
    if held < all {
        whisper(&format!("{} receipts are of auctions that were not audited", all - held));
    }
    match tally.failed {
        0 if args.strict && tally.unchecked > 0 => {
            let reason = format!("{} auctions are not checked in full", tally.unchecked);
            Err(Exit::new(DIFFERS, reason))
        }
        0 => Ok(()),
        n => Err(Exit::new(DIFFERS, format!("{n} of {} auctions do not hold", tally.total()))),
    }
}

fn say(line: &str) -> Result<(), Exit> {
    writeln!(io::stdout(), "{line}").map_err(|error| Exit::new(FAILED, error))
}

/// For people at a terminal: not part of what is printed.
fn whisper(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

pub(super) fn away(error: &ClientError) -> Exit {
    let code = if error.retryable() { UNAVAILABLE } else { CONFIG };
    Exit::new(code, format!("the API: {error}"))
}

pub(super) fn unanswered(error: &ChainError) -> Exit {
    let code = match error {
        ChainError::WrongChain { .. } | ChainError::Config(_) => CONFIG,
        _ => UNAVAILABLE,
    };
    Exit::new(code, format!("the node: {error}"))
}
