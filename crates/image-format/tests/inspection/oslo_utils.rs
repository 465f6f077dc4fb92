//! The comparison with Python: the same bytes must get the same verdict, but for the deviations listed.
//!
//! `GLANCE_TEST_PYTHON` names an interpreter that has oslo.utils. `IMAGE_FORMAT_MUTATIONS` is how many
//! damaged variants of each file are compared, 8 unless told; `IMAGE_FORMAT_SEED` selects other ones.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::deviations::{self, Difference};
use crate::images::{self, File};
use crate::random::Random;
use crate::support::{Folder, setting};
use crate::verdict::Verdict;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/inspection/verdicts.py");

/// A file, cut and patched.
pub(crate) struct Case<'a> {
    pub(crate) file: &'a File,
    pub(crate) length: Option<usize>,
    pub(crate) patches: Vec<(usize, Vec<u8>)>,
}

impl Case<'_> {
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.file.bytes[..self.length.unwrap_or(self.file.bytes.len())].to_vec();
        for (offset, content) in &self.patches {
            let end = offset + content.len();
            bytes.resize(bytes.len().max(end), 0);
            bytes[*offset..end].copy_from_slice(content);
        }
        bytes
    }

    fn question(&self) -> String {
        let length = self.length.map_or("-".to_owned(), |length| length.to_string());
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let patches: Vec<String> =
            self.patches.iter().map(|(offset, content)| format!("{offset}:{}", hex(content))).collect();
        format!("{}\t{length}\t{}", self.file.path.display(), patches.join(","))
    }
}

/// One Python process that answers question after question.
struct Python {
    process: Child,
    answers: BufReader<ChildStdout>,
}

impl Python {
    fn start(interpreter: &OsString) -> Self {
        let mut command = Command::new(interpreter);
        command.arg(SCRIPT).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().expect("start GLANCE_TEST_PYTHON");
        let answers = BufReader::new(process.stdout.take().expect("its output"));
        Self { process, answers }
    }

    fn ask(&mut self, question: &str) -> Verdict {
        let input = self.process.stdin.as_mut().expect("its input");
        writeln!(input, "{question}").expect("ask");
        let mut answer = String::new();
        self.answers.read_line(&mut answer).expect("an answer");
        assert!(!answer.is_empty(), "no answer to {question}");
        Verdict::parse(answer.trim_end_matches('\n'))
    }

    fn stop(mut self) {
        drop(self.process.stdin.take());
        assert!(self.process.wait().expect("its end").success());
    }
}

#[test]
fn same_verdict_as_oslo_utils() {
    let Some(interpreter) = std::env::var_os("GLANCE_TEST_PYTHON") else {
        // Written past the test harness, which hides what passing tests print.
        let _ = writeln!(std::io::stderr(), "SKIPPED: GLANCE_TEST_PYTHON names no interpreter with oslo.utils");
        return;
    };
    let folder = Folder::new("oslo-utils");
    let files = images::make(&folder.0);
    let mut comparison = Comparison::new(Python::start(&interpreter));
    for file in &files {
        comparison.compare(&Case { file, length: None, patches: Vec::new() });
    }
    let mut random = Random(setting("IMAGE_FORMAT_SEED", 4));
    for _ in 0..setting("IMAGE_FORMAT_MUTATIONS", 8) {
        files.iter().for_each(|file| comparison.compare(&damage(file, &mut random)));
    }
    comparison.finish(files.len());
}

struct Comparison {
    python: Python,
    cases: usize,
    /// How often each deviation was met.
    deviations: BTreeMap<&'static str, usize>,
    /// Differences that no deviation explains.
    unexplained: Vec<String>,
}

impl Comparison {
    fn new(python: Python) -> Self {
        Self { python, cases: 0, deviations: BTreeMap::new(), unexplained: Vec::new() }
    }

    fn finish(self, files: usize) {
        self.python.stop();
        println!("{files} files, {} cases, deviations: {:?}", self.cases, self.deviations);
        let first = self.unexplained.iter().take(20).cloned().collect::<Vec<_>>().join("\n\n");
        assert!(self.unexplained.is_empty(), "{} unexplained differences:\n{first}", self.unexplained.len());
        for deviation in deviations::TABLE {
            assert!(self.deviations.contains_key(deviation.name), "nothing shows the deviation {}", deviation.name);
        }
    }

    fn compare(&mut self, case: &Case<'_>) {
        let question = case.question();
        let bytes = case.bytes();
        let (theirs, ours) = (self.python.ask(&question), Verdict::of(&bytes, 64 << 10));
        self.cases += 1;
        if theirs == ours {
            return;
        }
        let difference = Difference { bytes: &bytes, theirs: &theirs, ours: &ours };
        match deviations::TABLE.iter().find(|deviation| (deviation.explains)(&difference)) {
            Some(deviation) => *self.deviations.entry(deviation.name).or_default() += 1,
            None => self.unexplained.push(format!("{question}\noslo.utils: {theirs}\nours:       {ours}")),
        }
    }
}

/// Damages a file where formats keep their structures: mostly in its first sector, then in its first
/// and last 64 KiB and in the tables of VHDX; or cuts it.
fn damage<'a>(file: &'a File, random: &mut Random) -> Case<'a> {
    let length = file.bytes.len();
    let cut = match random.below(10) {
        0 => Some(random.below(length + 1)),
        1 => Some(random.below((64 << 10).min(length) + 1)),
        _ => None,
    };
    let length = cut.unwrap_or(length);
    let patch = |random: &mut Random| {
        let window = 64 << 10;
        let (start, reach) = *random.pick(&[
            (0, 128),
            (0, 600),
            (0, 600),
            (0, 4096),
            (0, window),
            (32 << 10, 2048),
            (192 << 10, 256),
            (2 << 20, 256),
            (length.saturating_sub(1536), 1536),
            (length.saturating_sub(window), window),
        ]);
        let content = content(random);
        let end = length.saturating_sub(content.len());
        ((start + random.below(reach)).min(end), content)
    };
    let patches = (0..=random.below(3)).map(|_| patch(random)).filter(|(at, new)| at + new.len() <= length).collect();
    Case { file, length: cut, patches }
}

/// What to write: single bytes, numbers on the edge, magic words, lines of a VMDK descriptor.
fn content(random: &mut Random) -> Vec<u8> {
    const WORDS: &[&[u8]] = &[
        b"QFI\xfb",
        b"QED\0",
        b"KDMV",
        b"LUKS\xba\xbe",
        b"conectix",
        b"vhdxfile",
        b"CD001",
        b"NSR02",
        b"\x7f\x10\xda\xbe",
        b"\x55\xaa",
        b"\nRW 1 FLAT \"/etc/shadow\" 0\n",
        b"\nRW 1 SPARSE \"x.vmdk\"\n",
        b"createType=\"monolithicFlat\"",
        b"createType=\"streamOptimized\"",
        b"createType=\"",
        b"parentFileNameHint=\"x\"",
        b"\nddb.x = 1\n",
        b"\n#\n",
        b"\"",
        b"\n",
        b"/",
        b" ",
        b"\t",
        b"=",
        b"\xff",
    ];
    match random.below(4) {
        0 => vec![random.next() as u8],
        1 => vec![*random.pick(&[0, 1, 2, 3, 4, 8, 0x7f, 0x80, 0xff])],
        2 => vec![*random.pick(&[0, 1, 0xff]); *random.pick(&[2, 4, 8, 64])],
        _ => random.pick(WORDS).to_vec(),
    }
}
