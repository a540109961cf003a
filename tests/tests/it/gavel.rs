//! The binary's own promises: what it refuses, how it ends, what it says.

use std::{
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use infra::config::Secret;
use sqlx::Connection as _;
use tests::{
    fixture, repo,
    stack::{Plan, Stack},
};
use tokio_util::sync::CancellationToken;

fn run(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).output().unwrap()
}

fn gavel(args: &[&str]) -> Command {
    let mut command = Command::new(repo::gavel_binary().unwrap());
    command.args(args);
    command
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Settings that are complete; nothing but Postgres is there.
fn settings(command: &mut Command, postgres: &str) {
    let address = "0x00000000000000000000000000000000000000aa";
    command
        .env("GAVEL_POSTGRES__URL", postgres)
        .env("GAVEL_REDIS__URL", "redis://127.0.0.1:1")
        .env("GAVEL_CHAIN__RPC_URL", "http://user:hunter2@127.0.0.1:1")
        .env("GAVEL_CHAIN__CHAIN_ID", "31337")
        .env("GAVEL_CHAIN__SETTLEMENT", address)
        .env("GAVEL_API__LISTEN", "127.0.0.1:0")
        .env("GAVEL_RECEIPTS__KEY", "11".repeat(32))
        .env("GAVEL_LOG__FORMAT", "text");
}

#[tokio::test]
async fn serve_refuses_a_database_that_was_never_migrated_and_migrate_mends_it() {
    let migrated = fixture::database().await.unwrap();
    let empty = format!("{migrated}_empty");
    let mut conn = sqlx::PgConnection::connect(&migrated).await.unwrap();
    let name = empty.rsplit('/').next().unwrap();
    sqlx::query(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}")))
        .execute(&mut conn)
        .await
        .unwrap();
    let mut serve = gavel(&["serve", "--roles", "api"]);
    settings(&mut serve, &empty);
    let refused = run(&mut serve);
    assert_eq!(refused.status.code(), Some(i32::from(gavel::exit::CONFIG)), "{}", said(&refused));
    assert!(said(&refused).contains("run `gavel migrate`"), "{}", said(&refused));

    for _ in 0..2 {
        let mut migrate = gavel(&["migrate"]);
        settings(&mut migrate, &empty);
        let done = run(&mut migrate);
        assert_eq!(done.status.code(), Some(0), "{}", said(&done));
    }
    let config = infra::config::PostgresConfig::for_url(&empty);
    let pool = infra::pg::connect(&config).unwrap();
    assert!(infra::pg::is_migrated(&pool).await.unwrap());
}

#[test]
fn the_configuration_is_shown_without_secrets_and_refused_with_its_reasons() {
    let mut config = gavel(&["config"]);
    settings(&mut config, "postgres://user:hunter2@host/db");
    let shown = run(&mut config);
    let text = String::from_utf8_lossy(&shown.stdout);
    assert_eq!(shown.status.code(), Some(0), "{}", said(&shown));
    assert!(text.contains("\"window_ms\"") && text.contains("***"), "{text}");
    assert!(!text.contains("hunter2") && !text.contains("1111"), "{text}");

    let bare = run(gavel(&["config"]).env_clear());
    assert_eq!(bare.status.code(), Some(i32::from(gavel::exit::CONFIG)));
    for key in ["postgres.url", "redis.url", "chain.rpc_url"] {
        assert!(said(&bare).contains(key), "every finding at once: {}", said(&bare));
    }
}

#[test]
fn the_committed_documents_of_the_api_are_those_of_this_binary() {
    let folder = repo::root().join("openapi");
    let checked = run(&mut gavel(&["openapi", "--check", &folder.display().to_string()]));
    assert_eq!(checked.status.code(), Some(0), "{}", said(&checked));
    let scratch = fixture::scratch().unwrap();
    let elsewhere = scratch.path().display().to_string();
    let missing = run(&mut gavel(&["openapi", "--check", &elsewhere]));
    assert_eq!(missing.status.code(), Some(i32::from(gavel::exit::DIFFERS)));
    assert!(run(&mut gavel(&["openapi", "--write", &elsewhere])).status.success());
    assert!(run(&mut gavel(&["openapi", "--check", &elsewhere])).status.success());
}

#[tokio::test]
async fn roles_run_in_this_process_on_a_free_port_and_stop_when_asked() {
    let stack = Stack::start(Plan::default()).await.unwrap();
    let mut config = stack.config().unwrap();
    config.api.listen = "127.0.0.1:0".parse().unwrap();
    config.receipts.key = Some(Secret::new(stack.market.receipts.secret_hex()));
    config.settlement.settler_key = Some(Secret::new(stack.market.settler.secret_hex()));
    let token = CancellationToken::new();
    let serving = gavel::serve(config, gavel::Roles::ALL, &token).await.unwrap();
    let address = serving.address();
    assert_ne!(address.port(), 0);
    let client = tests::client::Client::new(&format!("http://{address}")).unwrap();
    tests::wait::until("ready", Duration::from_secs(30), || async {
        match client.get("/health/ready").await {
            Ok(answer) if answer.status == 200 => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await
    .unwrap();
    let begun = Instant::now();
    token.cancel();
    serving.wait().await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(15));
    assert!(client.get("/health/live").await.is_err(), "nothing listens any more");
}

#[tokio::test]
async fn a_solver_without_rights_says_so_and_ends() {
    let stack = Stack::start(Plan { solvers: 2, ..Plan::default() }).await.unwrap();
    let service = stack.serve("api").await.unwrap();
    let (first, second) = (&stack.market.solvers[0], &stack.market.solvers[1]);
    let solver = |filler: String, key: String| {
        let mut command = gavel(&["solver", "--strategy", "ring", "--api", &service.api_url]);
        command.args(["--rpc", &stack.anvil.url(), "--filler", &filler, "--key-env", "KEY"]);
        run(command.env("KEY", key))
    };
    let foreign = solver(second.filler.to_string(), first.key.secret_hex());
    assert_eq!(foreign.status.code(), Some(i32::from(gavel::exit::CONFIG)));
    assert!(said(&foreign).contains("does not sign for solver"), "{}", said(&foreign));
    let unbound = solver(first.key.address().to_string(), first.key.secret_hex());
    assert_eq!(unbound.status.code(), Some(i32::from(gavel::exit::CONFIG)));
    assert!(said(&unbound).contains("is bound to no solver"), "{}", said(&unbound));
}

#[tokio::test]
async fn serve_refuses_contracts_that_are_not_the_configured_ones() {
    let stack = Stack::start(Plan::default()).await.unwrap();
    let mut config = stack.config().unwrap();
    config.api.listen = "127.0.0.1:0".parse().unwrap();
    config.receipts.key = Some(Secret::new(stack.market.receipts.secret_hex()));
    let (token, roles) = (CancellationToken::new(), "api".parse().unwrap());
    let settlement = config.chain.settlement;
    let nobody = stack.owner(0).address();
    let mut refusals = Vec::new();
    for (chain_id, settlement) in [
        (1, settlement),
        (config.chain.chain_id, nobody),
        (config.chain.chain_id, stack.token("WETH")),
    ] {
        let mut wrong = config.clone();
        (wrong.chain.chain_id, wrong.chain.settlement) = (chain_id, settlement);
        refusals.push(gavel::serve(wrong, roles, &token).await.unwrap_err().to_string());
    }
    assert!(refusals[0].contains("the node's chain is 31337, not 1"), "{refusals:?}");
    assert!(refusals[1].contains("chain.settlement"), "{refusals:?}");
    assert!(refusals[2].contains("chain.settlement"), "{refusals:?}");
}
