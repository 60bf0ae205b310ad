//! The store against a healthy directory, a damaged one and a failing back end.

use std::{
    fmt, io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use futures::{StreamExt, stream, stream::BoxStream};
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result as StoreResult,
    UploadPart, local::LocalFileSystem, path::Path,
};
use tributary_primitives::Digest;

use crate::{ArtifactError, Artifacts};

fn chunks(bytes: &[u8], size: usize) -> Vec<io::Result<Bytes>> {
    bytes.chunks(size).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect()
}

fn files_under(directory: &std::path::Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_under(&path));
        } else {
            found.push(path.display().to_string());
        }
    }
    found
}

#[tokio::test]
async fn a_blob_comes_back_as_it_was_and_survives_reopening() {
    let directory = tempfile::tempdir().unwrap();
    let store = Artifacts::open(directory.path()).unwrap();
    let digest = store.put(&b"records"[..]).await.unwrap();
    assert_eq!(digest, Digest::of(b"records"));
    assert_eq!(store.put(&b"records"[..]).await.unwrap(), digest);
    let large = vec![7u8; 3 << 20];
    let stored = store.put_stream(stream::iter(chunks(&large, 70_000))).await.unwrap();
    assert_eq!((stored.digest, stored.size_bytes), (Digest::of(&large), 3 << 20));
    drop(store);
    let store = Artifacts::open(directory.path()).unwrap();
    assert_eq!(store.get(&digest).await.unwrap(), &b"records"[..]);
    assert_eq!(store.get(&stored.digest).await.unwrap(), large);
    assert_eq!(store.size(&digest).await.unwrap(), 7);
    assert!(store.has(&digest).await.unwrap());
    assert_eq!(std::fs::read(store.file(&digest).unwrap()).unwrap(), b"records");
    store.remove(&digest).await.unwrap();
    store.remove(&digest).await.unwrap();
    assert!(matches!(store.get(&digest).await, Err(ArtifactError::Absent(d)) if d == digest));
}

#[tokio::test]
async fn a_blob_altered_on_disk_is_refused_and_mended_by_putting_it_again() {
    let directory = tempfile::tempdir().unwrap();
    let store = Artifacts::open(directory.path()).unwrap();
    let digest = store.put(&b"weights"[..]).await.unwrap();
    std::fs::write(store.file(&digest).unwrap(), b"Weights").unwrap();
    let error = store.get(&digest).await.unwrap_err();
    assert!(matches!(error, ArtifactError::Damaged { wanted, .. } if wanted == digest));
    store.put(&b"weights"[..]).await.unwrap();
    assert_eq!(store.get(&digest).await.unwrap(), &b"weights"[..]);
}

#[tokio::test]
async fn what_is_not_what_was_announced_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let store = Artifacts::open(directory.path()).unwrap();
    let wanted = Digest::of(b"this");
    let error = store.put_expected(&wanted, &b"that"[..]).await.unwrap_err();
    assert!(matches!(error, ArtifactError::Unexpected { .. }));
    store.put_expected(&wanted, &b"this"[..]).await.unwrap();
    assert_eq!(files_under(directory.path()).len(), 1);
}

#[tokio::test]
async fn a_blob_over_the_limit_or_cut_off_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let store = Artifacts::open(directory.path()).unwrap().with_limit(1_000);
    let error = store.put(vec![0u8; 1_001]).await.unwrap_err();
    assert!(matches!(error, ArtifactError::TooLarge { limit_bytes: 1_000 }));
    let error = store.put_stream(stream::iter(chunks(&[0; 2_000], 300))).await.unwrap_err();
    assert!(matches!(error, ArtifactError::TooLarge { .. }));
    let cut = vec![Ok(Bytes::from_static(b"half")), Err(io::Error::other("the line fell"))];
    let error = store.put_stream(stream::iter(cut)).await.unwrap_err();
    assert!(matches!(error, ArtifactError::Interrupted(_)));
    assert_eq!(files_under(directory.path()), Vec::<String>::new());
}

#[tokio::test]
async fn leftovers_of_a_crash_are_dropped_at_opening() {
    let directory = tempfile::tempdir().unwrap();
    let store = Artifacts::open(directory.path()).unwrap();
    let digest = store.put(&b"kept"[..]).await.unwrap();
    let file = store.file(&digest).unwrap();
    std::fs::write(directory.path().join("incoming/1-0"), b"half").unwrap();
    std::fs::write(format!("{}#1", file.display()), b"half").unwrap();
    drop(store);
    let store = Artifacts::open(directory.path()).unwrap();
    assert_eq!(files_under(directory.path()), [file.display().to_string()]);
    assert!(store.has(&digest).await.unwrap());
}

#[tokio::test]
async fn a_second_opener_leaves_the_uploads_of_the_first_alone() {
    let directory = tempfile::tempdir().unwrap();
    let first = Artifacts::open(directory.path()).unwrap();
    let (sender, receiver) = futures::channel::mpsc::unbounded();
    let upload = tokio::spawn({
        let first = first.clone();
        async move { first.put_stream(receiver).await }
    });
    sender.unbounded_send(Ok(Bytes::from(vec![1; 2 << 20]))).unwrap();
    while files_under(directory.path()).is_empty() {
        tokio::task::yield_now().await;
    }
    let second = Artifacts::open(directory.path().join(".")).unwrap();
    let other = second.put_stream(stream::iter(chunks(&[2; 100], 10))).await.unwrap();
    sender.unbounded_send(Ok(Bytes::from_static(b"end"))).unwrap();
    drop(sender);
    let stored = upload.await.unwrap().unwrap();
    assert_eq!(second.get(&stored.digest).await.unwrap().len(), (2 << 20) + 3);
    assert_eq!(first.get(&other.digest).await.unwrap(), vec![2; 100]);
}

