//! Where the data of an upload comes from: a file or standard input.

use std::fs::File;
use std::io::{self, IsTerminal, Seek, SeekFrom};
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use futures_util::StreamExt;
use glance_client::ImageData;
use indicatif::ProgressBar;
use tokio_util::io::ReaderStream;

use crate::failure::Failure;

/// Bytes read at a time.
const READ_SIZE: usize = 512 << 10;

/// Data to upload, with its size when that is known beforehand.
pub(crate) struct Source {
    file: File,
    pub(crate) size: Option<u64>,
}

impl Source {
    /// The file at `path`, else standard input if it is redirected from a file, a device or a pipe; `None` when it is a
    /// terminal or `/dev/null`, as under cron.
    pub(crate) fn open(path: Option<&Path>) -> Result<Option<Self>, Failure> {
        if let Some(path) = path {
            let unreadable = |_| {
                let path = path.display();
                Failure::message(format!("File {path} does not exist or user does not have read privileges to it"))
            };
            return Self::of(File::open(path).map_err(unreadable)?).map(Some);
        }
        let stdin = io::stdin();
        if stdin.is_terminal() {
            return Ok(None);
        }
        let file = File::from(stdin.as_fd().try_clone_to_owned()?);
        if file.metadata()?.file_type().is_char_device() { Ok(None) } else { Self::of(file).map(Some) }
    }

    fn of(mut file: File) -> Result<Self, Failure> {
        let kind = file.metadata()?;
        if kind.is_dir() {
            return Err(Failure::message("a folder is not an image"));
        }
        let seekable = kind.is_file() || kind.file_type().is_block_device();
        let size = if seekable { Some(rest(&mut file)?) } else { None };
        Ok(Self { file, size })
    }

    /// The data for the request, which moves `bar` as it is sent.
    pub(crate) fn into_data(self, bar: ProgressBar) -> ImageData {
        let mut file = tokio::fs::File::from_std(self.file);
        file.set_max_buf_size(READ_SIZE);
        let pieces = ReaderStream::with_capacity(file, READ_SIZE)
            .inspect(move |piece| bar.inc(piece.as_ref().map_or(0, |piece| piece.len() as u64)));
        let data = ImageData::from_stream(pieces);
        match self.size {
            Some(size) => data.with_size(size),
            None => data,
        }
    }
}

/// Bytes from the current position to the end.
fn rest(file: &mut File) -> io::Result<u64> {
    let here = file.stream_position()?;
    let end = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(here))?;
    Ok(end.saturating_sub(here))
}
