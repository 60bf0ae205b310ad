//! `tributary dev`: the whole network in one process. A committee of one, guests, cheat codes and
//! well-known keys; everything else is what the main network runs.

mod ready;
mod roles;
mod setup;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::{Router, routing::get};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tributary_artifacts::Artifacts;
use tributary_client::{ApiSecret, Chain, ProviderApi, Signer};
use tributary_consensus::{
    Chain as Committee, ChainConfig, Sequencer, SequencerConfig, SequencerHandle,
};
use tributary_execution::{Genesis, SequentialExecutor};
use tributary_gateway::{Gateway, GatewayConfig, GatewayDeps};
use tributary_indexer::{Follower, Index};
use tributary_inference::{Engine, EngineConfig};
use tributary_primitives::{Amount, Digest, OPEN};
use tributary_provider::{
    Answers, Blobs, Curator, Desk, Keeper, Library, LocalProvider, Seal, Trainer,
};
use tributary_rpc::{RpcConfig, RpcContext, RpcStop};
use tributary_storage::Store;
use tributary_txpool::{Pool, PoolConfig};

use crate::{
    NodeError, assets,
    config::DevConfig,
    datadir::Datadir,
    listener::{self, Routes},
    telemetry,
    transport::InProcess,
};
use ready::Facts;
use roles::Roles;
use setup::Setup;

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
    let mut ledger = Ledger::start(&datadir).await?;
    progress.step(2, "roles and the seed model");
    let services = Services::start(&ledger, &datadir, &url, &stop).await?;
    progress.step(3, "sample datanets, reviewed and published like any other");
    let routes = Routes { rpc: ledger.rpc.take(), pages: services.pages() };
    let mut tasks = JoinSet::new();
    let serving = listener::serve(bound, routes, stop.clone());
    tasks.spawn(async move {
        if let Err(error) = serving.await {
            tracing::error!(%error, "the listener ended");
        }
    });
    services.spawn(&mut tasks, &stop);
    let facts = announce(&config, &url, &services);
    let outcome = tokio::select! {
        outcome = until_stopped(&ledger.sequencer) => outcome,
        outcome = async {
            facts.await?;
            std::future::pending().await
        } => outcome,
    };
    if !config.json {
        eprintln!("Stopping.");
    }
    stop.cancel();
    ledger.rpc.stop();
    services.gateway.stop().await;
    let ended = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(END_LIMIT, ended).await.is_err() {
        tasks.abort_all();
    }
    services.index.close();
    ledger.stop().await;
    outcome
}

/// What people see of the work that only the first start does.
struct FirstStart(bool);

impl FirstStart {
    /// The history is the last thing that a first start makes before it answers.
    fn of(datadir: &Datadir, config: &DevConfig) -> Self {
        Self(!config.json && !datadir.join("index.sqlite").exists())
    }

    fn step(&self, number: u32, what: &str) {
        if self.0 {
            eprintln!("  First start, {number} of 3: {what}");
        }
    }
}

/// Finishes the set-up, then tells that all is ready.
async fn announce(config: &DevConfig, url: &str, services: &Services) -> Result<(), NodeError> {
    let setup = services.setup(url);
    let datanets = setup.datanets().await?;
    let cap = Amount::from_wei(500 * OPEN.wei());
    let secret = ApiSecret::parse(&services.api_key)
        .ok_or_else(|| NodeError::Fatal("the stored API key is damaged".into()))?;
    services.gateway.ensure_key(&services.roles.app, &secret, cap, "config-out").await?;
    let accounts = services.roles.accounts()?;
    let facts = Facts { url, api_key: &services.api_key, accounts: &accounts, datanets: &datanets };
    if let Some(path) = &config.config_out {
        facts.write(path)?;
    }
    if config.json {
        println!("{}", facts.to_json());
    } else {
        eprintln!("{}", facts.banner());
    }
    if config.open_browser {
        // No browser, no harm: the banner has the link.
        let _ = open::that_detached(url);
    }
    Ok(())
}

