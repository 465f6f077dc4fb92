//! Measures the file driver: `file_speed FOLDER [MiB]`. Prints MiB/s and CPU seconds per GiB of writing (synced, unsynced)
//! and of reading from the page cache and, as far as the cache can be emptied, from the disk.

use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use futures_util::TryStreamExt;
use glance_domain::ImageId;
use glance_store::file::{Durability, FileOptions, FileStore, Provisioning};
use glance_store::{NewObject, NoJournal, Store, StoreContext};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<()> {
    let mut words = std::env::args().skip(1);
    let folder = words.next().ok_or("which folder?")?;
    let mebibytes: u64 = words.next().map_or(Ok(1024), |word| word.parse())?;
    for durability in [Durability::Unsynced, Durability::Synced] {
        for provisioning in [Provisioning::Thick, Provisioning::Thin] {
            let options = FileOptions { durability, provisioning, ..FileOptions::new(&folder) };
            measure(FileStore::open(options)?, &format!("{durability:?} {provisioning:?}"), mebibytes).await?;
        }
    }
    Ok(())
}

async fn measure(store: FileStore, name: &str, mebibytes: u64) -> Result<()> {
    let context = StoreContext::default();
    let id = ImageId::random();
    let image = NewObject { name: id.to_string(), image: id, attempt: "speed".to_owned(), size_hint: None };
    let chunk = Bytes::from((0..1 << 20).map(|number: u32| (number % 255) as u8 + 1).collect::<Vec<u8>>());

    let clock = Clock::start()?;
    let mut writer = store.begin(&context, &image, Arc::new(NoJournal)).await?;
    for _ in 0..mebibytes {
        writer.write(chunk.clone()).await?;
    }
    let before_finish = clock.wall.elapsed();
    let stored = writer.finish().await?;
    clock.report(&format!("{name}: write"), mebibytes)?;
    let finish = clock.wall.elapsed() - before_finish;
    writeln!(std::io::stdout(), "    of which finish {:.3} s", finish.as_secs_f64())?;

    for _ in 0..3 {
        read(&store, &stored.url, &format!("{name}: read cached"), mebibytes).await?;
    }
    if let Some(path) = store.local_path(&stored.url) {
        empty_cache(&path)?;
        read(&store, &stored.url, &format!("{name}: read cold"), mebibytes).await?;
    }
    store.delete(&context, &stored.url).await?;
    Ok(())
}

async fn read(store: &FileStore, url: &str, name: &str, mebibytes: u64) -> Result<()> {
    let clock = Clock::start()?;
    let mut chunks = store.open(&StoreContext::default(), url, None).await?.chunks;
    let mut bytes = 0;
    while let Some(chunk) = chunks.try_next().await? {
        bytes += chunk.len() as u64;
    }
    assert_eq!(bytes, mebibytes << 20);
    clock.report(name, mebibytes)
}

fn empty_cache(path: &Path) -> Result<()> {
    let file = std::fs::File::open(path)?;
    file.sync_all()?;
    Ok(rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed)?)
}

struct Clock {
    wall: Instant,
    cpu: f64,
}

impl Clock {
    fn start() -> Result<Self> {
        Ok(Self { wall: Instant::now(), cpu: cpu_seconds()? })
    }

    fn report(&self, name: &str, mebibytes: u64) -> Result<()> {
        let (seconds, cpu) = (self.wall.elapsed().as_secs_f64(), cpu_seconds()? - self.cpu);
        let (speed, per_gibibyte) = (mebibytes as f64 / seconds, cpu * 1024.0 / mebibytes as f64);
        Ok(writeln!(std::io::stdout(), "{name:<34} {speed:>7.0} MiB/s  {per_gibibyte:.3} CPU s/GiB")?)
    }
}

/// CPU time of this process so far; the kernel counts it in hundredths of a second.
fn cpu_seconds() -> Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    let ticks = |at: usize| -> Result<f64> { Ok(fields.get(at).ok_or("a short stat file")?.parse()?) };
    Ok((ticks(11)? + ticks(12)?) / 100.0)
}
