//! The sequencer's loop.

use super::State;
use super::mailbox::{Inbox, Message};
use std::sync::mpsc::RecvTimeoutError;
use tokio::sync::watch;

/// Tells the node when the loop ends without being asked to, also by a panic.
pub(crate) struct Alive {
    failed: watch::Sender<Option<String>>,
    asked_to_stop: bool,
}

impl Alive {
    pub(crate) fn new(failed: watch::Sender<Option<String>>) -> Self {
        Self { failed, asked_to_stop: false }
    }

    fn fail(&mut self, cause: String) {
        tracing::error!(%cause, "the sequencer cannot go on");
        self.failed.send_replace(Some(cause));
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        if !self.asked_to_stop && self.failed.borrow().is_none() {
            self.failed.send_replace(Some("the sequencer panicked".into()));
        }
    }
}

pub(crate) fn run(mut state: State, inbox: &Inbox, mut alive: Alive) {
    loop {
        match inbox.receiver.recv_timeout(state.patience()) {
            Ok(Message::Work) => {
                inbox.took_work();
                state.note_work();
            }
            Ok(Message::Run(task)) => task(&mut state),
            Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => {
                alive.asked_to_stop = true;
                return;
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
        if let Err(error) = state.act() {
            alive.fail(error.to_string());
            return;
        }
    }
}
