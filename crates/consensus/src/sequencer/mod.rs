//! The engine of a committee of one: proposes and finalizes its own blocks.
//!
//! One thread of its own, because building a block is CPU and disk work. It sleeps until the pool
//! has a transaction that can run, a module timer is due, or someone writes to its mailbox.

mod actor;
mod mailbox;
mod state;

use crate::boundary::Application;
use crate::chain::Chain;
use crate::dev::DevHandle;
use crate::{ConsensusError, Result};
pub(crate) use mailbox::Mailbox;
use parking_lot::Mutex;
pub(crate) use state::State;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// When blocks are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mining {
    /// As soon as there is work.
    #[default]
    Auto,
    /// At a fixed pace, also without work.
    Interval(Duration),
    /// Only when asked.
    Manual,
}

/// How the sequencer works.
#[derive(Debug, Clone, Copy)]
pub struct SequencerConfig {
    /// When blocks are made.
    pub mining: Mining,
    /// How often it looks whether a module timer is due.
    pub timer_poll: Duration,
}

impl Default for SequencerConfig {
    fn default() -> Self {
        Self { mining: Mining::Auto, timer_poll: Duration::from_millis(250) }
    }
}

/// The local sequencer.
#[derive(Debug)]
pub struct Sequencer;

impl Sequencer {
    /// Starts it over a chain.
    pub fn start(chain: Chain, config: SequencerConfig) -> Result<SequencerHandle> {
        Self::drive(Arc::new(chain.clone()), chain, config)
    }

    /// Starts it over any application of the chain; tests put a recorder between.
    pub fn drive(
        application: Arc<dyn Application>,
        chain: Chain,
        config: SequencerConfig,
    ) -> Result<SequencerHandle> {
        let (mailbox, inbox) = Mailbox::new();
        let (failed, failure) = watch::channel(None);
        let wake = mailbox.clone();
        chain.pool().on_ready(move || wake.work());
        let dev = chain.spec().cheats.then(|| DevHandle::new(mailbox.clone(), chain.clone()));
        let state = State::new(application, chain, config);
        let alive = actor::Alive::new(failed);
        let thread = std::thread::Builder::new()
            .name("sequencer".into())
            .spawn(move || actor::run(state, &inbox, alive))
            .map_err(|error| ConsensusError::Thread(error.to_string()))?;
        mailbox.work();
        let thread = Arc::new(Mutex::new(Some(thread)));
        Ok(SequencerHandle { mailbox, thread, failure, dev })
    }
}

/// Holds the running sequencer. Cheap to clone.
#[derive(Debug, Clone)]
pub struct SequencerHandle {
    mailbox: Mailbox,
    thread: Arc<Mutex<Option<std::thread::JoinHandle<()>>>>,
    failure: watch::Receiver<Option<String>>,
    dev: Option<DevHandle>,
}

impl SequencerHandle {
    /// Finishes the block under way and ends the thread. Blocks until it has ended.
    pub fn stop(&self) {
        self.mailbox.stop();
        if let Some(thread) = self.thread.lock().take()
            && thread.join().is_err()
        {
            tracing::error!("the sequencer panicked");
        }
    }

    /// Turns to the cause when the sequencer cannot go on: stop the node, naming it.
    pub fn failure(&self) -> watch::Receiver<Option<String>> {
        self.failure.clone()
    }

    /// The cheat codes, where the chain allows them.
    pub fn dev(&self) -> Option<DevHandle> {
        self.dev.clone()
    }
}
