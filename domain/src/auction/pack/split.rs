//! Components: items that share no row do not know of each other.

use super::{Solution, greedy::Packing, problem::Problem, search::search};

/// The best set of items, visiting at most `budget` nodes in all.
pub(crate) fn solve(problem: &Problem, budget: u64) -> Solution {
    let components = components(problem);
    let mut whole = Solution::default();
    for items in &components {
        let part = match items.as_slice() {
            [item] => alone(problem.weights[*item]),
            _ => search(&problem.restrict(items), budget.saturating_sub(whole.nodes)),
        };
        whole.items.extend(part.items.iter().map(|n| items[*n]));
        whole.weight += part.weight;
        whole.bound += part.bound;
        whole.nodes += part.nodes;
    }
    whole.items.sort_unstable();
    if components.len() > 1 && !fits(problem, &whole.items) {
        let bound = whole.bound;
        let nodes = whole.nodes;
        whole = search(problem, budget.saturating_sub(nodes));
        whole.bound = whole.bound.min(bound);
        whole.nodes += nodes;
    }
    whole
}

fn alone(weight: i128) -> Solution {
    Solution { items: vec![0], weight, bound: weight, nodes: 0 }
}

fn fits(problem: &Problem, items: &[usize]) -> bool {
    Packing::of(problem, items.iter().copied()).items() == items
}

/// Items that hang together by rows of less than the whole batch; each ascending, by first item.
fn components(problem: &Problem) -> Vec<Vec<usize>> {
    let mut leader: Vec<usize> = (0..problem.len()).collect();
    for row in problem.rows.iter().filter(|row| !row.spec.global) {
        let mut items = row.spec.uses.iter().map(|(item, _)| *item);
        let Some(first) = items.next() else { continue };
        for item in items {
            let (a, b) = (find(&mut leader, first), find(&mut leader, item));
            leader[a.max(b)] = a.min(b);
        }
    }
    let mut groups = std::collections::BTreeMap::<usize, Vec<usize>>::new();
    for item in 0..problem.len() {
        groups.entry(find(&mut leader, item)).or_default().push(item);
    }
    groups.into_values().collect()
}

fn find(leader: &mut [usize], item: usize) -> usize {
    let mut top = item;
    while leader[top] != top {
        top = leader[top];
    }
    let mut at = item;
    while leader[at] != top {
        at = std::mem::replace(&mut leader[at], top);
    }
    top
}
