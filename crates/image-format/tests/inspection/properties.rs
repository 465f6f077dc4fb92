//! What holds for every stream, however it is cut and whatever is in it.

use image_format::{Detected, Format, Inspector};

use crate::builders::{self, Image};
use crate::random::Random;
use crate::verdict::inspect;

#[test]
fn verdict_does_not_depend_on_chunks() {
    for (format, image, _) in builders::well_formed() {
        let whole = inspect(&image, image.len());
        assert_eq!(whole.verdict().expect("one format").format, format);
        for chunk in [1, 7, 511, 512, 513, 4096, 65_536, 100_001, 1 << 20] {
            assert_eq!(inspect(&image, chunk), whole, "{format} in chunks of {chunk}");
        }
    }
}

#[test]
fn empty_chunks_change_nothing() {
    for (format, image, _) in builders::well_formed() {
        let mut inspector = Inspector::new();
        for chunk in image.chunks(1000) {
            inspector.feed(&[]);
            inspector.feed(chunk);
            inspector.feed(&[]);
        }
        assert_eq!(inspector.finish(), inspect(&image, 1000), "{format}");
    }
}

#[test]
fn truncated_headers_are_never_safe_images_of_their_format() {
    for (format, image, needed) in builders::well_formed() {
        // Every length up to the first KiB; further on, where the headers lie.
        let lengths = (0..needed).filter(|length| *length < 1024 || length % 997 == 0 || needed - length < 64);
        for length in lengths {
            let inspection = inspect(&image[..length], 4096);
            let safe = inspection.formats.iter().any(|found| found.format == format && found.is_safe());
            assert!(!safe, "{format} cut to {length} bytes");
        }
        let whole = inspect(&image[..needed], 4096);
        let found = whole.formats.iter().any(|found| found.format == format && found.unreadable.is_none());
        assert!(found, "{format} cut to {needed} bytes");
    }
}

#[test]
fn zeroes_behind_a_short_head_hide_nothing() {
    let mut random = Random(6);
    for (format, image, _) in builders::well_formed() {
        for _ in 0..100 {
            let mut short = image[..1 + random.below(512)].to_vec();
            let position = random.below(short.len());
            short[position] = *random.pick(&[0, 1, 4, 0xff]);
            let padded = Image(short.clone()).put(511, &[*short.get(511).unwrap_or(&0)]);
            let (short, padded) = (inspect(&short, 100), inspect(&padded.0, 100));
            for whole in padded.formats.iter().filter(|found| found.format != Format::Raw) {
                let same = |cut: &Detected| cut.format == whole.format && cut.findings == whole.findings;
                assert!(short.formats.iter().any(same), "{format}: {padded:?}, but {short:?}");
            }
        }
    }
}

#[test]
fn random_damage_neither_panics_nor_depends_on_chunks() {
    let mut random = Random(1);
    for (format, image, needed) in builders::well_formed() {
        for round in 0..200 {
            let mut damaged = image.clone();
            for _ in 0..=random.below(8) {
                let reach = *random.pick(&[64, 600, needed, image.len()]);
                let position = random.below(reach.min(image.len()));
                damaged[position] = *random.pick(&[0, 1, 0x7f, 0x80, 0xff, b'"', b'\n', b'/', random.0 as u8]);
            }
            damaged.truncate(random.below(image.len() * 2));
            let chunk = 1 + random.below(10_000);
            let whole = inspect(&damaged, usize::MAX);
            assert_eq!(inspect(&damaged, chunk), whole, "{format}, round {round}, chunks of {chunk}");
            assert!(!whole.formats.is_empty());
            let raw = whole.formats.iter().any(|found| found.format == Format::Raw);
            assert!(!raw || whole.formats.len() == 1, "raw stands alone");
        }
    }
}

#[test]
fn random_bytes_are_bounded_in_memory() {
    let mut random = Random(2);
    let text = Image::zeroed(0).put(0, &[b'a'; 2 << 20]);
    let mut streams = vec![text.0, builders::vmdk(&"#".repeat(1 << 20)).0, many_regions(), vec![0; 2 << 20]];
    streams.push((0..2 << 20).map(|_| random.next() as u8).collect());
    for stream in streams {
        let mut inspector = Inspector::new();
        for chunk in stream.chunks(1777) {
            inspector.feed(chunk);
            assert!(inspector.buffered_bytes() <= Inspector::BUFFER_LIMIT);
        }
    }
}

/// A VHDX whose tables are as long as they may be.
fn many_regions() -> Vec<u8> {
    builders::vhdx()
        .put(builders::VHDX_REGIONS_AT + 8, &2047u32.to_le_bytes())
        .put(builders::VHDX_METADATA_AT + 10, &2047u16.to_le_bytes())
        .0
}

#[test]
fn a_declared_format_is_ruled_out_early_and_never_wrongly() {
    let raw = vec![0; 64 << 10];
    for format in Format::ALL.into_iter().filter(|format| *format != Format::Raw) {
        let mut inspector = Inspector::new();
        assert!(!inspector.rules_out(format), "{format} before the first byte");
        inspector.feed(&raw);
        assert!(inspector.rules_out(format), "{format} after 64 KiB of zeroes");
    }
    for (format, image, _) in builders::well_formed() {
        let mut inspector = Inspector::new();
        for chunk in image.chunks(100) {
            inspector.feed(chunk);
            assert!(!inspector.rules_out(format), "{format}");
            assert!(!inspector.rules_out(Format::Raw));
        }
    }
}