/// A directory whose writes fail with ENOSPC from a chosen one on.
#[derive(Debug)]
struct FullDisk {
    inner: LocalFileSystem,
    writes_left: Arc<AtomicUsize>,
}

impl fmt::Display for FullDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a disk that fills up")
    }
}

const ENOSPC: i32 = 28;

fn spend(left: &AtomicUsize) -> StoreResult<()> {
    left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).map(|_| ()).map_err(
        |_| object_store::Error::Generic {
            store: "full",
            source: Box::new(io::Error::from_raw_os_error(ENOSPC)),
        },
    )
}

#[derive(Debug)]
struct FullUpload {
    inner: Box<dyn MultipartUpload>,
    writes_left: Arc<AtomicUsize>,
}

#[async_trait::async_trait]
impl MultipartUpload for FullUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        match spend(&self.writes_left) {
            Ok(()) => self.inner.put_part(data),
            Err(error) => Box::pin(async move { Err(error) }),
        }
    }

    async fn complete(&mut self) -> StoreResult<PutResult> {
        spend(&self.writes_left)?;
        self.inner.complete().await
    }

    async fn abort(&mut self) -> StoreResult<()> {
        self.inner.abort().await
    }
}

#[async_trait::async_trait]
impl ObjectStore for FullDisk {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> StoreResult<PutResult> {
        spend(&self.writes_left)?;
        self.inner.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> StoreResult<Box<dyn MultipartUpload>> {
        let inner = self.inner.put_multipart_opts(location, options).await?;
        Ok(Box::new(FullUpload { inner, writes_left: self.writes_left.clone() }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> StoreResult<GetResult> {
        self.inner.get_opts(location, options).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, StoreResult<Path>>,
    ) -> BoxStream<'static, StoreResult<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, StoreResult<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> StoreResult<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> StoreResult<()> {
        self.inner.copy_opts(from, to, options).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> StoreResult<()> {
        spend(&self.writes_left)?;
        self.inner.rename_opts(from, to, options).await
    }
}

#[tokio::test]
async fn a_full_disk_is_named_at_every_step_and_leaves_nothing() {
    let large = vec![3u8; 5 << 19];
    // Three parts, the completion and the rename: five writes.
    for writes in 0..5 {
        let directory = tempfile::tempdir().unwrap();
        let backend = FullDisk {
            inner: LocalFileSystem::new_with_prefix(directory.path()).unwrap().with_fsync(true),
            writes_left: Arc::new(AtomicUsize::new(writes)),
        };
        let store = Artifacts::over(Arc::new(backend));
        let input = stream::iter(chunks(&large, 1 << 19)).boxed();
        let result = store.put_stream(input).await;
        {
            assert!(matches!(result, Err(ArtifactError::DiskFull)), "{writes}: {result:?}");
            assert_eq!(files_under(directory.path()), Vec::<String>::new(), "after {writes}");
        }
        let error = store.put(&b"small"[..]).await.unwrap_err();
        assert!(matches!(error, ArtifactError::DiskFull));
        assert!(!store.has(&Digest::of(b"small")).await.unwrap());
    }
    let directory = tempfile::tempdir().unwrap();
    let backend = FullDisk {
        inner: LocalFileSystem::new_with_prefix(directory.path()).unwrap(),
        writes_left: Arc::new(AtomicUsize::new(5)),
    };
    let store = Artifacts::over(Arc::new(backend));
    let stored = store.put_stream(stream::iter(chunks(&large, 1 << 19))).await.unwrap();
    assert_eq!(store.get(&stored.digest).await.unwrap(), large);
}

/// Set in the second process of the next test: the directory it writes to.
const LIMITED: &str = "TRIBUTARY_TEST_LIMITED_DIRECTORY";

#[tokio::test]
async fn a_real_limit_of_the_system_is_named_as_a_full_disk() {
    let large = vec![9u8; 1 << 20];
    if let Some(directory) = std::env::var_os(LIMITED) {
        // The process may write files of 64 KiB at most.
        let store = Artifacts::open(&directory).unwrap();
        let small = store.put(vec![1u8; 10_000]).await.unwrap();
        let error = store.put(large.clone()).await.unwrap_err();
        assert!(matches!(error, ArtifactError::DiskFull), "{error}");
        let error = store.put_stream(stream::iter(chunks(&large, 50_000))).await.unwrap_err();
        assert!(matches!(error, ArtifactError::DiskFull), "{error}");
        assert_eq!(store.get(&small).await.unwrap().len(), 10_000);
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let test = "tests::a_real_limit_of_the_system_is_named_as_a_full_disk";
    let output = std::process::Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 128; exec \"$0\" --exact \"$1\" --nocapture"])
        .arg(std::env::current_exe().unwrap())
        .arg(test)
        .env(LIMITED, directory.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "{said}");
    assert_eq!(files_under(directory.path()).len(), 1, "only the small one stays");
}
