use clap::{CommandFactory as _, Parser as _, error::ErrorKind};

use super::*;

fn parse(line: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(line.split_whitespace())
}

#[test]
fn the_command_line_is_well_formed() {
    Cli::command().debug_assert();
}

#[test]
fn serve_takes_a_file_and_roles() {
    let cli = parse("gavel serve --config gavel.toml --roles api,auction").unwrap();
    let Command::Serve { config, roles } = cli.command else { panic!("serve") };
    assert_eq!(config.config, Some("gavel.toml".into()));
    assert_eq!(roles.to_string(), "api,auction");
    assert!(parse("gavel serve --roles cook").is_err());
}

#[test]
fn openapi_checks_and_writes_the_folder_of_the_repository_unless_told_otherwise() {
    let folder = |line| match parse(line).unwrap().command {
        Command::Openapi(OpenapiArgs { check, write }) => (check, write),
        other => panic!("{other:?}"),
    };
    assert_eq!(folder("gavel openapi --check"), (Some("openapi".into()), None));
    assert_eq!(folder("gavel openapi --write x"), (None, Some("x".into())));
    let both = parse("gavel openapi --write x --check").unwrap_err();
    assert_eq!(both.kind(), ErrorKind::ArgumentConflict);
}

#[test]
fn a_solver_needs_exactly_one_place_for_its_key() {
    let line = "gavel solver --strategy ring --api http://x --rpc http://y \
                --filler 0x00000000000000000000000000000000000000aa";
    assert_eq!(parse(line).unwrap_err().kind(), ErrorKind::MissingRequiredArgument);
    assert!(parse(&format!("{line} --key-env KEY")).is_ok());
    assert!(parse(&format!("{line} --key-file key.hex --price 0xaa=1")).is_err());
    let both = parse(&format!("{line} --key-env KEY --key-file key.hex")).unwrap_err();
    assert_eq!(both.kind(), ErrorKind::ArgumentConflict);
}

#[test]
fn an_audit_needs_records_and_an_api_needs_a_node() {
    let line = "gavel audit";
    assert_eq!(parse(line).unwrap_err().kind(), ErrorKind::MissingRequiredArgument);
    assert!(parse(&format!("{line} --file a.json b.json")).is_ok());
    assert!(parse(&format!("{line} --file a.json --rpc http://y --receipts r.json")).is_ok());
    let alone = parse(&format!("{line} --api http://x")).unwrap_err();
    assert_eq!(alone.kind(), ErrorKind::MissingRequiredArgument);
    let api = format!("{line} --api http://x --rpc http://y");
    assert!(parse(&format!("{api} --from 3 --to 9 --json")).is_ok());
    assert!(parse(&format!("{api} --auction 3")).is_ok());
    let both = parse(&format!("{api} --auction 3 --from 2")).unwrap_err();
    assert_eq!(both.kind(), ErrorKind::ArgumentConflict);
    assert!(parse(&format!("{api} --from 0")).is_err());
}

#[test]
fn a_replay_takes_files_or_an_api() {
    assert!(parse("gavel replay a.json folder --runs 9 --json").is_ok());
    assert!(parse("gavel replay --api http://x --from 2 --to 3").is_ok());
    assert!(parse("gavel replay").is_err() && parse("gavel replay a.json --api http://x").is_err());
}
