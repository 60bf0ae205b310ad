//! Logs on standard error and the text that `/metrics` serves.
//!
//! **Invariant:** every metric of the process stands in [`METRICS`], from which `docs/metrics.md`
//! and the help lines of the exposition are written; a test finds any other in the sources.

use std::{sync::OnceLock, time::Instant};

use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::{EnvFilter, fmt, prelude::*};

/// What a metric counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only rises.
    Counter,
    /// Rises and falls.
    Gauge,
    /// Quantiles, sum and count.
    Summary,
}

/// One metric.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// `tributary_<crate>_<noun>_<unit>`.
    pub name: &'static str,
    /// What it counts.
    pub kind: Kind,
    /// Its labels.
    pub labels: &'static str,
    /// In one sentence.
    pub detail: &'static str,
}

const fn metric(
    name: &'static str,
    kind: Kind,
    labels: &'static str,
    detail: &'static str,
) -> Metric {
    Metric { name, kind, labels, detail }
}

/// Every metric.
pub const METRICS: [Metric; 6] = [
    metric("tributary_node_uptime_seconds", Kind::Gauge, "", "Time since the process began."),
    metric(
        "tributary_gateway_requests_total",
        Kind::Counter,
        "face, status",
        "Requests to /v1 (`openai`) and /api/v1 (`rest`) by status.",
    ),
    metric(
        "tributary_gateway_request_seconds",
        Kind::Summary,
        "face",
        "Time from a request to the head of its answer.",
    ),
    metric("tributary_gateway_answers_total", Kind::Counter, "", "Answers that were paid."),
    metric(
        "tributary_gateway_completion_tokens_total",
        Kind::Counter,
        "",
        "Completion tokens of paid answers.",
    ),
    metric("tributary_gateway_roots_total", Kind::Counter, "", "Epoch roots that were posted."),
];

/// When the process began to count.
static BEGUN: OnceLock<Instant> = OnceLock::new();

/// Starts logging: `TRIBUTARY_LOG` in the form of `tracing` directives, warnings by default.
pub fn start_logs() {
    let filter =
        EnvFilter::try_from_env("TRIBUTARY_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    let lines = fmt::layer().with_writer(std::io::stderr).with_target(false);
    // A second node in one process keeps the first one's log.
    let _ = tracing_subscriber::registry().with(filter).with(lines).try_init();
}

/// The process's metrics.
pub fn metrics() -> Option<PrometheusHandle> {
    static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
    let install = || {
        BEGUN.get_or_init(Instant::now);
        let recorder = PrometheusBuilder::new().install_recorder().ok()?;
        describe();
        Some(recorder)
    };
    RECORDER.get_or_init(install).clone()
}

/// The exposition as it stands now.
pub fn exposition(recorder: &PrometheusHandle) -> String {
    let uptime = BEGUN.get_or_init(Instant::now).elapsed();
    gauge!("tributary_node_uptime_seconds").set(uptime.as_secs_f64());
    recorder.render()
}

/// Help lines for all, and a zero for what has no label, so that a scraper sees it from the start.
fn describe() {
    for Metric { name, kind, labels, detail } in METRICS {
        match kind {
            Kind::Counter => {
                describe_counter!(name, detail);
                if labels.is_empty() {
                    counter!(name).absolute(0);
                }
            }
            Kind::Gauge => describe_gauge!(name, detail),
            Kind::Summary => describe_histogram!(name, detail),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fmt::Write as _, fs, path::Path};

    use super::*;

    /// Names in `counter!("..."`, `gauge!("..."` and `histogram!("..."` below a folder.
    fn used(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).expect("sources").flatten() {
            let path = entry.path();
            if path.is_dir() {
                used(&path, found);
                continue;
            }
            let source = fs::read_to_string(&path).unwrap_or_default();
            for macro_name in ["counter!(", "gauge!(", "histogram!("] {
                for call in source.split(macro_name).skip(1) {
                    let name = call.trim_start().strip_prefix('"');
                    let name = name.and_then(|name| name.split('"').next());
                    found.extend(name.filter(|n| n.starts_with("tributary_")).map(str::to_owned));
                }
            }
        }
    }

    #[test]
    fn every_metric_of_the_sources_is_listed_and_no_other() {
        let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut found = BTreeSet::new();
        for entry in fs::read_dir(crates).expect("crates").flatten() {
            used(&entry.path().join("src"), &mut found);
        }
        let listed: BTreeSet<String> = METRICS.iter().map(|m| m.name.to_owned()).collect();
        assert_eq!(found, listed, "METRICS in crates/node/src/telemetry.rs is the list");
    }

    #[test]
    fn names_say_crate_noun_and_unit() {
        let units = ["_total", "_seconds", "_bytes", "_count"];
        for Metric { name, .. } in METRICS {
            let mut words = name.split('_');
            assert_eq!(words.next(), Some("tributary"), "{name}");
            let room = words.next().unwrap_or_default();
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(room);
            assert!(folder.is_dir(), "{name}: there is no crate `{room}`");
            assert!(units.iter().any(|unit| name.ends_with(unit)), "{name} has no unit");
        }
    }

    #[test]
    fn the_metrics_reference_is_what_the_table_says() {
        let mut text = String::from(
            "# Metrics\n\nWritten from the table of metrics. `GET /metrics` serves them as \
             Prometheus exposition.\n\n| metric | kind | labels | what it counts |\n\
             |---|---|---|---|\n",
        );
        for Metric { name, kind, labels, detail } in METRICS {
            let kind = format!("{kind:?}").to_lowercase();
            let _ = writeln!(text, "| `{name}` | {kind} | {labels} | {detail} |");
        }
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/metrics.md");
        if std::env::var_os("TRIBUTARY_BLESS").is_some() {
            fs::write(&path, &text).expect("the document can be written");
        }
        let found = fs::read_to_string(&path).unwrap_or_default();
        assert!(found == text, "docs/metrics.md is behind the code: TRIBUTARY_BLESS=1 writes it");
    }
}
