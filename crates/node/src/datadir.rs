//! The folder a node lives in: one process at a time, secrets readable by their owner only.
//!
//! `genesis.toml` (what the network is), `chain.redb`, `pool.journal` (chain) · `artifacts/`
//! (blobs) · `index.sqlite` (history) ·
//! `keys/` (node secrets) · `lock`.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use tributary_primitives::Digest;

/// An open data directory; the lock is held as long as this lives.
#[derive(Debug)]
pub struct Datadir {
    path: PathBuf,
    _lock: File,
}

/// Why a data directory can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatadirError {
    /// Another process has it.
    #[error("{path} is in use by another tributary process: stop it or choose another --datadir")]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// The system refused.
    #[error("{path}: {source}; check that the folder is yours and the disk is not full")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It belongs to another chain.
    #[error(
        "{path} belongs to another network (genesis {found}, this one is {expected}): choose \
         another --datadir, or start the network it belongs to"
    )]
    OtherNetwork {
        /// The folder.
        path: PathBuf,
        /// Whose it is.
        found: String,
        /// What was started.
        expected: String,
    },
    /// A secret's file holds something else.
    #[error("{path} is not a secret of 64 hex digits: restore it from a backup")]
    DamagedSecret {
        /// The file.
        path: PathBuf,
    },
}

impl Datadir {
    /// Makes the folder when it is missing and locks it.
    pub fn open(path: &Path) -> Result<Self, DatadirError> {
        fs::create_dir_all(path).map_err(io_error(path))?;
        let lock_path = path.join("lock");
        let lock = File::options().create(true).truncate(false).write(true).open(&lock_path);
        let lock = lock.map_err(io_error(&lock_path))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_path_buf(), _lock: lock }),
            Err(fs::TryLockError::WouldBlock) => {
                Err(DatadirError::InUse { path: path.to_path_buf() })
            }
            Err(fs::TryLockError::Error(source)) => {
                Err(DatadirError::Io { path: lock_path, source })
            }
        }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file or folder in it.
    pub fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The text of a file, which is written at the first call.
    pub fn text(&self, name: &str, fresh: impl FnOnce() -> String) -> Result<String, DatadirError> {
        let path = self.join(name);
        match fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let text = fresh();
                write_durably(&path, &text).map_err(io_error(&path))?;
                Ok(text)
            }
            found => found.map_err(io_error(&path)),
        }
    }

    /// Notes the chain that everything in here is about; refuses the folder of another one.
    pub fn bind_network(&self, genesis: &str) -> Result<(), DatadirError> {
        let path = self.join("network");
        match fs::read_to_string(&path) {
            Ok(found) if found.trim() == genesis => Ok(()),
            Ok(found) => Err(DatadirError::OtherNetwork {
                path: self.path.clone(),
                found: found.trim().to_owned(),
                expected: genesis.to_owned(),
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                write_durably(&path, genesis).map_err(io_error(&path))
            }
            Err(source) => Err(DatadirError::Io { path, source }),
        }
    }

    /// The 32 secret bytes of this name, drawn and stored (mode 0600) at the first call.
    pub fn secret(
        &self,
        name: &str,
        fresh: impl FnOnce() -> [u8; 32],
    ) -> Result<[u8; 32], DatadirError> {
        let folder = self.path.join("keys");
        fs::create_dir_all(&folder).map_err(io_error(&folder))?;
        let path = folder.join(name);
        match fs::read_to_string(&path) {
            Ok(text) => {
                let secret = text.trim().parse::<Digest>();
                secret.map(|digest| digest.0).map_err(|_| DatadirError::DamagedSecret { path })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let secret = Digest(fresh());
                write_durably(&path, &secret.to_string()).map_err(io_error(&path))?;
                Ok(secret.0)
            }
            Err(source) => Err(DatadirError::Io { path, source }),
        }
    }
}

/// Whole or not at all, and readable by its owner only.
fn write_durably(path: &Path, text: &str) -> io::Result<()> {
    let staged = path.with_extension("new");
    let mut options = File::options();
    options.create(true).truncate(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&staged)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&staged, path)?;
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> DatadirError + '_ {
    move |source| DatadirError::Io { path: path.to_path_buf(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_process_is_refused_until_the_first_leaves() {
        let folder = tempfile::tempdir().unwrap();
        let first = Datadir::open(folder.path()).unwrap();
        assert!(matches!(Datadir::open(folder.path()), Err(DatadirError::InUse { .. })));
        drop(first);
        Datadir::open(folder.path()).unwrap();
    }

    #[test]
    fn a_folder_belongs_to_one_network() {
        let folder = tempfile::tempdir().unwrap();
        let datadir = Datadir::open(folder.path()).unwrap();
        datadir.bind_network("0x01").unwrap();
        datadir.bind_network("0x01").unwrap();
        let error = datadir.bind_network("0x02").unwrap_err().to_string();
        assert!(error.contains("0x01") && error.contains("--datadir"), "{error}");
    }

    #[test]
    fn a_secret_is_drawn_once_and_private() {
        let folder = tempfile::tempdir().unwrap();
        let datadir = Datadir::open(folder.path()).unwrap();
        let drawn = datadir.secret("provider", || [7; 32]).unwrap();
        let again = datadir.secret("provider", || [8; 32]).unwrap();
        assert_eq!(drawn, again);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(datadir.join("keys/provider")).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        fs::write(datadir.join("keys/provider"), "not hex").unwrap();
        let damaged = datadir.secret("provider", || [9; 32]);
        assert!(matches!(damaged, Err(DatadirError::DamagedSecret { .. })));
    }
}
