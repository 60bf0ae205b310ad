//! The database: one writer thread that commits in groups, and a small pool of readers.
//!
//! A write is acknowledged after its commit has reached the disk (`synchronous = FULL`). Writes
//! that wait together share one commit; each runs in its own savepoint, so one refusal does not
//! touch its neighbours.

use std::{
    future::{Future, IntoFuture},
    path::Path,
    pin::Pin,
    sync::{Arc, mpsc},
    thread,
};

use parking_lot::Mutex;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use tokio::sync::{broadcast, oneshot};

use crate::{Event, IndexError, schema};

/// Writes that share one commit at most.
const GROUP: usize = 64;
/// Events a slow listener may lag behind before it must reload.
const EVENT_BACKLOG: usize = 1024;
/// Idle read connections kept open.
const IDLE_READERS: usize = 8;

/// The index of one node. Cheap to clone.
#[derive(Clone)]
pub struct Index {
    inner: Arc<Inner>,
}

struct Inner {
    path: std::path::PathBuf,
    readers: Mutex<Vec<Connection>>,
    queue: Mutex<Option<mpsc::Sender<Job>>>,
    events: broadcast::Sender<Event>,
    writer: Mutex<Option<thread::JoinHandle<()>>>,
}

type Reply = Box<dyn FnOnce(Result<(), &IndexError>) + Send>;
type Job = Box<dyn FnOnce(&mut Scope<'_>) -> Reply + Send>;

/// What a write sees: its connection, inside a savepoint, and the events to send once durable.
pub(crate) struct Scope<'c> {
    pub(crate) sql: &'c Connection,
    events: Vec<Event>,
}

impl Scope<'_> {
    /// Sends the event after the commit.
    pub(crate) fn emit(&mut self, event: Event) {
        self.events.push(event);
    }
}

/// A write on its way to the disk: `.await` it, or [`Written::wait`] on a plain thread.
#[must_use = "a write that nobody waits for may fail unseen"]
pub struct Written<T> {
    reply: Result<oneshot::Receiver<Result<T, IndexError>>, IndexError>,
}

impl<T> Written<T> {
    /// Blocks until the write is durable. Not for async code.
    pub fn wait(self) -> Result<T, IndexError> {
        self.reply?.blocking_recv().map_err(|_| IndexError::Closed)?
    }

    pub(crate) fn refused(error: IndexError) -> Self {
        Self { reply: Err(error) }
    }
}

impl<T: Send + 'static> IntoFuture for Written<T> {
    type Output = Result<T, IndexError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.reply?.await.map_err(|_| IndexError::Closed)? })
    }
}

