//! The next bytes of many streams.

use crate::chain;
use crate::processor::Kernels;
use crate::state::{Cut, State};

/// Bytes of each stream that all algorithms go through before the next: sixteen streams stay in a cache of the second
/// level. It is a multiple of every block.
const STRIP_BYTES: usize = 32 << 10;

/// Adds bytes to many streams at once.
///
/// The streams may be of different algorithms and the bytes of different lengths; those of one algorithm advance side by
/// side. Nothing is left for later but the beginning of a block: a short stream never waits for a long one, and a lone
/// one takes the code for one.
pub fn update_many(streams: &mut [(&mut State, &[u8])], kernels: Kernels) {
    let mut cuts: Vec<Cut<'_>> = streams.iter_mut().map(|(state, data)| state.cut(data)).collect();
    chain::advance(cuts.iter_mut().filter_map(Cut::filled), kernels);
    let longest = cuts.iter().map(|cut| cut.body.len()).max().unwrap_or_default();
    for start in (0..longest).step_by(STRIP_BYTES) {
        let strips = cuts.iter_mut().map(|cut| cut.whole_blocks(start, STRIP_BYTES));
        chain::advance(strips, kernels);
    }
    cuts.into_iter().for_each(Cut::keep_rest);
}
