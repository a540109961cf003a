//! The auction's rules (design §4): pure functions of what was recorded.