impl Index {
    /// Opens or creates the database file and starts its writer.
    pub fn open(path: &Path) -> Result<Self, IndexError> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| IndexError::Open {
                path: path.display().to_string(),
                reason: error.to_string(),
            })?;
        }
        let mut writer = Connection::open(path)?;
        configure(&writer)?;
        schema::migrate(&mut writer)?;
        let (sender, receiver) = mpsc::channel::<Job>();
        let (events, _) = broadcast::channel(EVENT_BACKLOG);
        let announce = events.clone();
        let handle = thread::Builder::new()
            .name("index-writer".into())
            .spawn(move || write_loop(writer, &receiver, &announce))
            .map_err(|error| IndexError::Open {
                path: path.display().to_string(),
                reason: error.to_string(),
            })?;
        Ok(Self {
            inner: Arc::new(Inner {
                path: path.to_owned(),
                readers: Mutex::new(Vec::new()),
                queue: Mutex::new(Some(sender)),
                events,
                writer: Mutex::new(Some(handle)),
            }),
        })
    }

    /// Everything that becomes durable from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.inner.events.subscribe()
    }

    /// Runs a read on a connection of the pool; one call sees one state.
    pub(crate) fn read<T>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, IndexError>,
    ) -> Result<T, IndexError> {
        let pooled = self.inner.readers.lock().pop();
        let mut connection = match pooled {
            Some(connection) => connection,
            None => {
                let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
                let connection = Connection::open_with_flags(&self.inner.path, flags)?;
                configure_reader(&connection)?;
                connection
            }
        };
        let result = {
            let snapshot = connection.transaction_with_behavior(TransactionBehavior::Deferred)?;
            query(&snapshot)
        };
        let mut readers = self.inner.readers.lock();
        if readers.len() < IDLE_READERS {
            readers.push(connection);
        }
        result
    }

    /// Queues a write.
    pub(crate) fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Scope<'_>) -> Result<T, IndexError> + Send + 'static,
    ) -> Written<T> {
        let (answer, reply) = oneshot::channel();
        let job: Job = Box::new(move |scope| {
            let outcome = in_savepoint(scope, work);
            Box::new(move |committed| {
                let outcome = match committed {
                    Ok(()) => outcome,
                    Err(error) => outcome.and(Err(commit_failure(error))),
                };
                // The caller may have gone away; its write stands all the same.
                let _ = answer.send(outcome);
            })
        });
        let queue = self.inner.queue.lock();
        match queue.as_ref().map(|sender| sender.send(job)) {
            Some(Ok(())) => Written { reply: Ok(reply) },
            _ => Written::refused(IndexError::Closed),
        }
    }

    /// Finishes the queued writes and closes the file. Later writes are refused.
    pub fn close(&self) {
        self.inner.queue.lock().take();
        if let Some(writer) = self.inner.writer.lock().take()
            && writer.join().is_err()
        {
            tracing::error!("the index writer ended with a panic");
        }
    }
}

fn commit_failure(error: &IndexError) -> IndexError {
    IndexError::Commit { cause: error.to_string(), is_full: error.is_full() }
}

fn in_savepoint<T>(
    scope: &mut Scope<'_>,
    work: impl FnOnce(&mut Scope<'_>) -> Result<T, IndexError>,
) -> Result<T, IndexError> {
    let kept = scope.events.len();
    scope.sql.execute_batch("SAVEPOINT one")?;
    match work(scope) {
        Ok(value) => {
            scope.sql.execute_batch("RELEASE one")?;
            Ok(value)
        }
        Err(error) => {
            scope.events.truncate(kept);
            scope.sql.execute_batch("ROLLBACK TO one; RELEASE one")?;
            Err(error)
        }
    }
}

fn write_loop(
    mut connection: Connection,
    queue: &mpsc::Receiver<Job>,
    events: &broadcast::Sender<Event>,
) {
    while let Ok(first) = queue.recv() {
        let mut replies = Vec::new();
        let outcome = commit_group(&mut connection, first, queue, &mut replies);
        // Events go out before the replies: whoever waited for a write finds its events there.
        let outcome = outcome.map(|announced| {
            for event in announced {
                // No listener is fine.
                let _ = events.send(event);
            }
        });
        if let Err(error) = &outcome {
            tracing::error!(%error, "index commit failed");
        }
        for reply in replies {
            reply(outcome.as_ref().map(|()| ()));
        }
    }
    if let Err(error) = connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)") {
        tracing::warn!(%error, "index checkpoint failed");
    }
}

fn commit_group(
    connection: &mut Connection,
    first: Job,
    queue: &mpsc::Receiver<Job>,
    replies: &mut Vec<Reply>,
) -> Result<Vec<Event>, IndexError> {
    let begun = connection.transaction_with_behavior(TransactionBehavior::Immediate);
    let transaction = match begun {
        Ok(transaction) => transaction,
        Err(error) => {
            // The job is dropped unrun: its caller sees a closed channel.
            drop(first);
            return Err(error.into());
        }
    };
    let mut scope = Scope { sql: &transaction, events: Vec::new() };
    replies.push(first(&mut scope));
    while replies.len() < GROUP {
        let Ok(next) = queue.try_recv() else { break };
        replies.push(next(&mut scope));
    }
    let events = std::mem::take(&mut scope.events);
    transaction.commit()?;
    Ok(events)
}

fn configure(connection: &Connection) -> Result<(), IndexError> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(())
}

fn configure_reader(connection: &Connection) -> Result<(), IndexError> {
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(())
}
