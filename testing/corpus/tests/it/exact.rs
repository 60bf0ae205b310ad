//! The shipped model.

use std::path::Path;

use tributary_models::Bundle;

/// The bundle in `assets/seed`.
pub fn seed() -> Bundle {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/seed");
    Bundle::read(&directory).expect("the seed model is committed")
}
