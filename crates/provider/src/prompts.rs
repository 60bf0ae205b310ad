//! Prompts that wait for a task on chain: one file for each, by commitment. The chain knows the
//! commitment alone, so what is asked stays between asker and provider.
//!
//! **Invariants:** a prompt is on disk before its commitment is given out; at most [`KEPT`] are
//! kept, the oldest make room once they are [`AGE`] old.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use parking_lot::Mutex;
use tributary_client::provider::PromptRequest;
use tributary_primitives::Digest;

use crate::ProviderError;

/// Prompts kept at the most.
const KEPT: usize = 4_096;
/// How long a prompt is surely kept.
const AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// Prompts by commitment.
#[derive(Clone, Debug)]
pub struct Prompts {
    folder: PathBuf,
    /// One writer at a time, so that the count holds.
    turn: Arc<Mutex<()>>,
}

impl Prompts {
    /// In this folder, made when missing.
    pub fn open(folder: &Path) -> Result<Self, ProviderError> {
        fs::create_dir_all(folder).map_err(failed)?;
        Ok(Self { folder: folder.to_path_buf(), turn: Arc::default() })
    }

    /// Keeps a prompt; durable when this returns. Blocks: call off the reactor.
    pub fn put(&self, commitment: &Digest, prompt: &PromptRequest) -> Result<(), ProviderError> {
        let bytes =
            serde_json::to_vec(prompt).map_err(|e| ProviderError::Internal(e.to_string()))?;
        let path = self.path(commitment);
        let _turn = self.turn.lock();
        if !path.exists() && !self.make_room().map_err(failed)? {
            return Err(ProviderError::Busy { retry_after_ms: 60_000 });
        }
        let write = || -> io::Result<()> {
            let staged = path.with_extension("new");
            let mut file = File::create(&staged)?;
            file.write_all(&bytes)?;
            file.sync_all()?;
            fs::rename(&staged, &path)?;
            File::open(&self.folder)?.sync_all()
        };
        write().map_err(failed)
    }

    /// A prompt that is kept.
    pub fn get(&self, commitment: &Digest) -> Result<Option<PromptRequest>, ProviderError> {
        match fs::read(self.path(commitment)) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Some)
                .map_err(|error| ProviderError::Internal(error.to_string())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    /// True when one more fits, after the old ones have gone.
    fn make_room(&self) -> io::Result<bool> {
        let files = fs::read_dir(&self.folder)?.collect::<io::Result<Vec<_>>>()?;
        if files.len() < KEPT {
            return Ok(true);
        }
        let now = SystemTime::now();
        let mut left = files.len();
        for file in files {
            let age = file.metadata()?.modified().ok().and_then(|at| now.duration_since(at).ok());
            if age.is_some_and(|age| age > AGE) {
                fs::remove_file(file.path())?;
                left -= 1;
            }
        }
        Ok(left < KEPT)
    }

    fn path(&self, commitment: &Digest) -> PathBuf {
        self.folder.join(format!("{commitment}.json"))
    }
}

fn failed(error: io::Error) -> ProviderError {
    ProviderError::Internal(format!("prompts can't be stored: {error}; check the disk"))
}

#[cfg(test)]
mod tests {
    use tributary_client::provider::Prompt;
    use tributary_primitives::{Address, ModelId, SamplerParams};

    use super::*;

    fn prompt(text: &str) -> PromptRequest {
        PromptRequest {
            gateway: Address::repeat_byte(1),
            model: ModelId(1),
            prompt: Prompt::Text(text.into()),
            sampler: SamplerParams::default(),
            request_seed: Digest([7; 32]),
        }
    }

    #[test]
    fn a_prompt_is_found_again_by_its_commitment_and_no_other() {
        let folder = tempfile::tempdir().expect("a folder");
        let prompts = Prompts::open(folder.path()).expect("opens");
        prompts.put(&Digest([1; 32]), &prompt("tea")).expect("keeps");
        let again = Prompts::open(folder.path()).expect("opens again");
        assert_eq!(again.get(&Digest([1; 32])).expect("reads"), Some(prompt("tea")));
        assert_eq!(again.get(&Digest([2; 32])).expect("reads"), None);
    }

    #[test]
    fn a_full_folder_refuses_until_the_oldest_may_go() {
        let folder = tempfile::tempdir().expect("a folder");
        let prompts = Prompts::open(folder.path()).expect("opens");
        for number in 0..KEPT {
            File::create(folder.path().join(format!("{number}.json"))).expect("a file");
        }
        let refused = prompts.put(&Digest([1; 32]), &prompt("tea"));
        assert!(matches!(refused, Err(ProviderError::Busy { .. })), "{refused:?}");
        let old = SystemTime::now() - AGE - Duration::from_secs(1);
        let file = File::options().append(true).open(folder.path().join("0.json"));
        file.expect("opens").set_modified(old).expect("ages");
        prompts.put(&Digest([1; 32]), &prompt("tea")).expect("there is room");
        assert!(!folder.path().join("0.json").exists());
    }
}
