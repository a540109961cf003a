use super::{finding::scientific, receipts};

#[test]
fn scores_are_shown_with_four_digits() {
    let shown = |text: &str| scientific(text.parse().unwrap());
    assert_eq!(shown("0"), "0");
    assert_eq!(shown("123456"), "123456");
    assert_eq!(shown("1234567"), "1.234e6");
    assert_eq!(shown("1999999999999999999"), "1.999e18");
}

#[test]
fn receipts_are_read_as_an_array_or_line_by_line_bare_or_as_they_were_answered() {
    let word = |n: u8| format!("0x{}", format!("{n:02x}").repeat(32));
    let one = format!(
        r#"{{"auction_id":3,"open_hash":"{}","bid":"{}","ms":7,"seq":0,"signature":"0x12"}}"#,
        word(1),
        word(2)
    );
    let answered = format!(r#"{{"receipt":{one},"advice":null}}"#);
    for text in [
        format!("[{one},{answered}]"),
        format!("{one}\n\n{answered}\n"),
        format!("[\n{one},\n{one}\n]"),
    ] {
        let read = receipts::parse(&text).unwrap();
        assert_eq!((read.len(), read[0].ms, &read[0]), (2, 7, &read[1]));
    }
    assert_eq!(receipts::parse("").unwrap(), []);
    assert!(receipts::parse("{}").unwrap_err().starts_with("receipt 0"));
    assert!(receipts::parse("[1").is_err());
}
