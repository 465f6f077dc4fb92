//! Which streams advance together, and by how much.

use std::cmp::Reverse;

use crate::kernels::Plan;
use crate::processor::Kernels;

/// A stream under way through whole blocks.
pub(crate) struct Lane<'a, C, B> {
    /// The chaining value.
    pub(crate) chain: &'a mut C,
    /// The blocks to come.
    pub(crate) blocks: &'a [B],
}

/// Streams change places only after this many blocks, because a change costs about as much as a block.
const LEAST_TURN: usize = 16;

/// Hashes all blocks of all streams.
///
/// Those with the most blocks to come go first, so that the lanes stay full for as long as possible. When more wait than
/// there are lanes, they take turns.
pub(crate) fn advance<C, B>(lanes: &mut [Lane<'_, C, B>], plans: &[Plan<C, B>], kernels: Kernels) {
    loop {
        lanes.sort_unstable_by_key(|lane| Reverse(lane.blocks.len()));
        let waiting = lanes.partition_point(|lane| !lane.blocks.is_empty());
        let Some(plan) = Plan::best(plans, waiting, kernels).filter(|_| waiting > 0) else { return };
        let together = plan.lanes.min(waiting);
        let count = turn(lanes[together - 1].blocks.len(), together, waiting);
        plan.run(&mut lanes[..together], count, kernels);
    }
}

/// The stream that still has blocks to come, if there is just one.
#[cfg(target_arch = "x86_64")]
pub(crate) fn only<'l, 'a, C, B>(lanes: &'l mut [Lane<'a, C, B>]) -> Option<&'l mut Lane<'a, C, B>> {
    let mut waiting = lanes.iter_mut().filter(|lane| !lane.blocks.is_empty());
    waiting.next().filter(|_| waiting.next().is_none())
}

/// By how many blocks `together` streams advance, the shortest of which has `shortest` blocks to come.
fn turn(shortest: usize, together: usize, waiting: usize) -> usize {
    let must_share = together > 1 && waiting > together;
    if must_share { (shortest / 8).max(LEAST_TURN).min(shortest) } else { shortest }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_are_shared_only_if_too_few() {
        assert_eq!(turn(800, 8, 8), 800);
        assert_eq!(turn(800, 8, 9), 100);
        assert_eq!(turn(20, 8, 9), LEAST_TURN);
        assert_eq!(turn(3, 8, 9), 3);
        assert_eq!(turn(800, 1, 3), 800);
    }
}
