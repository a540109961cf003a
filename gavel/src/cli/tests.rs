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