/// Ctrl-C, a termination signal, or a sequencer that had to stop.
async fn until_stopped(sequencer: &SequencerHandle) -> Result<(), NodeError> {
    let mut failure = sequencer.failure();
    let fatal = async {
        loop {
            if let Some(cause) = failure.borrow_and_update().clone() {
                return cause;
            }
            if failure.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
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

/// JSON-RPC on its way to the listener, and how to close it.
struct Rpc {
    service: Option<tributary_rpc::RpcService>,
    stop: RpcStop,
}

impl Rpc {
    fn take(&mut self) -> tributary_rpc::RpcService {
        self.service.take().expect("the listener takes the service once")
    }

    fn stop(&self) {
        self.stop.stop();
    }
}

/// The chain wing: store, pool, sequencer, JSON-RPC.
struct Ledger {
    sequencer: SequencerHandle,
    rpc: Rpc,
    chain: Chain,
}

impl Ledger {
    async fn start(datadir: &Datadir) -> Result<Self, NodeError> {
        let genesis = Genesis::dev();
        let spec = Arc::new(genesis.spec()?);
        let store = Store::open_or_create(datadir.path(), &genesis.build()?)?;
        let journal = datadir.join("pool.journal");
        let pool =
            Pool::open(Arc::clone(&spec), store.clone(), PoolConfig::default(), Some(&journal))?;
        let executor = Arc::new(SequentialExecutor::new(Arc::clone(&spec)));
        // Tips go to the keeper, which pays for the pokes.
        let config = ChainConfig { beneficiary: Roles::proposer()?, ..ChainConfig::default() };
        let committee = Committee::new(spec, store, pool, executor, config);
        let sequencer = Sequencer::start(committee.clone(), SequencerConfig::default())?;
        let config = RpcConfig::default();
        let context = RpcContext { chain: committee, dev: sequencer.dev() };
        let module = tributary_rpc::module(context, config.clone())?;
        let (service, stop) = tributary_rpc::service(module.clone(), &config);
        let chain = Chain::connect(Arc::new(InProcess::new(module))).await?;
        Ok(Self { sequencer, rpc: Rpc { service: Some(service), stop }, chain })
    }

    async fn stop(self) {
        let sequencer = self.sequencer;
        let stopped = tokio::task::spawn_blocking(move || sequencer.stop()).await;
        if let Err(error) = stopped {
            tracing::error!(%error, "the sequencer did not stop cleanly");
        }
    }
}

/// The service wing: provider, gateway, console and the actors, all over `client`.
struct Services {
    roles: Roles,
    chain: Chain,
    index: Index,
    artifacts: Artifacts,
    gateway: Gateway,
    provider: LocalProvider,
    trainer: Trainer,
    blobs: Blobs,
    receipt_key: Signer,
    api_key: zeroize::Zeroizing<String>,
}

impl Services {
    async fn start(
        ledger: &Ledger,
        datadir: &Datadir,
        url: &str,
        stop: &CancellationToken,
    ) -> Result<Self, NodeError> {
        let chain = ledger.chain.clone();
        let roles = Roles::new(&chain)?;
        let index = Index::open(&datadir.join("index.sqlite"))?;
        let artifacts = Artifacts::open(&datadir.join("artifacts"))?;
        let blobs = Blobs::new(artifacts.clone(), chain.clone());
        let receipt_key = Signer::from_bytes(datadir.secret("receipt", rand::random)?)?;
        let salt = datadir.secret("salt", rand::random)?;
        let engine = Engine::start(EngineConfig::default());
        let folder = datadir.join("provider");
        let library =
            Arc::new(Library::new(chain.clone(), blobs.clone(), engine, folder.join("indexes")));
        let provider_account = roles.provider.address();
        let seal = Seal::new(provider_account, receipt_key.clone(), chain.chain_id(), salt);
        let answers = Answers::open(&folder.join("answers"))?;
        let desk = Desk::new(chain.clone(), Arc::clone(&library), answers, seal);
        let jobs = folder.join("jobs");
        let trainer = Trainer::new(roles.provider.clone(), library, index.clone(), jobs);
        let provider = LocalProvider::new(desk, trainer.clone(), chain.clone());
        let setup = Setup {
            chain: &chain,
            roles: &roles,
            artifacts: &artifacts,
            index: &index,
            url,
            receipt_key: receipt_key.address(),
        };
        setup.seed().await?;
        let local: Arc<dyn ProviderApi> = provider.clone().into_shared();
        let config =
            GatewayConfig { samples: assets::NEWCOMER_ROWS.to_owned(), ..GatewayConfig::dev(url) };
        let deps = GatewayDeps {
            chain: chain.clone(),
            signer: roles.gateway.signer().clone(),
            faucet: Some(roles.launch.clone()),
            index: index.clone(),
            artifacts: artifacts.clone(),
            providers: BTreeMap::from([(provider_account, local)]),
            cancel: stop.child_token(),
        };
        let gateway = Gateway::start(config, deps).await?;
        let api_key = Digest(datadir.secret("api", rand::random)?);
        let api_key = zeroize::Zeroizing::new(format!("trib_sk_{api_key}"));
        Ok(Self {
            roles,
            chain,
            index,
            artifacts,
            gateway,
            provider,
            trainer,
            blobs,
            receipt_key,
            api_key,
        })
    }

    fn setup<'a>(&'a self, url: &'a str) -> Setup<'a> {
        Setup {
            chain: &self.chain,
            roles: &self.roles,
            artifacts: &self.artifacts,
            index: &self.index,
            url,
            receipt_key: self.receipt_key.address(),
        }
    }

    /// Everything but JSON-RPC.
    fn pages(&self) -> Router {
        let provider = tributary_provider::router(self.provider.clone(), self.chain.clone());
        let mut pages = Router::new()
            .merge(self.gateway.router())
            .nest("/provider", provider)
            .merge(tributary_console::router(tributary_console::ConsoleConfig {
                index: self.index.clone(),
                chain: self.chain.clone(),
                provider: Some(self.provider.clone().into_shared()),
                guests_allowed: true,
            }));
        if let Some(metrics) = telemetry::metrics() {
            let serve = move || async move { telemetry::exposition(&metrics) };
            pages = pages.route("/metrics", get(serve));
        }
        pages
    }

    /// The actors: follower, trainer, curator, keeper.
    fn spawn(&self, tasks: &mut JoinSet<()>, stop: &CancellationToken) {
        let follower = Follower::new(self.index.clone(), self.chain.clone());
        tasks.spawn(follower.run(stop.clone()));
        tasks.spawn(self.trainer.clone().run(stop.clone()));
        let curator =
            Curator::new(self.roles.curator.clone(), self.blobs.clone(), self.index.clone());
        tasks.spawn(curator.run(stop.clone()));
        let keeper = Keeper::new(self.roles.keeper.clone());
        tasks.spawn(keeper.run(stop.clone()));
    }
}
