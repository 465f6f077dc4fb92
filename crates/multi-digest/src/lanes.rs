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
    use std::cell::RefCell;

    use super::*;
    use crate::processor::Kernel;

    thread_local! {
        /// Which lengths were before each other in each call, and by how much they advanced.
        static CALLS: RefCell<Vec<(Vec<usize>, usize)>> = const { RefCell::new(Vec::new()) };
    }

    /// Hashes nothing, and notes what it is asked for.
    fn note(lanes: &mut [Lane<'_, (), u8>], count: usize) {
        CALLS.with_borrow_mut(|calls| calls.push((lanes.iter().map(|lane| lane.blocks.len()).collect(), count)));
        lanes.iter_mut().for_each(|lane| lane.blocks = &lane.blocks[count..]);
    }

    /// The calls for streams of these lengths, with a plan for eight lanes and one for a lone stream.
    fn calls(lengths: &[usize]) -> Vec<(Vec<usize>, usize)> {
        let plan = |lanes, cost| Plan { kernel: Kernel::Portable, lanes, cost, advance: note };
        let (mut chains, blocks) = (vec![(); lengths.len()], vec![0; 1000]);
        let lane = |(chain, length): (_, &usize)| Lane { chain, blocks: &blocks[..*length] };
        let mut lanes: Vec<_> = chains.iter_mut().zip(lengths).map(lane).collect();
        advance(&mut lanes, &[plan(1, 10), plan(8, 18)], Kernels::detected());
        assert!(lanes.iter().all(|lane| lane.blocks.is_empty()));
        CALLS.take()
    }

    #[test]
    fn the_last_stream_leaves_the_lanes() {
        assert_eq!(calls(&[0, 0]), []);
        assert_eq!(calls(&[100]), [(vec![100], 100)]);
        assert_eq!(calls(&[10, 100, 0, 30]), [(vec![100, 30, 10], 10), (vec![90, 20], 20), (vec![70], 70)]);
    }

    #[test]
    fn nine_streams_keep_eight_lanes_full() {
        let calls = calls(&[800; 9]);
        let steps: usize = calls.iter().map(|(_, count)| count).sum();
        assert!((900..920).contains(&steps), "9/8 of 800 are 900: {steps}");
        assert!(calls.len() < 80, "{} calls", calls.len());
    }

    #[test]
    fn lanes_are_shared_only_if_too_few() {
        assert_eq!(turn(800, 8, 8), 800);
        assert_eq!(turn(800, 8, 9), 100);
        assert_eq!(turn(20, 8, 9), LEAST_TURN);
        assert_eq!(turn(3, 8, 9), 3);
        assert_eq!(turn(800, 1, 3), 800);
    }
}
