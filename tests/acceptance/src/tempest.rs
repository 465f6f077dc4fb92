//! Tempest, OpenStack's own integration tests, against an image service behind a Keystone.

use std::fs;
use std::process::{Command, Stdio};

use crate::clients::run;
use crate::files::Files;
use crate::folder::Folder;
use crate::keystone::Keystone;
use crate::{data, disk, environment};

/// Turns a stream of subunit into lines of a status and the name of a test.
const TELL: &str = "
import sys, subunit, testtools
def tell(test):
    print(test['status'], test['id'].split('[')[0])
stream = testtools.StreamToDict(tell)
stream.startTestRun()
subunit.ByteStreamToStreamResult(sys.stdin.buffer, non_subunit_name='stdout').run(stream)
stream.stopTestRun()
";

/// What became of the tests, by their names.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What it should.
    pub passed: Vec<String>,
    /// Something else.
    pub failed: Vec<String>,
    /// Not tried: the configuration lacks something.
    pub skipped: Vec<String>,
}

/// An installed Tempest with its plugin for Glance, set up for a region of a Keystone.
pub struct Tempest {
    folder: Folder,
    files: Files,
}

impl Tempest {
    /// Sets it up.
    ///
    /// # Panics
    /// When `GLANCE_TEST_TEMPEST` is not set: `cargo xtask acceptance` installs Tempest and sets it.
    #[must_use]
    pub fn new(keystone: &Keystone, region: &str) -> Self {
        let folder = Folder::new();
        let disk = folder.file("disk.qcow2");
        disk::make(&disk, "qcow2", "", "8M");
        let disk = fs::read(disk).unwrap();
        let files = Files::serve(&folder, &[("image.raw", &data::bytes(2, 2 << 20)), ("image.qcow2", &disk)]);
        let locks = folder.file("locks");
        fs::create_dir(&locks).unwrap();
        let settings = [
            ("DEFAULT", format!("log_file = {}\n", folder.file("tempest.log").display())),
            ("oslo_concurrency", format!("lock_path = {}\n", locks.display())),
            ("auth", format!("use_dynamic_credentials = true\ncreate_isolated_networks = false\n{}", keystone.admin())),
            (
                "identity",
                format!(
                    "uri_v3 = {}\nauth_version = v3\nregion = {region}\nv3_endpoint_type = public\n",
                    keystone.url()
                ),
            ),
            ("identity-feature-enabled", "api_v2 = false\napi_v2_admin = false\n".to_owned()),
            (
                "service_available",
                "glance = true\ncinder = false\nneutron = false\nnova = false\nswift = false\nhorizon = false\n".into(),
            ),
            ("enforce_scope", "glance = true\n".to_owned()),
            (
                "image",
                format!(
                    "region = {region}\nhttp_image = {0}/image.raw\nhttp_qcow2_image = {0}/image.qcow2\n\
                     build_interval = 1\n\
                     container_formats = bare,ami,ari,aki,ovf,ova,docker,compressed\n\
                     disk_formats = raw,qcow2,ami,ari,aki,vhd,vhdx,vmdk,vdi,iso,ploop,gpt\n",
                    files.url()
                ),
            ),
            (
                "image-feature-enabled",
                "import_image = true\nos_glance_reserved = true\nmanage_locations = true\ndo_secure_hash = true\n\
                 http_store_enabled = true\nimage_format_enforcement = true\nimage_conversion = false\n"
                    .to_owned(),
            ),
            ("validation", "run_validation = false\n".to_owned()),
        ];
        let text: String = settings.iter().map(|(section, lines)| format!("[{section}]\n{lines}")).collect();
        fs::write(folder.file("tempest.conf"), text).unwrap();
        Self { folder, files }
    }

    /// The port of `127.0.0.1` from which images take their data.
    #[must_use]
    pub fn files_port(&self) -> u16 {
        self.files.port()
    }

    /// Runs the tests whose names match a regular expression of Python, two at a time.
    ///
    /// # Panics
    /// When Tempest cannot be run.
    #[must_use]
    pub fn run(&self, names: &str) -> Outcome {
        let programs = environment::tempest();
        let site = run(Command::new(programs.join("python"))
            .args(["-c", "import sysconfig; print(sysconfig.get_path('purelib'), end='')"]));
        let (stream, told) = (self.folder.file("subunit"), self.folder.file("stestr.log"));
        let mut stestr = Command::new(programs.join("stestr"));
        stestr.args(["--test-path", &format!("{site}/tempest/test_discover"), "--top-dir", &site]);
        stestr.args(["--group-regex", r"([^\.]*\.)*", "run", "--concurrency", "2", "--subunit", names]);
        stestr.current_dir(self.folder.path()).env("TEMPEST_CONFIG_DIR", self.folder.path());
        stestr.env("TEMPEST_CONFIG", "tempest.conf").env("OS_TEST_TIMEOUT", "300");
        stestr.env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", programs.display()));
        stestr.stdin(Stdio::null()).stdout(fs::File::create(&stream).unwrap());
        stestr.stderr(fs::File::create(&told).unwrap());
        // It fails when a test fails; which, the stream tells.
        stestr.status().unwrap();
        let mut tell = Command::new(programs.join("python"));
        let tell = tell.args(["-c", TELL]).stdin(fs::File::open(&stream).unwrap()).output().unwrap();
        Outcome::read(&String::from_utf8_lossy(&tell.stdout))
    }
}

impl Outcome {
    fn read(lines: &str) -> Self {
        let mut outcome = Self::default();
        for (status, name) in lines.lines().filter_map(|line| line.split_once(' ')) {
            let list = match status {
                "success" | "xfail" => &mut outcome.passed,
                "skip" => &mut outcome.skipped,
                "exists" => continue,
                _ => &mut outcome.failed,
            };
            list.push(name.to_owned());
        }
        outcome
    }
}
