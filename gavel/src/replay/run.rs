//! The command.

use std::{
    io::{self, Write as _},
    pin::Pin,
};

use domain::auction::PublicRecord;
use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream};
use serde_json::json;
use solvers::client::{Client, ClientError};
use tokio_util::sync::CancellationToken;

use super::{
    args::ReplayArgs,
    measure::replay,
    own::own,
    records,
    table::{self, Sum},
};
use crate::{
    audit::{from_file, listed},
    exit::{CONFIG, DIFFERS, Exit, FAILED, UNAVAILABLE},
};

type Records = Pin<Box<dyn Stream<Item = Result<PublicRecord, Exit>>>>;

/// Replays until the end, or until `stop`.
pub(crate) async fn run(args: ReplayArgs, stop: &CancellationToken) -> Result<(), Exit> {
    let records = match &args.api {
        Some(api) => from_api(api, args.from, args.to)?,
        None => from_files(&args)?,
    };
    let replayed = all(&args, records);
    tokio::select! {
        done = replayed => done,
        () = stop.cancelled() => Err(Exit::new(FAILED, "interrupted")),
    }
}

fn from_files(args: &ReplayArgs) -> Result<Records, Exit> {
    let files = stream::iter(records::files(&args.files)?);
    Ok(Box::pin(files.map(|path| {
        let subject = from_file(&path).map_err(|error| Exit::new(CONFIG, error))?;
        subject.record.map_err(|fault| Exit::new(CONFIG, fault))
    })))
}

fn from_api(api: &str, from: u64, to: Option<u64>) -> Result<Records, Exit> {
    let client = Client::new(api).map_err(|error| Exit::new(CONFIG, error))?;
    let away = |error: ClientError| {
        let code = if error.retryable() { UNAVAILABLE } else { CONFIG };
        Exit::new(code, format!("the API: {error}"))
    };
    let records = listed(client.clone(), from, to).and_then(move |view| {
        let client = client.clone();
        async move { client.export(view.id).await }
    });
    Ok(Box::pin(records.map_err(away)))
}

async fn all(args: &ReplayArgs, mut records: Records) -> Result<(), Exit> {
    let mut sum = Sum::default();
    if !args.json {
        say(table::HEAD)?;
    }
    while let Some(record) = records.try_next().await? {
        let (auction, runs, solver) = (record.opening.auction_id, args.runs, args.solver);
        // long enough to be kept off the runtime's threads
        let replayed = tokio::task::spawn_blocking(move || {
            replay(&record, runs).map(|(found, decision)| {
                let mine = solver.and_then(|solver| own(&record, &decision, solver));
                (found, mine)
            })
        });
        let replayed = replayed.await.map_err(|error| Exit::new(FAILED, error))?;
        let (found, mine) = match replayed {
            Ok(found) => found,
            Err(why) => {
                let _ = writeln!(io::stderr(), "auction {auction} {why}");
                continue;
            }
        };
        sum.add(&found);
        if args.json {
            let mut value = json!(found);
            if let Some(mine) = &mine {
                value["own"] = json!(mine);
            }
            say(&value.to_string())?;
        } else {
            say(&table::row(&found))?;
            if let Some(mine) = &mine {
                say(table::own(mine).trim_end())?;
            }
        }
    }
    let differing = sum.differing();
    let _ = writeln!(io::stderr(), "{}", sum.text());
    match differing {
        0 => Ok(()),
        n => Err(Exit::new(DIFFERS, format!("{n} decisions come out otherwise than recorded"))),
    }
}

fn say(line: &str) -> Result<(), Exit> {
    writeln!(io::stdout(), "{line}").map_err(|error| Exit::new(FAILED, error))
}
