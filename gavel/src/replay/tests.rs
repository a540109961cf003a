use domain::Amount;

use super::{measure::median, records, table::over};

#[test]
fn what_is_gained_over_greedy_is_said_in_per_cent_rounded_down() {
    let amount = |n: u64| Amount::from(n);
    assert_eq!(over(amount(40), amount(21)), "+90.47 %");
    assert_eq!(over(amount(7), amount(7)), "+0.00 %");
    assert_eq!(over(amount(0), amount(0)), "+0.00 %");
    assert_eq!(over(amount(3), amount(0)), "all");
}

#[test]
fn the_median_is_the_middle_run() {
    assert_eq!(median(vec![9, 1, 5]), 5);
    assert_eq!(median(vec![4, 2]), 2);
    assert_eq!(median(Vec::new()), 0);
}

#[test]
fn a_folder_stands_for_the_records_in_it() {
    let folder = std::env::temp_dir().join(format!("gavel-replay-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    for name in ["b.json", "a.json", "notes.txt"] {
        std::fs::write(folder.join(name), "{}").unwrap();
    }
    let found = records::files(std::slice::from_ref(&folder)).unwrap();
    assert_eq!(found, [folder.join("a.json"), folder.join("b.json")]);
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(records::files(&[]).is_err());
}
