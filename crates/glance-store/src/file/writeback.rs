//! Brings data to the disk while more of it arrives, so that the final sync has little left to do.
//!
//! It also bounds how far memory runs ahead of the disk, so that a slow disk slows the sender and not the end.

use std::os::fd::{AsRawFd, OwnedFd};

use rustix::io::Errno;

/// Data is handed to the disk in windows of this size.
const WINDOW: u64 = 8 * 1024 * 1024;

/// The disk may lag this many windows behind.
const LAG: u64 = 4;

/// How far the data of one file has been handed to the disk.
#[derive(Default)]
pub(super) struct Writeback {
    started: u64,
    waited: u64,
}

impl Writeback {
    /// Everything before `written` will not change any more: starts what is due and waits for what is overdue.
    ///
    /// An error is one of the disk; it is reported only once, so it must not be ignored.
    pub(super) fn advance(&mut self, file: &OwnedFd, written: u64) -> Result<(), Errno> {
        let due = written - written % WINDOW;
        if due <= self.started {
            return Ok(());
        }
        tolerate(sync_range(file, self.started, due, libc::SYNC_FILE_RANGE_WRITE))?;
        self.started = due;
        let overdue = due.saturating_sub(LAG * WINDOW);
        if overdue > self.waited {
            let all =
                libc::SYNC_FILE_RANGE_WAIT_BEFORE | libc::SYNC_FILE_RANGE_WRITE | libc::SYNC_FILE_RANGE_WAIT_AFTER;
            tolerate(sync_range(file, self.waited, overdue, all))?;
            self.waited = overdue;
        }
        Ok(())
    }
}

/// File systems that cannot do it leave everything to the final sync.
fn tolerate(result: Result<(), Errno>) -> Result<(), Errno> {
    result.or_else(|errno| match errno {
        Errno::NOSYS | Errno::INVAL | Errno::OPNOTSUPP | Errno::SPIPE | Errno::INTR => Ok(()),
        _ => Err(errno),
    })
}

fn sync_range(file: &OwnedFd, from: u64, to: u64, flags: libc::c_uint) -> Result<(), Errno> {
    let (Ok(offset), Ok(length)) = (i64::try_from(from), i64::try_from(to - from)) else { return Err(Errno::FBIG) };
    #[expect(unsafe_code, reason = "rustix has no sync_file_range; the call takes numbers only and `file` is open")]
    let result = unsafe { libc::sync_file_range(file.as_raw_fd(), offset, length, flags) };
    if result == 0 { Ok(()) } else { Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_windows_are_started_and_old_ones_waited_for() {
        let file = OwnedFd::from(tempfile::tempfile().unwrap());
        let mut writeback = Writeback::default();
        for (written, started, waited) in [
            (WINDOW - 1, 0, 0),
            (WINDOW, WINDOW, 0),
            (2 * WINDOW + 1, 2 * WINDOW, 0),
            (6 * WINDOW, 6 * WINDOW, 2 * WINDOW),
        ] {
            writeback.advance(&file, written).unwrap();
            assert_eq!((writeback.started, writeback.waited), (started, waited));
        }
    }

    #[test]
    fn what_cannot_be_synced_is_no_error_but_a_broken_disk_is() {
        let (_read, write) = std::io::pipe().unwrap();
        Writeback::default().advance(&OwnedFd::from(write), WINDOW).unwrap();
        assert_eq!(tolerate(Err(Errno::IO)), Err(Errno::IO));
    }
}
