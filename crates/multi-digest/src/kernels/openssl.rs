//! A lone stream of SHA-512 by OpenSSL, whose assembly no compiler matches.
//!
//! Its old interface shows the state, which `EVP_MD_CTX` hides. It is no part of OpenSSL's providers, and so the FIPS
//! mode does not concern it.

use std::mem::MaybeUninit;

use openssl_sys::{SHA512_CTX, SHA512_Init, SHA512_Update};

use crate::lanes::Lane;

/// Advances one stream by `count` blocks.
pub(super) fn sha512(lanes: &mut [Lane<'_, [u64; 8], [u8; 128]>], count: usize) {
    let [lane] = lanes else { return };
    let (now, later) = lane.blocks.split_at(count);
    let data = now.as_flattened();
    let mut context = MaybeUninit::<SHA512_CTX>::uninit();
    // SAFETY: SHA512_Init writes the whole context; SHA512_Update reads `data` and keeps no pointer to it. They cannot
    // fail. Nothing is buffered at first, and so whole blocks leave nothing in the buffer.
    #[expect(unsafe_code, reason = "functions of C")]
    unsafe {
        SHA512_Init(context.as_mut_ptr());
        (*context.as_mut_ptr()).h = *lane.chain;
        SHA512_Update(context.as_mut_ptr(), data.as_ptr().cast(), data.len());
        *lane.chain = (*context.as_ptr()).h;
    }
    lane.blocks = later;
}
