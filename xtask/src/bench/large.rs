//! Pages of a catalogue that has grown: what they cost must not depend on how much there is.

use super::Stage;
use super::catalogue::Catalogue;
use super::contender::Contender;
use super::load;
use super::report::Results;
use crate::error::Result;

/// How the user asks for this alone.
pub(super) const NAME: &str = "large";

/// The columns of the table: the small catalogue and the large one.
pub(super) const COLUMNS: [&str; 2] = ["1,000 images", "100,000 images"];

pub(super) const CATALOGUE: Catalogue = Catalogue::Postgres;

const SMALL: usize = 1000;
const PAGE: &str = "/v2/images?limit=25";

/// Fills a catalogue twice and asks for pages of it.
pub(super) fn measure(stage: &Stage, results: &mut Results) -> Result<()> {
    println!("a large catalogue");
    for (column, images) in [(COLUMNS[0], SMALL), (COLUMNS[1], stage.plan.many)] {
        let running = Contender::Rust(CATALOGUE).start(stage)?;
        fill(stage, images)?;
        let offset = images / 10 * 9;
        let marker = format!(
            "SELECT id FROM images WHERE NOT deleted ORDER BY created_at DESC, id DESC LIMIT 1 OFFSET {offset}"
        );
        let marker = CATALOGUE.execute(stage, &marker)?;
        let pages = [
            ("first page", PAGE.to_owned()),
            ("page after nine tenths of all images", format!("{PAGE}&marker={}", marker.trim())),
            ("property of one image in five", format!("{PAGE}&prop_0=often")),
            ("property of one image in a hundred", format!("{PAGE}&prop_0=seldom")),
            ("property of 50 images", format!("{PAGE}&prop_0=special")),
            ("tag of one image in five", format!("{PAGE}&tag=often")),
            ("tag of one image in a hundred", format!("{PAGE}&tag=seldom")),
            ("tag of 50 images", format!("{PAGE}&tag=special")),
        ];
        for (page, path) in pages {
            let answers = load::ask(running.port, &path, 2, stage.plan.seconds)?;
            println!("  {column}, {page}: p50 {:.2} ms, p99 {:.2} ms", answers.p50, answers.p99);
            results.add(column, &format!("{page}, p50"), answers.p50);
            results.add(column, &format!("{page}, p99"), answers.p99);
        }
    }
    Ok(())
}

/// Adds so many images, each a second younger than the one before.
///
/// One in five and one in a hundred have a tag and a property in common; of the first thousand, fifty have others that
/// no more are given.
fn fill(stage: &Stage, images: usize) -> Result<()> {
    let numbers = format!("generate_series(0, {images} - 1) AS number");
    let id = "lpad(to_hex(number), 8, '0') || '-0000-4000-8000-' || lpad(to_hex(number * 7919 % 1000003), 12, '0')";
    let start = "timestamp '2026-01-01'";
    let value = "CASE WHEN number % 5 = 1 THEN 'often' WHEN number % 100 = 2 THEN 'seldom' \
                 WHEN number < 1000 AND number % 20 = 3 THEN 'special' ELSE 'usual-' || number END";
    let statements = [
        format!(
            "INSERT INTO images (id, name, size, status, visibility, owner, disk_format, container_format, min_disk, \
             min_ram, protected, os_hidden, created_at, updated_at, deleted) \
             SELECT {id}, 'image-' || number, number, 'active', \
             (CASE number % 3 WHEN 0 THEN 'public' ELSE 'private' END)::image_visibility, 'project-' || number % 20, \
             'qcow2', 'bare', 0, 0, false, false, {start} + number * interval '1 s', {start} + number * interval '1 s', \
             false FROM {numbers}"
        ),
        format!(
            "INSERT INTO image_properties (image_id, name, value, created_at, updated_at, deleted) \
             SELECT {id}, 'prop_' || k, CASE WHEN k = 0 THEN {value} ELSE 'value ' || number END, \
             {start}, {start}, false FROM {numbers}, generate_series(0, 9) AS k"
        ),
        format!(
            "INSERT INTO image_tags (image_id, value, created_at, updated_at, deleted) \
             SELECT {id}, CASE WHEN k = 0 THEN {value} ELSE 'tag-' || number % 300 || '-' || k END, \
             {start}, {start}, false FROM {numbers}, generate_series(0, 2) AS k"
        ),
    ];
    statements.iter().try_for_each(|sql| CATALOGUE.execute(stage, sql).map(drop))?;
    CATALOGUE.settle(stage)
}
