//! Every code of a refusal stands in `docs/errors.md`.

use std::{collections::BTreeSet, fs, path::Path};

const MAKERS: [&str; 6] =
    ["unauthorized(", "payment(", "forbidden(", "conflict(", "data(", "unavailable("];

fn codes_in(source: &str, codes: &mut BTreeSet<String>) {
    for maker in MAKERS {
        for call in source.split(&format!("Refusal::{maker}")).skip(1) {
            let argument = call.trim_start();
            let Some(literal) = argument.strip_prefix('"') else { continue };
            codes.extend(literal.split('"').next().map(str::to_owned));
        }
    }
}

fn read(folder: &Path, codes: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("sources").flatten() {
        let path = entry.path();
        if path.is_dir() {
            read(&path, codes);
        } else if let Ok(source) = fs::read_to_string(&path) {
            codes_in(&source, codes);
        }
    }
}

#[test]
fn every_code_is_documented() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = fs::read_to_string(root.join("../../docs/errors.md")).expect("the document");
    let mut codes = BTreeSet::new();
    read(&root.join("src"), &mut codes);
    assert!(codes.len() > 20, "the sources were not read: {codes:?}");
    let missing: Vec<&String> =
        codes.iter().filter(|code| !document.contains(&format!("`{code}`"))).collect();
    assert!(missing.is_empty(), "not in docs/errors.md: {missing:?}");
}
