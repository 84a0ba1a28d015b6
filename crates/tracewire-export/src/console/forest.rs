//! Which span of a trace stands below which, and in what order.

use super::buffer::Finished;
use opentelemetry::trace::SpanId;
use std::{
    collections::{HashMap, HashSet},
    rc::Rc,
};

/// How deep the indentation grows. What is deeper stays there, marked.
const MOST_DEPTH: usize = 40;

/// A span and its place in the tree.
pub(super) struct Placed<'a> {
    pub(super) finished: &'a Finished,
    /// The one that it hangs under, if that is in the tree.
    pub(super) parent: Option<&'a Finished>,
    /// The lines of the tree before it.
    pub(super) branch: String,
    /// The lines of the tree before what is shown below it.
    pub(super) below: String,
}

/// The spans in the order of their lines.
///
/// A span hangs under its parent if that is among `spans`, else it is a root of its own. Siblings
/// stand in the order in which they started.
pub(super) fn place(spans: &[Finished]) -> Vec<Placed<'_>> {
    let forest = Forest::of(spans);
    let mut placed = Vec::with_capacity(spans.len());
    let mut waiting = Vec::new();
    push(&mut waiting, &forest.roots, None, Rc::from(""), 0);
    while let Some(Waiting { index, parent, indent, depth, is_last }) = waiting.pop() {
        let (branch, next): (_, Rc<str>) = match (depth < MOST_DEPTH, is_last) {
            (true, true) => (format!("{indent}└─ "), format!("{indent}   ").into()),
            (true, false) => (format!("{indent}├─ "), format!("{indent}│  ").into()),
            (false, _) => (format!("{indent}⋯ "), Rc::clone(&indent)),
        };
        let children = &forest.children[index];
        placed.push(Placed {
            finished: &spans[index],
            parent: parent.map(|parent| &spans[parent]),
            branch,
            below: format!("{next}{}", if children.is_empty() { "   " } else { "│  " }),
        });
        push(&mut waiting, children, Some(index), next, depth + 1);
    }
    placed
}

/// A span whose line comes when those before it are placed.
struct Waiting {
    index: usize,
    parent: Option<usize>,
    indent: Rc<str>,
    depth: usize,
    is_last: bool,
}

/// Puts siblings on the stack, the first of them on top. No recursion: a trace may be deeper than
/// the stack of the thread that ended it.
fn push(
    waiting: &mut Vec<Waiting>,
    siblings: &[usize],
    parent: Option<usize>,
    indent: Rc<str>,
    depth: usize,
) {
    for (from_last, &index) in siblings.iter().rev().enumerate() {
        let indent = Rc::clone(&indent);
        waiting.push(Waiting { index, parent, indent, depth, is_last: from_last == 0 });
    }
}

/// Every span once, by its index.
struct Forest {
    roots: Vec<usize>,
    children: Vec<Vec<usize>>,
}

impl Forest {
    fn of(spans: &[Finished]) -> Self {
        let id = |index: usize| spans[index].span.span_context.span_id();
        let parent = |index: usize| spans[index].span.parent_span_id;
        let mut order: Vec<usize> = (0..spans.len()).collect();
        order.sort_by_key(|&index| spans[index].span.start_time);
        let present: HashSet<SpanId> = order.iter().map(|&index| id(index)).collect();
        let mut by_parent: HashMap<SpanId, Vec<usize>> = HashMap::new();
        for &index in &order {
            by_parent.entry(parent(index)).or_default().push(index);
        }
        let (roots, others): (Vec<_>, Vec<_>) =
            order.into_iter().partition(|&index| !present.contains(&parent(index)));
        let mut forest = Self { roots: Vec::new(), children: vec![Vec::new(); spans.len()] };
        let mut is_placed = vec![false; spans.len()];
        // Ids that are not unique can form a circle, and one of its spans has to be the root.
        for root in roots.into_iter().chain(others) {
            if std::mem::replace(&mut is_placed[root], true) {
                continue;
            }
            forest.roots.push(root);
            let mut waiting = vec![root];
            while let Some(index) = waiting.pop() {
                for &child in by_parent.get(&id(index)).map_or(&[][..], Vec::as_slice) {
                    if !std::mem::replace(&mut is_placed[child], true) {
                        forest.children[index].push(child);
                        waiting.push(child);
                    }
                }
            }
        }
        forest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Sample;

    fn lines(samples: Vec<Sample>) -> Vec<String> {
        let spans: Vec<_> = samples.into_iter().map(Sample::finished).collect();
        let line = |placed: &Placed<'_>| format!("{}{}", placed.branch, placed.finished.span.name);
        place(&spans).iter().map(line).collect()
    }

    #[test]
    fn children_stand_below_their_parents_in_the_order_of_their_starts() {
        let span = |id, name, start| Sample::new(id).name(name).time(start, 9);
        let drawn = lines(vec![
            span(4, "d", 4).under(2),
            span(3, "c", 3).under(1),
            span(2, "b", 2).under(1),
            span(1, "a", 1),
            span(6, "late", 6).under(99),
        ]);
        assert_eq!(drawn, ["├─ a", "│  ├─ b", "│  │  └─ d", "│  └─ c", "└─ late"]);
    }

    #[test]
    fn ids_that_form_a_circle_or_are_not_unique_are_shown_once() {
        let drawn = lines(vec![
            Sample::new(1).name("a").time(1, 9).under(2),
            Sample::new(2).name("b").time(2, 9).under(1),
            Sample::new(3).name("c").time(3, 9).under(3),
        ]);
        assert_eq!(drawn, ["├─ a", "│  └─ b", "└─ c"]);
        let same: Vec<_> = (0..50).map(|_| Sample::new(1).under(1)).collect();
        assert_eq!(lines(same).len(), 50);
    }

    #[test]
    fn a_trace_deeper_than_any_stack_is_drawn() {
        let samples = (1..10_000).map(|id| Sample::new(id).under(id - 1)).collect();
        let drawn = lines(samples);
        assert_eq!(drawn.len(), 9_999);
        let widest = drawn.iter().map(|line| line.chars().count()).max();
        assert!(widest < Some(3 * (MOST_DEPTH + 3)), "{widest:?}");
    }
}
