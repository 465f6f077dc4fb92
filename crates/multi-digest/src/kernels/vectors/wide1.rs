//! One stream of 64-bit words in general registers.

/// How many streams a vector holds.
pub(in crate::kernels) const LANES: usize = 1;

/// One word of the stream.
pub(in crate::kernels) type Vector = u64;

plain! {
    fn add(x: Vector, y: Vector) -> Vector = x.wrapping_add(y);
    fn rotate_right<const BY: u32, const BACK: u32>(x: Vector) -> Vector = x.rotate_right(BY);
    fn shift_right<const BY: u32>(x: Vector) -> Vector = x >> BY;
    fn xor3(x: Vector, y: Vector, z: Vector) -> Vector = x ^ y ^ z;
    fn choose(x: Vector, y: Vector, z: Vector) -> Vector = z ^ (x & (y ^ z));
    fn majority(x: Vector, y: Vector, z: Vector) -> Vector = y ^ ((x ^ y) & (y ^ z));
    fn splat(word: u64) -> Vector = word;
    fn load(words: &[u64; LANES]) -> Vector = words[0];
    fn store(words: &mut [u64; LANES], vector: Vector) -> () = words[0] = vector;
}

/// The words of the stream's next block, read as big-endian numbers.
#[inline(always)]
pub(in crate::kernels) fn words_be(blocks: &[&[[u8; 128]]; LANES], index: usize) -> [Vector; 16] {
    let mut words = [0; 16];
    for (word, bytes) in words.iter_mut().zip(blocks[0][index].as_chunks().0) {
        *word = u64::from_be_bytes(*bytes);
    }
    words
}
