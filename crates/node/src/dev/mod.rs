//! `tributary dev`: the whole network in one process, or some of its roles. A committee of one,
//! guests, cheat codes and well-known keys; everything else is what the main network runs.

mod actors;
mod compute;
mod ledger;
mod ready;
mod services;
mod setup;

use std::{sync::Arc, time::Duration};

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tributary_client::{Chain, HttpTransport};

use crate::{
    NodeError,
    config::DevConfig,
    datadir::Datadir,
    listener::{self, Routes},
    telemetry,
};
use ledger::Ledger;
use services::{Place, Services};

/// Longest time the tasks may take to end after a stop.
const END_LIMIT: Duration = Duration::from_secs(3);

/// Runs a dev node until Ctrl-C.
pub async fn run(config: DevConfig) -> Result<(), NodeError> {
    telemetry::start_logs();
    let bound = listener::bind(config.port)?;
    let datadir = Datadir::open(&config.datadir)?;
    let url = format!("http://localhost:{}", bound.port);
    let stop = CancellationToken::new();
    let progress = FirstStart::of(&datadir, &config);
    progress.step(1, "genesis and the first blocks");
    let mut ledger = match &config.chain_url {
        None => Some(Ledger::start(&datadir).await?),
        Some(_) => None,
    };
    let chain = match (&ledger, &config.chain_url) {
        (None, Some(elsewhere)) => connect(elsewhere).await?,
        (Some(ledger), _) => ledger.chain.clone(),
        (None, None) => return Err(NodeError::Fatal("there is no chain to work for".into())),
    };
    let genesis = chain.block_ref(0).await?.map(|block| block.hash).unwrap_or_default();
    datadir.bind_network(&genesis.to_string())?;
    progress.step(2, "roles and the seed model");
    let place = Place { config: &config, datadir: &datadir, url: &url };
    let mut services = Services::start(&place, chain, &stop).await?;
    progress.step(3, "sample datanets, reviewed and published like any other");
    let rpc = ledger.as_mut().and_then(Ledger::take_rpc);
    let routes = Routes { rpc, pages: services.pages() };
    let mut tasks = JoinSet::new();
    let serving = listener::serve(bound, routes, stop.clone());
    tasks.spawn(async move {
        if let Err(error) = serving.await {
            tracing::error!(%error, "the listener ended");
        }
    });
    services.spawn(&mut tasks, &stop);
    let outcome = tokio::select! {
        outcome = until_stopped(ledger.as_ref()) => outcome,
        outcome = async {
            announce(&config, &url, &services).await?;
            std::future::pending().await
        } => outcome,
    };
    if !config.json {
        eprintln!("Stopping.");
    }
    stop.cancel();
    if let Some(ledger) = &ledger {
        ledger.close_rpc();
    }
    services.stop_gateway().await;
    let ended = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(END_LIMIT, ended).await.is_err() {
        tasks.abort_all();
    }
    services.close();
    if let Some(ledger) = ledger {
        ledger.stop().await;
    }
    outcome
}

async fn connect(url: &str) -> Result<Chain, NodeError> {
    let transport = HttpTransport::new(url.trim_end_matches('/')).map_err(NodeError::transport)?;
    Ok(Chain::connect(Arc::new(transport)).await?)
}

/// What people see of the work that only the first start does.
struct FirstStart(bool);

impl FirstStart {
    /// The history is the last thing that a first start makes before it answers.
    fn of(datadir: &Datadir, config: &DevConfig) -> Self {
        let own = config.chain_url.is_none() && !config.json;
        Self(own && !datadir.join("index.sqlite").exists())
    }

    fn step(&self, number: u32, what: &str) {
        if self.0 {
            eprintln!("  First start, {number} of 3: {what}");
        }
    }
}

/// Finishes the set-up, then tells that all is ready.
async fn announce(config: &DevConfig, url: &str, services: &Services) -> Result<(), NodeError> {
    let (facts, banner) = services.finish().await?;
    if let Some(path) = &config.config_out {
        ready::write(&facts, path)?;
    }
    if config.json {
        println!("{facts}");
    } else {
        eprintln!("{banner}");
    }
    if config.open_browser && config.roles.has(crate::role::Role::Console) {
        // No browser, no harm: the banner has the link.
        let _ = open::that_detached(url);
    }
    Ok(())
}

/// Ctrl-C, a termination signal, or a sequencer that had to stop.
async fn until_stopped(ledger: Option<&Ledger>) -> Result<(), NodeError> {
    let fatal = async {
        match ledger {
            Some(ledger) => ledger.failed().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => Ok(()),
        () = terminated() => Ok(()),
        cause = fatal => Err(NodeError::Fatal(cause)),
    }
}

#[cfg(unix)]
async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut signal) => {
            signal.recv().await;
        }
        Err(_) => std::future::pending().await,
    }
}

#[cfg(not(unix))]
async fn terminated() {
    std::future::pending().await
}
