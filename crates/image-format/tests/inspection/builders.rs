//! Well-formed images of every format, built byte by byte.

use image_format::Format;

/// A buffer that grows where bytes are put.
#[derive(Clone, Default)]
pub(crate) struct Image(pub(crate) Vec<u8>);

impl Image {
    pub(crate) fn zeroed(length: usize) -> Self {
        Self(vec![0; length])
    }

    pub(crate) fn cut(mut self, length: usize) -> Self {
        self.0.truncate(length);
        self
    }

    pub(crate) fn put(mut self, offset: usize, bytes: &[u8]) -> Self {
        let end = offset + bytes.len();
        if self.0.len() < end {
            self.0.resize(end, 0);
        }
        self.0[offset..end].copy_from_slice(bytes);
        self
    }
}

pub(crate) const DISK: u64 = 3 << 20;

/// One well-formed image per format, and how many of its first bytes decide.
pub(crate) fn well_formed() -> Vec<(Format, Vec<u8>, usize)> {
    vec![
        (Format::Qcow2, qcow2(3).0, 512),
        (Format::Qed, qed().0, 512),
        (Format::Vhd, vhd().0, 512),
        (Format::Vhdx, vhdx().0, VHDX_SIZE_AT + 8),
        (Format::Vmdk, vmdk(DESCRIPTOR).0, 512 * 21),
        (Format::Vmdk, stream_optimized().0, 512 * 24),
        (Format::Vdi, vdi().0, 512),
        (Format::Iso, iso().0, 34 * 1024),
        (Format::Gpt, gpt().0, 512),
        (Format::Luks, luks().0, 592),
    ]
}

pub(crate) fn qcow2(version: u32) -> Image {
    Image::zeroed(1024)
        .put(0, b"QFI\xfb")
        .put(4, &version.to_be_bytes())
        .put(20, &16u32.to_be_bytes())
        .put(24, &DISK.to_be_bytes())
        .put(100, &104u32.to_be_bytes())
}

pub(crate) fn qed() -> Image {
    Image::zeroed(1024).put(0, b"QED\0").put(4, &65536u32.to_le_bytes()).put(48, &DISK.to_le_bytes())
}

fn vhd_footer(kind: u32, size: u64) -> Image {
    let footer = Image::zeroed(512)
        .put(0, b"conectix")
        .put(40, &size.to_be_bytes())
        .put(48, &size.to_be_bytes())
        .put(60, &kind.to_be_bytes());
    let sum: u32 = footer.0.iter().copied().map(u32::from).sum();
    footer.put(64, &(!sum).to_be_bytes())
}

pub(crate) fn vhd() -> Image {
    vhd_footer(3, DISK).put(512, b"cxsparse").put(2048, &vhd_footer(3, DISK).0)
}

/// A disk and the footer that makes it a fixed VHD.
pub(crate) fn fixed_vhd(disk: Image) -> Image {
    let size = disk.0.len();
    disk.put(size, &vhd_footer(2, size as u64).0)
}

pub(crate) const VHDX_REGIONS_AT: usize = 192 * 1024;
pub(crate) const VHDX_METADATA_AT: usize = 1 << 20;
pub(crate) const VHDX_SIZE_AT: usize = VHDX_METADATA_AT + 64 * 1024;
const VHDX_METADATA_ID: [u8; 16] = *b"\x06\xa2\x7c\x8b\x90\x47\x9a\x4b\xb8\xfe\x57\x5f\x05\x0f\x88\x6e";
const VHDX_SIZE_ID: [u8; 16] = *b"\x24\x42\xa5\x2f\x1b\xcd\x76\x48\xb2\x11\x5d\xbe\xd8\x3b\xf4\xb8";

pub(crate) fn vhdx() -> Image {
    Image::zeroed(VHDX_METADATA_AT + (128 << 10))
        .put(0, b"vhdxfile")
        .put(VHDX_REGIONS_AT, b"regi")
        .put(VHDX_REGIONS_AT + 8, &2u32.to_le_bytes())
        .put(VHDX_REGIONS_AT + 16, &[7; 16])
        .put(VHDX_REGIONS_AT + 48, &VHDX_METADATA_ID)
        .put(VHDX_REGIONS_AT + 64, &(VHDX_METADATA_AT as u64).to_le_bytes())
        .put(VHDX_METADATA_AT, b"metadata")
        .put(VHDX_METADATA_AT + 10, &2u16.to_le_bytes())
        .put(VHDX_METADATA_AT + 32, &[9; 16])
        .put(VHDX_METADATA_AT + 64, &VHDX_SIZE_ID)
        .put(VHDX_METADATA_AT + 80, &(64u32 << 10).to_le_bytes())
        .put(VHDX_METADATA_AT + 84, &8u32.to_le_bytes())
        .put(VHDX_SIZE_AT, &DISK.to_le_bytes())
}

