//! What the sequencer is told.

use super::State;
use crate::{ConsensusError, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

/// A task that runs on the sequencer's thread, between blocks.
pub(crate) type Task = Box<dyn FnOnce(&mut State) + Send>;

pub(crate) enum Message {
    /// The pool has something, or time may have moved.
    Work,
    /// Run this between blocks.
    Run(Task),
    /// End.
    Stop,
}

/// The sending side.
#[derive(Debug, Clone)]
pub(crate) struct Mailbox {
    sender: mpsc::Sender<Message>,
    /// A `Work` message lies in the box already, so that a flood leaves one.
    told: Arc<AtomicBool>,
}

/// The receiving side.
pub(crate) struct Inbox {
    pub(crate) receiver: mpsc::Receiver<Message>,
    told: Arc<AtomicBool>,
}

impl Inbox {
    /// Call when a `Work` message was taken, before looking for work.
    pub(crate) fn took_work(&self) {
        self.told.store(false, Ordering::SeqCst);
    }
}

impl Mailbox {
    pub(crate) fn new() -> (Self, Inbox) {
        let (sender, receiver) = mpsc::channel();
        let told = Arc::new(AtomicBool::new(false));
        (Self { sender, told: Arc::clone(&told) }, Inbox { receiver, told })
    }

    pub(crate) fn work(&self) {
        if !self.told.swap(true, Ordering::SeqCst) {
            // A stopped sequencer has no work.
            drop(self.sender.send(Message::Work));
        }
    }

    pub(crate) fn stop(&self) {
        // It may have stopped already.
        drop(self.sender.send(Message::Stop));
    }

    /// Runs a task on the sequencer's thread and waits for its answer.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        task: impl FnOnce(&mut State) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (answer, receiver) = mpsc::sync_channel(1);
        let task: Task = Box::new(move |state| {
            // The caller may have gone.
            drop(answer.send(task(state)));
        });
        let stopped = || ConsensusError::Stopped { reason: None };
        self.sender.send(Message::Run(task)).map_err(|_| stopped())?;
        receiver.recv().map_err(|_| stopped())?
    }
}
