//! Numbers of tasks. Those that callers ask for are counted; the number of one that an agent asks for says with which call.

use std::iter::successors;

/// Numbers that the calls of one task have at most.
const CALLS: usize = 1_000;

/// The task that the `part`th call of a turn asks for.
pub(super) fn child_of(parent: usize, sitting: usize, turn: usize, part: usize) -> usize {
    let call = sitting * 100 + turn * 10 + part;
    assert!(call < CALLS && turn < 10 && part < 10, "no such call: {sitting}, {turn}, {part}");
    (parent + 1) * CALLS + call
}

/// The task whose agent has asked for this one.
pub(super) fn parent_of(task: usize) -> Option<usize> {
    (task >= CALLS).then(|| task / CALLS - 1)
}

/// Those above a task, the nearest first.
pub(super) fn above(task: usize) -> impl Iterator<Item = usize> {
    successors(parent_of(task), |task| parent_of(*task))
}

/// The one of them that a caller has asked for.
pub(super) fn root_of(task: usize) -> usize {
    above(task).last().unwrap_or(task)
}

/// How deep it lies: 1 is what a caller asks for.
pub(super) fn depth_of(task: usize) -> usize {
    1 + above(task).count()
}

#[test]
fn a_number_says_who_has_asked_and_with_which_call() {
    let child = child_of(0, 2, 3, 1);
    let grandchild = child_of(child, 0, 0, 2);
    assert_eq!((parent_of(0), parent_of(child), parent_of(grandchild)), (None, Some(0), Some(child)));
    assert_eq!((root_of(grandchild), depth_of(grandchild)), (0, 3));
    assert_ne!(child_of(1, 0, 0, 0), child_of(0, 1, 0, 0));
}