pub(crate) const DESCRIPTOR: &str = "# Disk DescriptorFile\nversion=1\nCID=fffffffe\nparentCID=ffffffff\n\
    createType=\"monolithicSparse\"\n\n# Extent description\nRW 6144 SPARSE \"disk.vmdk\"\n\n\
    # The Disk Data Base\n#DDB\n\nddb.adapterType = \"ide\"\n";

fn sparse_header(descriptor_sectors: u64, grain_directory: u64) -> Image {
    Image::zeroed(512)
        .put(0, b"KDMV")
        .put(4, &1u32.to_le_bytes())
        .put(8, &3u32.to_le_bytes())
        .put(12, &(DISK / 512).to_le_bytes())
        .put(20, &128u64.to_le_bytes())
        .put(28, &1u64.to_le_bytes())
        .put(36, &descriptor_sectors.to_le_bytes())
        .put(44, &512u32.to_le_bytes())
        .put(56, &grain_directory.to_le_bytes())
}

/// A monolithicSparse image with this descriptor, in 20 sectors or as many as it needs.
pub(crate) fn vmdk(descriptor: &str) -> Image {
    let sectors = descriptor.len().div_ceil(512).max(20);
    let end = 512 * (1 + sectors);
    sparse_header(sectors as u64, 26).put(512, descriptor.as_bytes()).put(end, &[0; 1024])
}

/// A COWD extent (version 3 of the header) with this descriptor behind it.
pub(crate) fn cowd(descriptor: &str) -> Image {
    Image::zeroed(4096)
        .put(0, b"COWD")
        .put(4, &1u32.to_le_bytes())
        .put(12, &8u32.to_le_bytes())
        .put(16, &1u32.to_le_bytes())
        .put(20, &4u32.to_le_bytes())
        .put(24, &1u32.to_le_bytes())
        .put(512, descriptor.as_bytes())
}

/// The three last sectors are footer marker, footer and end-of-stream marker.
pub(crate) fn stream_optimized() -> Image {
    let descriptor = DESCRIPTOR.replace("monolithicSparse", "streamOptimized");
    let footer = 512 * 21;
    sparse_header(20, u64::MAX)
        .put(512, descriptor.as_bytes())
        .put(footer, &Image::zeroed(512).put(0, &1u64.to_le_bytes()).put(12, &3u32.to_le_bytes()).0)
        .put(footer + 512, &sparse_header(20, 26).0)
        .put(footer + 1024, &[0; 512])
}

pub(crate) fn vdi() -> Image {
    Image::zeroed(1024)
        .put(0, b"<<< a virtual disk >>>\n")
        .put(0x40, &0xBEDA_107Fu32.to_le_bytes())
        .put(0x170, &DISK.to_le_bytes())
}

pub(crate) fn iso() -> Image {
    Image::zeroed(40 << 10)
        .put(32 << 10, b"\x01CD001\x01")
        .put((32 << 10) + 80, &20u32.to_le_bytes())
        .put((32 << 10) + 84, &20u32.to_be_bytes())
        .put((32 << 10) + 128, &2048u16.to_le_bytes())
        .put((32 << 10) + 130, &2048u16.to_be_bytes())
}

/// A partition entry: boot flag, start CHS, type, start LBA.
pub(crate) fn partition(boot: u8, start_chs: [u8; 3], kind: u8, start: u32) -> [u8; 16] {
    let [head, sector, track] = start_chs;
    let [a, b, c, d] = start.to_le_bytes();
    [boot, head, sector, track, kind, 0xfe, 0xff, 0xff, a, b, c, d, 0xff, 0x17, 0, 0]
}

pub(crate) fn mbr(partitions: &[[u8; 16]]) -> Image {
    Image::zeroed(4096).put(446, &partitions.concat()).put(510, &[0x55, 0xAA])
}

pub(crate) fn gpt() -> Image {
    mbr(&[partition(0, [0, 2, 0], 0xEE, 1)]).put(512, b"EFI PART")
}

pub(crate) fn fat() -> Image {
    mbr(&[]).put(0, b"\xeb\x3c\x90mkfs.fat").put(0x10, &[2]).put(0x15, &[0xF8])
}

pub(crate) fn luks() -> Image {
    Image::zeroed(8192)
        .put(0, b"LUKS\xba\xbe")
        .put(6, &1u16.to_be_bytes())
        .put(8, b"aes")
        .put(40, b"xts-plain64")
        .put(72, b"sha256")
        .put(104, &8u32.to_be_bytes())
        .put(108, &64u32.to_be_bytes())
}
