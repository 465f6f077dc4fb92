//! The text that Prometheus reads: <https://prometheus.io/docs/instrumenting/exposition_formats/>, version 0.0.4.

use std::fmt::Write as _;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{BOUNDS, Metrics};
use crate::app::App;

/// The media type of the text.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Everything that is counted, at this moment.
pub(super) fn render(app: &App) -> String {
    let mut text = Text::default();
    text.head("glance_info", "gauge", "The version of the service.");
    text.line("glance_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
    requests(&mut text, &app.metrics);
    transfers(&mut text, &app.metrics);
    failed_locations(&mut text, &app.metrics);
    tokens(&mut text, &app.metrics);
    let database = app.db.connections();
    text.head("glance_database_connections", "gauge", "Connections to the database.");
    let used = database.open.saturating_sub(database.idle);
    text.line("glance_database_connections", &[("state", "used")], u64::from(used));
    text.line("glance_database_connections", &[("state", "idle")], u64::from(database.idle));
    text.head("glance_database_connections_max", "gauge", "Connections to the database that may be open.");
    text.line("glance_database_connections_max", &[], u64::from(database.most));
    text.head("glance_work_stuck", "gauge", "Records of work on stores that could not be ended in several tries.");
    text.line("glance_work_stuck", &[], load(&app.metrics.stuck_work));
    text.head("glance_lease_age_seconds", "gauge", "Time since this node renewed its lease.");
    text.line("glance_lease_age_seconds", &[], app.tasks.lease().age(app.clock.uptime()).as_secs());
    process(&mut text);
    text.out
}

fn requests(text: &mut Text, metrics: &Metrics) {
    text.head("glance_http_connections", "gauge", "Connections of clients that are open.");
    text.line("glance_http_connections", &[], load(&metrics.connections));
    text.head("glance_http_requests_in_flight", "gauge", "Requests whose answer has not begun.");
    text.line("glance_http_requests_in_flight", &[], load(&metrics.in_flight));
    text.head("glance_http_requests_total", "counter", "Requests that were answered.");
    for (((method, route), status), count) in &*metrics.statuses.lock().unwrap_or_else(PoisonError::into_inner) {
        let status = status.to_string();
        let labels = [("method", *method), ("route", *route), ("status", status.as_str())];
        text.line("glance_http_requests_total", &labels, load(count));
    }
    let name = "glance_http_request_duration_seconds";
    text.head(name, "histogram", "Time until the answer to a request began.");
    for ((method, route), durations) in &*metrics.requests.lock().unwrap_or_else(PoisonError::into_inner) {
        let mut count = 0;
        for (position, bucket) in durations.buckets.iter().enumerate() {
            count += load(bucket);
            let bound = BOUNDS.get(position).map_or_else(|| "+Inf".to_owned(), |bound| seconds(bound * 1000));
            let labels = [("method", *method), ("route", *route), ("le", bound.as_str())];
            text.line(&format!("{name}_bucket"), &labels, count);
        }
        let labels = [("method", *method), ("route", *route)];
        text.line(&format!("{name}_sum"), &labels, seconds(load(&durations.microseconds)));
        text.line(&format!("{name}_count"), &labels, count);
    }
}

fn transfers(text: &mut Text, metrics: &Metrics) {
    let transfers = metrics.transfers.lock().unwrap_or_else(PoisonError::into_inner);
    let mut each = |name: &str, kind: &str, help: &str, value: fn(&super::Transfers) -> u64| {
        text.head(name, kind, help);
        for ((direction, store), counts) in &*transfers {
            text.line(name, &[("direction", direction.name()), ("store", store.as_str())], value(counts));
        }
    };
    each("glance_transfers_total", "counter", "Transfers of image data that began.", |counts| load(&counts.begun));
    each("glance_transfers_in_flight", "gauge", "Transfers of image data that go on.", |counts| {
        load(&counts.in_flight)
    });
    each("glance_transfer_bytes_total", "counter", "Bytes of image data that passed.", |counts| load(&counts.bytes));
}

fn failed_locations(text: &mut Text, metrics: &Metrics) {
    let name = "glance_failed_locations_total";
    text.head(name, "counter", "Locations of images that could not be read, or whose object has another length.");
    for ((store, why), count) in &*metrics.failed_locations.lock().unwrap_or_else(PoisonError::into_inner) {
        text.line(name, &[("store", store.as_str()), ("reason", why.name())], load(count));
    }
}

fn tokens(text: &mut Text, metrics: &Metrics) {
    let validators = metrics.validators.lock().unwrap_or_else(PoisonError::into_inner);
    let lookups: Vec<_> = validators.iter().map(keystone_auth::Validator::lookups).collect();
    if lookups.is_empty() {
        return;
    }
    let name = "glance_token_lookups_total";
    text.head(name, "counter", "Tokens that were judged: from memory, from memcached, or by what Keystone said.");
    let mut each = |result: &str, value: fn(&keystone_auth::Lookups) -> u64| {
        text.line(name, &[("result", result)], lookups.iter().map(value).sum::<u64>());
    };
    each("remembered", |lookups| lookups.remembered);
    each("shared", |lookups| lookups.shared);
    each("valid", |lookups| lookups.valid);
    each("invalid", |lookups| lookups.invalid);
    each("unavailable", |lookups| lookups.unavailable);
}

/// What Prometheus' own libraries tell of a process.
fn process(text: &mut Text) {
    let pages = std::fs::read_to_string("/proc/self/statm").ok();
    let pages = pages.and_then(|statm| statm.split(' ').nth(1)?.parse::<u64>().ok());
    if let Some(pages) = pages {
        text.head("process_resident_memory_bytes", "gauge", "Memory that is resident.");
        text.line("process_resident_memory_bytes", &[], pages * rustix::param::page_size() as u64);
    }
    if let Some((used, began)) = times() {
        text.head("process_cpu_seconds_total", "counter", "Time of all cores that was used.");
        text.line("process_cpu_seconds_total", &[], used);
        text.head("process_start_time_seconds", "gauge", "When the process began, as seconds of Unix time.");
        text.line("process_start_time_seconds", &[], began);
    }
    if let Ok(files) = std::fs::read_dir("/proc/self/fd") {
        text.head("process_open_fds", "gauge", "Files that are open.");
        text.line("process_open_fds", &[], files.count());
    }
}

/// The seconds that the process has run on any core, and when it began, by `proc_pid_stat(5)` and `proc_stat(5)`.
fn times() -> Option<(f64, f64)> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let (_, fields) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = fields.split(' ').collect();
    let ticks = |field: usize| fields.get(field)?.parse::<f64>().ok();
    let (used, began) = (ticks(11)? + ticks(12)?, ticks(19)?);
    let system = std::fs::read_to_string("/proc/stat").ok()?;
    let boot: f64 = system.lines().find_map(|line| line.strip_prefix("btime "))?.parse().ok()?;
    let second = f64::from(u32::try_from(rustix::param::clock_ticks_per_second()).ok()?);
    Some((used / second, boot + began / second))
}

