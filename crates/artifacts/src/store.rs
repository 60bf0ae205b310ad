//! The store: every blob lies under its own digest and is checked whenever it is read.

use std::{
    collections::HashMap,
    io,
    path::{Path as FsPath, PathBuf},
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use futures::{Stream, StreamExt, pin_mut};
use object_store::{
    MultipartUpload, ObjectStore, ObjectStoreExt, PutPayload, local::LocalFileSystem, path::Path,
};
use tributary_primitives::Digest;

use crate::ArtifactError;

/// Largest blob unless the opener says otherwise.
pub const ARTIFACT_SIZE_BYTES: u64 = 16 << 30;
/// Where unfinished blobs lie; emptied when the store opens.
const INCOMING: &str = "incoming";
/// A streamed blob is handed to the disk in parts of this size.
const PART_BYTES: usize = 1 << 20;

/// A blob that lies in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its name.
    pub digest: Digest,
    /// Its size.
    pub size_bytes: u64,
}

/// A content-addressed store. Clones share it.
#[derive(Clone, Debug)]
pub struct Artifacts {
    backend: Arc<dyn ObjectStore>,
    root: Option<Arc<FsPath>>,
    limit_bytes: u64,
}

/// Numbers the unfinished blobs of this process, whichever store they go to.
static NEXT_UPLOAD: AtomicU64 = AtomicU64::new(0);

/// Directories that are open in this process. Only the first opener may take what lies half
/// written for a crash's leavings: later it may be somebody's upload.
static OPEN: Mutex<Option<HashMap<PathBuf, Weak<FsPath>>>> = Mutex::new(None);

impl Artifacts {
    /// Opens a directory, makes it when absent, and drops what was left half-written. Every
    /// `put` that returned survives a power cut.
    pub fn open(directory: impl AsRef<FsPath>) -> Result<Self, ArtifactError> {
        let directory = directory.as_ref();
        let failed =
            |reason: String| ArtifactError::Open { path: directory.display().to_string(), reason };
        let root = open_once(directory).map_err(|error| failed(error.to_string()))?;
        let backend = LocalFileSystem::new_with_prefix(&root)
            .map_err(|error| failed(error.to_string()))?
            .with_fsync(true);
        let mut store = Self::over(Arc::new(backend));
        store.root = Some(root);
        Ok(store)
    }

    /// Over any back end, for tests and remote stores.
    pub fn over(backend: Arc<dyn ObjectStore>) -> Self {
        Self { backend, root: None, limit_bytes: ARTIFACT_SIZE_BYTES }
    }

    /// Refuses larger blobs.
    pub fn with_limit(mut self, limit_bytes: u64) -> Self {
        self.limit_bytes = limit_bytes;
        self
    }

    /// Keeps the bytes; returns when they are durable.
    pub async fn put(&self, bytes: impl Into<Bytes>) -> Result<Digest, ArtifactError> {
        let bytes: Bytes = bytes.into();
        if bytes.len() as u64 > self.limit_bytes {
            return Err(ArtifactError::TooLarge { limit_bytes: self.limit_bytes });
        }
        let digest = Digest::of(&bytes);
        if self.get(&digest).await.is_ok() {
            return Ok(digest);
        }
        self.backend.put(&place(&digest), PutPayload::from_bytes(bytes)).await?;
        Ok(digest)
    }

    /// Keeps the bytes if they have the announced digest.
    pub async fn put_expected(
        &self,
        wanted: &Digest,
        bytes: impl Into<Bytes>,
    ) -> Result<(), ArtifactError> {
        let bytes: Bytes = bytes.into();
        let found = Digest::of(&bytes);
        if found != *wanted {
            return Err(ArtifactError::Unexpected { wanted: *wanted, found });
        }
        self.put(bytes).await.map(|_| ())
    }

    /// Keeps a stream without holding it in memory. Whatever goes wrong, nothing half-written
    /// stays.
    pub async fn put_stream<S>(&self, stream: S) -> Result<Stored, ArtifactError>
    where
        S: Stream<Item = io::Result<Bytes>> + Send,
    {
        let number = NEXT_UPLOAD.fetch_add(1, Ordering::Relaxed);
        let place_of_upload =
            Path::from_iter([INCOMING.to_owned(), format!("{}-{number}", std::process::id())]);
        let mut upload = self.backend.put_multipart(&place_of_upload).await?;
        let written = match self.write_parts(upload.as_mut(), stream).await {
            Ok(stored) => upload.complete().await.map(|_| stored).map_err(ArtifactError::from),
            Err(error) => Err(error),
        };
        let stored = match written {
            Ok(stored) => stored,
            Err(error) => {
                // Best effort: what stays in `incoming` is dropped at the next opening.
                let _ = upload.abort().await;
                let _ = self.backend.delete(&place_of_upload).await;
                return Err(error);
            }
        };
        if let Err(error) = self.backend.rename(&place_of_upload, &place(&stored.digest)).await {
            let _ = self.backend.delete(&place_of_upload).await;
            return Err(error.into());
        }
        Ok(stored)
    }

