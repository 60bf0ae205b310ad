//! The committed random-weight Llama, its adapter, and the public stories checkpoint.

use std::path::PathBuf;

use tributary_models::{FloatAdapter, FloatImport, Imported, import};
use tributary_tensor::Shape;

/// `testing/fixtures`.
pub fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testing/fixtures")
}

/// A float model of the fixtures.
pub fn float(name: &str) -> FloatImport {
    match import(&directory().join(name)).expect("the fixture is whole") {
        Imported::Float(import) => *import,
        other => panic!("not a float model: {other:?}"),
    }
}

/// An adapter of the fixtures.
pub fn adapter(name: &str, shape: &Shape) -> FloatAdapter {
    match import(&directory().join(name)).expect("the fixture is whole") {
        Imported::Adapter(adapter) => adapter.fit(shape).expect("it fits"),
        other => panic!("not an adapter: {other:?}"),
    }
}

/// The random-weight Llama.
pub fn tiny() -> FloatImport {
    float("tiny-llama")
}

/// Its adapter.
pub fn tiny_adapter(shape: &Shape) -> FloatAdapter {
    adapter("tiny-llama-lora", shape)
}

/// The public stories260K directory, when it lies beside the repository.
pub fn stories() -> Option<PathBuf> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let data = std::env::var_os("TRIBUTARY_DATA").map_or_else(beside, PathBuf::from);
    let path = data.join("stories260k/stories260K.bin");
    if path.is_file() {
        return Some(path);
    }
    eprintln!("SKIPPED: {} is absent; set TRIBUTARY_DATA to the public data", path.display());
    None
}
