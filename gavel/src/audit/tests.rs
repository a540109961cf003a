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

#[test]
fn a_block_is_in_time_if_it_was_the_newest_one_between_opening_and_settlement() {
    use super::witness::{Placed, placed};
    let auction = (100, 200);
    assert_eq!(placed((150, Some(162)), auction), Placed::Within);
    assert_eq!(placed((10, None), auction), Placed::Within, "nothing was mined since");
    assert_eq!(placed((10, Some(100)), auction), Placed::Within, "the newest at the opening");
    assert_eq!(placed((10, Some(99)), auction), Placed::Before);
    assert_eq!(placed((200, None), auction), Placed::Within);
    assert_eq!(placed((201, None), auction), Placed::Later);
}

mod simulated {
    use alloy::sol_types::SolError as _;
    use alloy_primitives::{B256, Bytes};
    use domain::{BidId, auction::SimulationDrop};
    use infra::chain::{Simulated, abi};

    use crate::audit::witness::differs;

    fn bid(n: u8) -> BidId {
        BidId::new(B256::repeat_byte(n))
    }

    /// What a run says of bids 1 and 2: the first settles, the second fails with `reason`.
    fn returned(reason: u8, gas: u64) -> Bytes {
        let result = |n: u8, settled: bool| abi::BidResult {
            bid: bid(n).get(),
            settled,
            fault: u8::from(!settled),
            reason: if settled { B256::ZERO } else { B256::repeat_byte(reason) },
            gasUsed: alloy_primitives::U256::from(gas),
        };
        abi::SimulationResult { results: vec![result(1, true), result(2, false)] }
            .abi_encode()
            .into()
    }

    fn drop(n: u8, returned: Bytes) -> SimulationDrop {
        let batch = vec![bid(1), bid(2)];
        let reason = B256::repeat_byte(9);
        SimulationDrop { bid: bid(n), round: 1, batch, gas: 1, fault: 1, reason, returned }
    }

    fn run(returned: Bytes) -> Simulated {
        Simulated { results: None, returned }
    }

    #[test]
    fn a_drop_holds_if_its_bid_ends_the_same_way_again_whatever_gas_it_takes() {
        assert_eq!(differs(&drop(2, returned(9, 5)), &run(returned(9, 6))), None);
        let settled = differs(&drop(1, returned(9, 5)), &run(returned(9, 5)));
        assert!(settled.is_some(), "a bid that settled is no drop");
        let other = differs(&drop(2, returned(9, 5)), &run(returned(8, 5)));
        assert!(other.is_some(), "it fails for another reason");
        let untold = differs(&drop(2, returned(8, 5)), &run(returned(9, 5)));
        assert!(untold.is_some(), "what was recorded says something else");
        let nothing = differs(&drop(2, returned(9, 5)), &run(Bytes::new()));
        assert!(nothing.is_some(), "the call comes to nothing");
    }

    #[test]
    fn a_run_that_was_refused_as_a_whole_must_be_refused_with_the_same_words() {
        let words = Bytes::from(vec![9; 36]);
        let refused = SimulationDrop { fault: 0, ..drop(2, words.clone()) };
        assert_eq!(differs(&refused, &run(words)), None);
        assert!(differs(&refused, &run(Bytes::from(vec![9; 35]))).is_some());
        assert!(differs(&refused, &run(returned(9, 5))).is_some());
    }
}
