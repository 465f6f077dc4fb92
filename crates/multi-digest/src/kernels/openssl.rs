//! A lone stream by OpenSSL, whose assembly no compiler matches.
//!
//! Its old interface shows the state, which `EVP_MD_CTX` hides. It is no part of OpenSSL's providers, and so the FIPS
//! mode does not concern it. MD5 is missing because ours is as fast.

use std::mem::MaybeUninit;

use openssl_sys::{
    SHA_CTX, SHA1_Init, SHA1_Update, SHA256_CTX, SHA256_Init, SHA256_Update, SHA512_CTX, SHA512_Init, SHA512_Update,
};

use crate::lanes::Lane;

/// Defines a function that advances one stream by `count` blocks.
macro_rules! by_openssl {
    ($name:ident, $chain:ty, $block:literal, $context:ident, $init:ident, $update:ident, [$($word:ident),*]) => {
        pub(super) fn $name(lanes: &mut [Lane<'_, $chain, [u8; $block]>], count: usize) {
            let [lane] = lanes else { return };
            let (now, later) = lane.blocks.split_at(count);
            let data = now.as_flattened();
            // SAFETY: the context is made of numbers, for which zero is a value. The functions write it and read `data`,
            // of which they keep nothing. They cannot fail. Nothing is buffered at first, and so whole blocks leave
            // nothing in the buffer.
            #[expect(unsafe_code, reason = "functions of C")]
            unsafe {
                let mut context = MaybeUninit::<$context>::zeroed().assume_init();
                $init(&mut context);
                [$(context.$word),*] = chain!(*lane.chain, $($word),*);
                $update(&mut context, data.as_ptr().cast(), data.len());
                *lane.chain = chain!([$(context.$word),*], $($word),*);
            }
            lane.blocks = later;
        }
    };
}

/// A chaining value, which is either one field of the context or one field for each word.
macro_rules! chain {
    ([$chain:expr], h) => {
        $chain
    };
    ($chain:expr, h) => {
        [$chain]
    };
    ($chain:expr, $($word:ident),*) => {
        $chain
    };
}

by_openssl!(sha1, [u32; 5], 64, SHA_CTX, SHA1_Init, SHA1_Update, [h0, h1, h2, h3, h4]);
by_openssl!(sha256, [u32; 8], 64, SHA256_CTX, SHA256_Init, SHA256_Update, [h]);
by_openssl!(sha512, [u64; 8], 128, SHA512_CTX, SHA512_Init, SHA512_Update, [h]);
