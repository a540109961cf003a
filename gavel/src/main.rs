//! The one binary of Gavel.
fn main() {}
