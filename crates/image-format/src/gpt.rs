//! Disks with a partition table: a plain MBR, or the protective MBR in front of a GPT.
//! Source: UEFI specification 2.10, 5.2 "LBA 0 Format".

use crate::fields::{le_u16, le_u32};
use crate::{Check, Detected, Format};

const SECTOR: usize = 512;
const PARTITION_TABLE: std::ops::Range<usize> = 446..510;
const ENTRY_LENGTH: usize = 16;
const BOOT_SIGNATURE: u16 = 0xAA55;
const GPT_PROTECTIVE: u8 = 0xEE;

/// Detects a partition table in the first sector of a stream of `bytes` bytes.
pub(crate) fn detect(head: &[u8], bytes: u64) -> Option<Detected> {
    let sector = head.get(..SECTOR)?;
    if le_u16(sector, 510)? != BOOT_SIGNATURE || is_fat_boot_sector(sector) {
        return None;
    }
    let mut detected = Detected::new(Format::Gpt).with_virtual_size(Some(bytes));
    if let Err(message) = check_partitions(&sector[PARTITION_TABLE]) {
        detected.report(Check::Mbr, message);
    }
    Some(detected)
}

/// A FAT file system starts with a sector that has the same signature, but is no partition table: two
/// copies of the FAT (0x10) on a fixed disk (0x15).
fn is_fat_boot_sector(sector: &[u8]) -> bool {
    sector[0x10] == 2 && sector[0x15] == 0xF8
}

fn check_partitions(table: &[u8]) -> Result<(), String> {
    let mut used = Vec::new();
    let mut protective = false;
    for (index, entry) in table.chunks_exact(ENTRY_LENGTH).enumerate() {
        if !matches!(entry[0], 0x00 | 0x80) {
            return Err(format!("partition entry {index} has an invalid boot flag"));
        }
        if entry[4] != 0 {
            used.push(index);
        }
        if entry[4] == GPT_PROTECTIVE {
            protective = true;
            check_protective_entry(entry)?;
        }
    }
    if used.is_empty() {
        return Err("the partition table is empty".to_owned());
    }
    if protective && used != [0] {
        return Err("the protective MBR of a GPT has more than one partition".to_owned());
    }
    Ok(())
}

/// A protective partition covers the disk from its second sector on.
fn check_protective_entry(entry: &[u8]) -> Result<(), String> {
    if entry[1..4] != [0x00, 0x02, 0x00] {
        return Err("the protective MBR of a GPT has an invalid start CHS".to_owned());
    }
    if le_u32(entry, 8) != Some(1) {
        return Err("the protective MBR of a GPT has an invalid start LBA".to_owned());
    }
    Ok(())
}