fn load(count: &AtomicU64) -> u64 {
    count.load(Ordering::Relaxed)
}

/// Microseconds as seconds, without noise of binary fractions.
fn seconds(microseconds: u64) -> String {
    let text = format!("{}.{:06}", microseconds / 1_000_000, microseconds % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[derive(Default)]
struct Text {
    out: String,
}

impl Text {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.out, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        self.out.push_str(name);
        for (position, (label, value)) in labels.iter().enumerate() {
            let escaped = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let _ = write!(self.out, "{}{label}=\"{escaped}\"", if position == 0 { '{' } else { ',' });
        }
        let end = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.out, "{end} {value}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_escaped_and_histograms_add_up() {
        let mut text = Text::default();
        text.line("a", &[("b", "c\"d\\e\n"), ("f", "g")], 1);
        assert_eq!(text.out, "a{b=\"c\\\"d\\\\e\\n\",f=\"g\"} 1\n");
        let metrics = Metrics::default();
        for milliseconds in [1, 5, 6, 70_000] {
            let durations = super::super::entry(&metrics.requests, ("GET", "/v2/images"));
            durations.observe(std::time::Duration::from_millis(milliseconds));
        }
        metrics.location_failed("fast", super::super::LocationFailure::Shorter);
        let mut text = Text::default();
        failed_locations(&mut text, &metrics);
        let counted = "glance_failed_locations_total{store=\"fast\",reason=\"shorter\"} 1\n";
        assert!(text.out.ends_with(counted), "{}", text.out);
        let mut text = Text::default();
        requests(&mut text, &metrics);
        let series = "glance_http_request_duration_seconds_bucket{method=\"GET\",route=\"/v2/images\",le=";
        for (bound, count) in [("0.005", 2), ("0.01", 3), ("60", 3), ("+Inf", 4)] {
            assert!(text.out.contains(&format!("{series}\"{bound}\"}} {count}\n")), "{bound}: {}", text.out);
        }
        assert!(text.out.contains("_sum{method=\"GET\",route=\"/v2/images\"} 70.012\n"), "{}", text.out);
    }
}