    async fn write_parts<S>(
        &self,
        upload: &mut dyn MultipartUpload,
        stream: S,
    ) -> Result<Stored, ArtifactError>
    where
        S: Stream<Item = io::Result<Bytes>> + Send,
    {
        pin_mut!(stream);
        let mut hasher = blake3::Hasher::new();
        let mut size_bytes = 0u64;
        let mut part = Vec::new();
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(ArtifactError::Interrupted)?;
            size_bytes += chunk.len() as u64;
            if size_bytes > self.limit_bytes {
                return Err(ArtifactError::TooLarge { limit_bytes: self.limit_bytes });
            }
            hasher.update(&chunk);
            part.extend_from_slice(&chunk);
            if part.len() >= PART_BYTES {
                upload.put_part(PutPayload::from(std::mem::take(&mut part))).await?;
            }
        }
        if !part.is_empty() {
            upload.put_part(PutPayload::from(part)).await?;
        }
        Ok(Stored { digest: Digest(*hasher.finalize().as_bytes()), size_bytes })
    }

    /// Gives the bytes, checked against their digest.
    pub async fn get(&self, digest: &Digest) -> Result<Bytes, ArtifactError> {
        let result = self.backend.get(&place(digest)).await.map_err(|e| absent(e, digest))?;
        if result.meta.size > self.limit_bytes {
            return Err(ArtifactError::TooLarge { limit_bytes: self.limit_bytes });
        }
        let bytes = result.bytes().await.map_err(|e| absent(e, digest))?;
        let found = Digest::of(&bytes);
        if found == *digest {
            Ok(bytes)
        } else {
            Err(ArtifactError::Damaged { wanted: *digest, found })
        }
    }

    /// True when a blob of that digest lies here (its content is checked by `get` only).
    pub async fn has(&self, digest: &Digest) -> Result<bool, ArtifactError> {
        match self.size(digest).await {
            Ok(_) => Ok(true),
            Err(ArtifactError::Absent(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Size of a blob in bytes.
    pub async fn size(&self, digest: &Digest) -> Result<u64, ArtifactError> {
        let meta = self.backend.head(&place(digest)).await.map_err(|e| absent(e, digest))?;
        Ok(meta.size)
    }

    /// Drops a blob (a tombstoned record). Absent is fine.
    pub async fn remove(&self, digest: &Digest) -> Result<(), ArtifactError> {
        match self.backend.delete(&place(digest)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The file of a blob, for memory-mapping; `None` when the store is no directory. The
    /// reader checks what it maps.
    pub fn file(&self, digest: &Digest) -> Option<PathBuf> {
        let root = self.root.as_ref()?;
        let name = digest.to_string();
        Some(root.join(name.get(..2)?).join(&name))
    }
}

fn place(digest: &Digest) -> Path {
    let name = digest.to_string();
    let shelf = name.chars().take(2).collect::<String>();
    Path::from_iter([shelf, name])
}

fn absent(error: object_store::Error, digest: &Digest) -> ArtifactError {
    match error {
        object_store::Error::NotFound { .. } => ArtifactError::Absent(*digest),
        other => other.into(),
    }
}

/// Makes the directory, and cleans it unless it is open already.
fn open_once(directory: &FsPath) -> io::Result<Arc<FsPath>> {
    std::fs::create_dir_all(directory)?;
    let root: Arc<FsPath> = directory.canonicalize()?.into();
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    let open = open.get_or_insert_default();
    if let Some(shared) = open.get(&*root).and_then(Weak::upgrade) {
        return Ok(shared);
    }
    let incoming = root.join(INCOMING);
    if incoming.exists() {
        std::fs::remove_dir_all(&incoming)?;
    }
    std::fs::create_dir_all(&incoming)?;
    drop_staged(&root)?;
    open.insert(root.to_path_buf(), Arc::downgrade(&root));
    Ok(root)
}

/// Removes what the back end staged (`<name>#<n>`) and a crash left behind.
fn drop_staged(directory: &FsPath) -> io::Result<()> {
    for shelf in std::fs::read_dir(directory)? {
        let shelf = shelf?;
        if !shelf.file_type()?.is_dir() {
            continue;
        }
        for file in std::fs::read_dir(shelf.path())? {
            let file = file?;
            if file.file_name().to_string_lossy().contains('#') {
                std::fs::remove_file(file.path())?;
            }
        }
    }
    Ok(())
}
