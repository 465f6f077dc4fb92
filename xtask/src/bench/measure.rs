//! One contender, one round: all of the work, in the same order for everybody.

use std::process::Command;
use std::time::Instant;

use super::catalogue::Catalogue;
use super::contender::{Contender, Running};
use super::load::{self, Framing, PLAIN, RICH};
use super::report::{self, Results};
use super::{Stage, usage};
use crate::error::Result;
use crate::{python, shell};

/// Uploads and downloads side by side.
const PARALLEL: usize = 8;

/// Each contender downloads the large image so many times.
const DOWNLOADS: usize = 3;

/// Who ask for the rich images at once.
const RICH_CLIENTS: u8 = 2;

/// One measured server.
struct Session<'a> {
    stage: &'a Stage,
    name: &'static str,
    running: Running,
    results: &'a mut Results,
}

/// Starts the contender, does all the work and ends it.
pub(super) fn everything(stage: &Stage, contender: Contender, results: &mut Results) -> Result<()> {
    let running = contender.start(stage)?;
    let mut session = Session { stage, name: contender.name(), running, results };
    match contender.catalogue() {
        None => session.downloads("/image"),
        Some(catalogue) => session.all_work(catalogue),
    }
}

impl Session<'_> {
    /// What a service cannot do leaves gaps in its column, and a note, but the rest can be measured all the same.
    fn all_work(&mut self, catalogue: Catalogue) -> Result<()> {
        self.add("first answer after start, s", self.running.first_answer);
        self.running.settle();
        self.add("memory when idle, MiB", usage::memory_mib(self.pid()));
        // Where the catalogue is makes no difference to the bytes of images; two are enough to show it.
        if catalogue != Catalogue::Postgres {
            self.attempt("transfers", Self::transfers);
            self.attempt("8 uploads at once", Self::many_uploads);
        }
        self.attempt("changes", |session| session.changes(catalogue.writers()));
        self.attempt("questions", |session| session.questions(catalogue));
        if catalogue != Catalogue::Sqlite {
            self.attempt("rich images", |session| session.rich_images(catalogue));
        }
        self.running.settle();
        self.add("memory at the end, MiB", usage::memory_mib(self.pid()));
        Ok(())
    }

    fn transfers(&mut self) -> Result<()> {
        let id = self.uploads()?;
        self.downloads(&format!("/v2/images/{id}/file"))
    }

    fn attempt(&mut self, what: &str, work: impl FnOnce(&mut Self) -> Result<()>) {
        if let Err(error) = work(self) {
            eprintln!("  {what}: {error}");
            self.results.note_failure(&format!("{}, {what}", self.name), &error.to_string());
        }
    }

    fn pid(&self) -> u32 {
        self.running.server.pid()
    }

    fn add(&mut self, metric: &str, value: f64) {
        println!("  {metric}: {value:.2}");
        self.results.add(self.name, metric, value);
    }

    /// Does the work and notes its rate in MiB/s, and what it cost if the table has a row for that.
    fn moved(&mut self, what: &str, mib: u64, work: impl FnOnce() -> Result<()>) -> Result<()> {
        let (cpu, begun) = (usage::cpu_seconds(self.pid()), Instant::now());
        work()?;
        let seconds = begun.elapsed().as_secs_f64();
        let cpu = usage::cpu_seconds(self.pid()) - cpu;
        self.add(&format!("{what}, MiB/s"), mib as f64 / seconds);
        let cost = format!("{what}, CPU s/GiB");
        if report::has_row(&cost) {
            self.add(&cost, cpu * 1024.0 / mib as f64);
        }
        Ok(())
    }

    /// Uploads the large image in both ways; returns the id of one.
    fn uploads(&mut self) -> Result<String> {
        let (stage, port) = (self.stage, self.running.port);
        let id = load::create(port, PLAIN, 0)?;
        self.moved("upload", stage.plan.image_mib, || load::upload(port, &id, &stage.image, Framing::Sized))?;
        let other = load::create(port, PLAIN, 0)?;
        let chunked = || load::upload(port, &other, &stage.image, Framing::Chunked);
        self.moved("upload in chunks", stage.plan.image_mib, chunked)?;
        Ok(id)
    }

    fn downloads(&mut self, path: &str) -> Result<()> {
        let (port, mib) = (self.running.port, self.stage.plan.image_mib);
        for _ in 0..DOWNLOADS {
            self.moved("download", mib, || load::download(port, path))?;
        }
        let all = || load::in_parallel(PARALLEL, |_| load::download(port, path));
        self.moved("8 downloads at once", mib * PARALLEL as u64, all)
    }

    fn many_uploads(&mut self) -> Result<()> {
        let (stage, port, pid) = (self.stage, self.running.port, self.pid());
        let ids = (0..PARALLEL).map(|number| load::create(port, PLAIN, number)).collect::<Result<Vec<_>>>()?;
        let mut peak = 0.0;
        self.moved("8 uploads at once", stage.plan.parallel_mib * PARALLEL as u64, || {
            let all = || load::in_parallel(PARALLEL, |n| load::upload(port, &ids[n], &stage.small, Framing::Sized));
            let (uploaded, most) = usage::peak_memory_during(pid, all);
            peak = most;
            uploaded
        })?;
        self.add("8 uploads at once, memory, MiB", peak);
        Ok(())
    }

    fn changes(&mut self, clients: usize) -> Result<()> {
        let (port, count) = (self.running.port, self.stage.plan.images);
        let begun = Instant::now();
        let ids = load::create_many(port, PLAIN, count, clients)?;
        self.add("create, images/s", count as f64 / begun.elapsed().as_secs_f64());
        let begun = Instant::now();
        load::patch_many(port, &ids, clients)?;
        self.add("patch, images/s", count as f64 / begun.elapsed().as_secs_f64());
        Ok(())
    }

    fn questions(&mut self, catalogue: Catalogue) -> Result<()> {
        let (port, seconds) = (self.running.port, self.stage.plan.seconds);
        catalogue.settle(self.stage)?;
        let id = load::create(port, PLAIN, 0)?;
        let questions = [
            ("show, requests/s", format!("/v2/images/{id}"), 32),
            ("list of 25, requests/s", "/v2/images?limit=25".to_owned(), 32),
            ("list of 1000, requests/s", "/v2/images?limit=1000".to_owned(), 4),
            (
                "list of 25 filtered and sorted, requests/s",
                "/v2/images?limit=25&tag=bench&prop_3=value%203&sort=name:asc".to_owned(),
                32,
            ),
            ("health check, requests/s", "/healthcheck".to_owned(), 32),
        ];
        for (metric, path, connections) in questions {
            let answers = load::ask(port, &path, connections, seconds)?;
            self.add(metric, answers.rate);
        }
        Ok(())
    }

    /// The list that costs Python Glance most.
    fn rich_images(&mut self, catalogue: Catalogue) -> Result<()> {
        let (port, plan) = (self.running.port, self.stage.plan);
        load::create_many(port, RICH, plan.images, catalogue.writers())?;
        let locate = format!(
            "INSERT INTO image_locations (image_id, value, meta_data, status, created_at, updated_at, deleted) \
             SELECT id, concat('file:///nowhere/', number, '/', id), '{{\"store\": \"fast\"}}', 'active', \
             created_at, created_at, false FROM images \
             CROSS JOIN (SELECT 1 AS number UNION ALL SELECT 2 UNION ALL SELECT 3) AS numbers \
             WHERE name LIKE '{}-%'",
            RICH.name
        );
        catalogue.execute(self.stage, &locate)?;
        catalogue.settle(self.stage)?;
        let path = format!("/v2/images?limit={}", plan.images);
        let begun = Instant::now();
        load::in_parallel(usize::from(RICH_CLIENTS), |_| load::download(port, &path))?;
        let took = begun.elapsed().as_secs_f64();
        // Who needs longer for one answer than others may take for all of theirs has answered often enough.
        let rate = if took > f64::from(plan.seconds) {
            f64::from(RICH_CLIENTS) / took
        } else {
            load::ask(port, &path, u32::from(RICH_CLIENTS), plan.seconds * 2)?.rate
        };
        self.add("list of 1000 rich images, requests/s", rate);
        Ok(())
    }
}

/// MiB/s of computing the digests of an image on one thread: the least work that any of the services has to do, and the
/// most that one which does it on one thread can reach.
pub(super) fn hash_baseline(stage: &Stage) -> Result<Vec<(&'static str, f64)>> {
    const SCRIPT: &str = "
import hashlib, sys, time
data = open(sys.argv[1], 'rb').read(128 << 20)
for names in (['md5'], ['sha512'], ['md5', 'sha512']):
    begun = time.monotonic()
    for name in names:
        hashlib.new(name, data)
    print(len(data) / (1 << 20) / (time.monotonic() - begun))
";
    let python = python::interpreter().ok_or("no Python")?;
    let said = shell::output(Command::new(python).args(["-c", SCRIPT]).arg(&stage.image))?;
    let rates = said.lines().map(str::parse).collect::<std::result::Result<Vec<f64>, _>>()?;
    Ok(["MD5, MiB/s", "SHA-512, MiB/s", "MD5 and SHA-512, MiB/s"].into_iter().zip(rates).collect())
}
