//! What was signed here, kept: one file for each answer, on disk before anyone hears of it.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use tributary_client::provider::Answer;
use tributary_primitives::B256;

use crate::ProviderError;

/// Receipts with their transcripts, by receipt id.
#[derive(Clone, Debug)]
pub struct Answers {
    folder: PathBuf,
}

impl Answers {
    /// In this folder, made when missing.
    pub fn open(folder: &Path) -> Result<Self, ProviderError> {
        fs::create_dir_all(folder).map_err(failed)?;
        Ok(Self { folder: folder.to_path_buf() })
    }

    /// Keeps an answer; durable when this returns. Blocks: call off the reactor.
    pub fn put(&self, answer: &Answer) -> Result<(), ProviderError> {
        let path = self.path(&answer.receipt.signed.id);
        let folder = path.parent().unwrap_or(&self.folder).to_path_buf();
        let bytes =
            serde_json::to_vec(answer).map_err(|e| ProviderError::Internal(e.to_string()))?;
        let write = || -> io::Result<()> {
            fs::create_dir_all(&folder)?;
            let staged = path.with_extension("new");
            let mut file = File::create(&staged)?;
            file.write_all(&bytes)?;
            file.sync_all()?;
            fs::rename(&staged, &path)?;
            File::open(&folder)?.sync_all()
        };
        write().map_err(failed)
    }

    /// An answer by its receipt.
    pub fn get(&self, receipt: &B256) -> Result<Answer, ProviderError> {
        let bytes = match fs::read(self.path(receipt)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(ProviderError::UnknownReceipt(*receipt));
            }
            Err(error) => return Err(failed(error)),
        };
        serde_json::from_slice(&bytes).map_err(|error| ProviderError::Internal(error.to_string()))
    }

    fn path(&self, receipt: &B256) -> PathBuf {
        let name = format!("{receipt:x}");
        self.folder.join(name.get(..2).unwrap_or("xx")).join(format!("{name}.json"))
    }
}

fn failed(error: io::Error) -> ProviderError {
    ProviderError::Internal(format!("answers can't be stored: {error}; check the disk"))
}
