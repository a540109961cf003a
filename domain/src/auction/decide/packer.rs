use crate::auction::pack::{Problem, RowSpec, Solution, solve};

#[derive(Debug)]
pub(super) struct Packer {
    weights: Vec<i128>,
    specs: Vec<RowSpec>,
    problem: Problem,
}

impl Packer {
    pub(super) fn new(weights: Vec<i128>, specs: Vec<RowSpec>) -> Self {
        let problem = Problem::new(weights.clone(), specs.clone());
        Self { weights, specs, problem }
    }

    pub(super) fn solve(&mut self, active: &[bool], budget: u64) -> Solution {
        if active.iter().all(|active| *active) {
            return solve(&self.problem, budget);
        }
        let items: Vec<usize> = (0..active.len()).filter(|item| active[*item]).collect();
        let weights = items.iter().map(|item| self.weights[*item]).collect();
        let renumber = |(item, amount): &(usize, alloy_primitives::U256)| {
            items.binary_search(item).ok().map(|item| (item, *amount))
        };
        let specs = self.specs.iter().map(|row| RowSpec {
            capacity: row.capacity,
            uses: row.uses.iter().filter_map(renumber).collect(),
            global: row.global,
        });
        let mut found = solve(&Problem::new(weights, specs.collect()), budget);
        for item in &mut found.items {
            *item = items[*item];
        }
        found
    }

    pub(super) const fn problem(&self) -> &Problem {
        &self.problem
    }
}
