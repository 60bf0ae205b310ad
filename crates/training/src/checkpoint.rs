//! Checkpoints that survive a kill: written beside, synced, renamed.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;

use safetensors::tensor::SafeTensors;
use serde::{Deserialize, Serialize};

use crate::error::TrainingError;
use crate::hf::{read_floats, to_bytes, write_tensors};
use crate::optimizer::AdamW;

/// Where a run stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Optimizer steps done.
    pub step: usize,
    /// Documents or examples taken from the source.
    pub cursor: u64,
    /// Tokens seen.
    pub tokens: u64,
    /// Seconds spent in steps, over all sittings.
    pub seconds: f64,
    /// What identifies the run; a checkpoint of another run is refused.
    pub identity: String,
}

const PROGRESS: &str = "progress";

pub(crate) fn save(
    path: &Path,
    progress: &Progress,
    data: &[f32],
    optimizer: &AdamW,
) -> Result<(), TrainingError> {
    let json = serde_json::to_string(progress)
        .map_err(|error| TrainingError::malformed("checkpoint", error))?;
    let part = |name: &str, values: &[f32]| (name.to_owned(), vec![values.len()], to_bytes(values));
    let tensors =
        [part("data", data), part("first", &optimizer.first), part("second", &optimizer.second)];
    let metadata = HashMap::from([
        (PROGRESS.to_owned(), json),
        ("step".to_owned(), optimizer.step.to_string()),
    ]);
    let beside = path.with_extension("tmp");
    write_tensors(&beside, &tensors, Some(metadata))?;
    File::open(&beside)
        .and_then(|file| file.sync_all())
        .and_then(|()| std::fs::rename(&beside, path))
        .map_err(|source| TrainingError::file(path, source))
}

/// Loads a checkpoint into `data` and `optimizer` when there is one of the same run.
pub(crate) fn load(
    path: &Path,
    identity: &str,
    data: &mut [f32],
    optimizer: &mut AdamW,
) -> Result<Option<Progress>, TrainingError> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(TrainingError::file(path, source)),
    };
    let damaged = |reason: String| TrainingError::malformed(path.display().to_string(), reason);
    let (_, header) =
        SafeTensors::read_metadata(&bytes).map_err(|error| damaged(error.to_string()))?;
    let metadata = header.metadata().clone().unwrap_or_default();
    let progress: Progress = metadata
        .get(PROGRESS)
        .ok_or_else(|| damaged("no progress".into()))
        .and_then(|json| serde_json::from_str(json).map_err(|error| damaged(error.to_string())))?;
    if progress.identity != identity {
        return Err(TrainingError::OtherRun(progress.identity));
    }
    optimizer.step = metadata
        .get("step")
        .and_then(|step| step.parse().ok())
        .ok_or_else(|| damaged("no step".into()))?;
    let file = SafeTensors::deserialize(&bytes).map_err(|error| damaged(error.to_string()))?;
    for (name, out) in
        [("data", data), ("first", &mut optimizer.first[..]), ("second", &mut optimizer.second[..])]
    {
        let view = file.tensor(name).map_err(|error| damaged(error.to_string()))?;
        if view.shape() != [out.len()] {
            return Err(TrainingError::Shape {
                name: name.to_owned(),
                expected: vec![out.len()],
                found: view.shape().to_vec(),
            });
        }
        read_floats(name, &view, out)?;
    }
    Ok(Some(progress))
}
