//! What of a state is undecided, close together: prices are set many times over for one state, and
//! deep in a search most of its items are decided.

use super::state::State;

/// The live items of every row that has any.
#[derive(Debug)]
pub(super) struct Live {
    rows: Vec<u32>,
    ends: Vec<u32>,
    /// Item and share, row after row.
    parts: Vec<(u32, u32)>,
}

impl Live {
    pub(super) fn of(state: &State<'_>) -> Self {
        let mut live = Self { rows: Vec::new(), ends: vec![0], parts: Vec::new() };
        for row in 0..state.core.rows.len() as u32 {
            if state.live[row as usize] == 0 {
                continue;
            }
            let parts = state.core.parts(row).iter().filter(|part| state.is_live(part.item));
            live.parts.extend(parts.map(|part| (part.item, part.share() as u32)));
            live.rows.push(row);
            live.ends.push(live.parts.len() as u32);
        }
        live
    }

    /// How many rows there are.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// A row's number in the core, and its live items with what they take.
    pub(super) fn row(&self, n: usize) -> (u32, &[(u32, u32)]) {
        (self.rows[n], &self.parts[super::problem::range(&self.ends, n)])
    }
}
