//! What the errors of the operating system mean for a store.

use std::path::Path;

use rustix::io::Errno;

use crate::error::{Error, Kind};

/// The error for `errno`, met while trying to `act` on `path`.
pub(super) fn failed(act: &str, path: &Path, errno: Errno) -> Error {
    Error::new(kind(errno), format!("cannot {act} {}: {errno}", path.display())).with_source(errno)
}

fn kind(errno: Errno) -> Kind {
    match errno {
        Errno::NOENT | Errno::NOTDIR | Errno::NAMETOOLONG => Kind::NotFound,
        Errno::EXIST => Kind::Duplicate,
        Errno::NOSPC | Errno::FBIG | Errno::DQUOT => Kind::Full,
        Errno::ACCESS | Errno::PERM | Errno::ROFS => Kind::Denied,
        Errno::LOOP => Kind::BadLocation,
        Errno::TIMEDOUT => Kind::Timeout,
        _ => Kind::Unavailable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_a_refusal_and_a_missing_file_differ() {
        for (errno, kind) in [
            (Errno::NOSPC, Kind::Full),
            (Errno::FBIG, Kind::Full),
            (Errno::DQUOT, Kind::Full),
            (Errno::ACCESS, Kind::Denied),
            (Errno::PERM, Kind::Denied),
            (Errno::ROFS, Kind::Denied),
            (Errno::NOENT, Kind::NotFound),
            (Errno::EXIST, Kind::Duplicate),
            (Errno::IO, Kind::Unavailable),
        ] {
            assert_eq!(failed("test", Path::new("/x"), errno).kind(), kind, "{errno}");
        }
    }
}
