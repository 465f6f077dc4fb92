//! The comparison with QEMU: whatever `qemu-img` would open together with another file is never safe here, and
//! what it recognises is recognised here.
//!
//! `GLANCE_TEST_CASES` is how many damaged images are compared, `GLANCE_TEST_SEED` selects other ones.

use std::io::Write;
use std::path::Path;
use std::process::Command;

use image_format::{Format, Inspection};

use crate::images::{self, File};
use crate::mutation;
use crate::random::Random;
use crate::support::{Folder, setting};
use crate::verdict::inspect;

/// What `qemu-img info` says of a file that it opens.
struct Opened {
    format: String,
    /// Whether it has a backing file, a data file or extents elsewhere.
    needs_others: bool,
}

impl Opened {
    /// Probes the file, or opens it as `format`.
    fn by_qemu(folder: &Path, name: &str, format: Option<&str>) -> Option<Self> {
        let mut command = Command::new("qemu-img");
        command.args(["info", "-U", "--output=json"]).current_dir(folder);
        if let Some(format) = format {
            command.args(["-f", format]);
        }
        let output = command.arg(name).output().expect("run qemu-img");
        let text = String::from_utf8_lossy(&output.stdout);
        output.status.success().then(|| Self::parse(&text))
    }

    /// A quotation mark in a file name is escaped, so no name can look like one of these signs. The name of a data
    /// file alone (`"data-file":`) is none: QEMU opens the file only if the feature bit is set.
    fn parse(json: &str) -> Self {
        let top = json.lines().find_map(|line| line.strip_prefix("    \"format\": \""));
        let format = top.and_then(|line| line.split('"').next()).expect("a format").to_owned();
        let signs = ["\"name\": \"extents.", "\"name\": \"data-file\"", "\"backing-filename\":"];
        Self { format, needs_others: signs.iter().any(|sign| json.contains(sign)) }
    }

    /// Our name of the format, if it is one that can hold more than its own bytes.
    fn as_ours(&self) -> Option<Format> {
        match self.format.as_str() {
            "qcow" => Some(Format::Qcow2),
            "vpc" => Some(Format::Vhd),
            "raw" => None,
            // `None` for bochs, cloop, dmg and parallels: they refer to no other file.
            name => name.parse().ok(),
        }
    }

    /// What is wrong with our verdict, if anything is.
    fn contradiction(&self, ours: &Inspection, probed: bool) -> Option<String> {
        let warned =
            ours.formats.iter().flat_map(|found| &found.findings).any(|found| found.check.is_about_other_files());
        if self.needs_others && !warned {
            return Some(format!("QEMU opens other files for this {}, and no check fails", self.format));
        }
        let expected = self.as_ours().filter(|_| probed)?;
        let found = ours.formats.iter().any(|found| found.format == expected);
        (!found).then(|| format!("QEMU probes {expected}, which is not found"))
    }
}

#[derive(Default)]
struct Tally {
    cases: usize,
    opened: usize,
    needs_others: usize,
    contradictions: Vec<String>,
}

impl Tally {
    fn add(mut self, other: Self) -> Self {
        self.cases += other.cases;
        self.opened += other.opened;
        self.needs_others += other.needs_others;
        self.contradictions.extend(other.contradictions);
        self
    }

    fn compare(&mut self, folder: &Path, case: &str, bytes: &[u8], format: Option<&str>) {
        self.cases += 1;
        std::fs::write(folder.join(case), bytes).expect("write the case");
        let Some(opened) = Opened::by_qemu(folder, case, format) else { return };
        self.opened += 1;
        self.needs_others += usize::from(opened.needs_others);
        let ours = inspect(bytes, 4096);
        if let Some(why) = opened.contradiction(&ours, format.is_none()) {
            let head = String::from_utf8_lossy(&bytes[..bytes.len().min(800)]).escape_debug().to_string();
            let formats = &ours.formats;
            self.contradictions.push(format!("{why} (-f {format:?}, {} bytes): {formats:?}\n{head}", bytes.len()));
        }
    }
}

#[test]
fn nothing_that_qemu_opens_with_other_files_is_safe() {
    if Command::new("qemu-img").arg("--version").output().is_err() {
        let _ = writeln!(std::io::stderr(), "SKIPPED: there is no qemu-img");
        return;
    }
    let folder = Folder::new("qemu");
    let mut seeds = images::make_small(&folder.0);
    seeds.extend(mutation::hand_made(&folder.0));
    let (cases, seed) = (setting("GLANCE_TEST_CASES", 500), setting("GLANCE_TEST_SEED", 5));
    let tally = std::thread::scope(|scope| {
        let run = |worker: u64| {
            let (folder, seeds) = (&folder.0, seeds.as_slice());
            scope.spawn(move || work(folder, seeds, &format!("case-{worker}"), Random(2 * seed + worker), cases / 2))
        };
        let workers = [run(0), run(1)];
        workers.into_iter().map(|worker| worker.join().expect("a worker")).fold(Tally::default(), Tally::add)
    });
    println!("{} cases, {} opened, {} with other files", tally.cases, tally.opened, tally.needs_others);
    let first = tally.contradictions.iter().take(10).cloned().collect::<Vec<_>>().join("\n\n");
    assert!(tally.contradictions.is_empty(), "{} contradictions:\n{first}", tally.contradictions.len());
    assert!(tally.needs_others > tally.cases / 20, "too few images with other files: the test shows nothing");
}

/// Compares every seed as it is (the first worker), then `cases` damaged ones.
fn work(folder: &Path, seeds: &[File], case: &str, mut random: Random, cases: u64) -> Tally {
    let mut tally = Tally::default();
    if case.ends_with('0') {
        seeds.iter().for_each(|seed| tally.compare(folder, case, &seed.bytes, None));
    }
    for _ in 0..cases {
        let (bytes, format) = mutation::damage(seeds, &mut random);
        tally.compare(folder, case, &bytes, format);
    }
    tally
}
