//! Logs on standard error and the text that `/metrics` serves.

use std::sync::OnceLock;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::{EnvFilter, fmt, prelude::*};

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
    RECORDER.get_or_init(|| PrometheusBuilder::new().install_recorder().ok()).clone()
}
