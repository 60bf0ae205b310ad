//! The catalogue of errors holds both ways: every code that the sources can answer with has an
//! entry in `docs/errors.md`, and every entry is a code that the sources can answer with. What
//! modules refuse stands in `docs/errors-of-modules.md`, written from their ABI.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

/// Calls whose first text is a code.
const MAKERS: [&str; 8] = [
    "unauthorized(",
    "payment(",
    "forbidden(",
    "conflict(",
    "data(",
    "unavailable(",
    "coded(",
    "::new(",
];
/// What axum refuses by itself before a handler runs: in the words of its status.
const OF_THE_FRAMEWORK: [&str; 3] = ["bad_request", "method_not_allowed", "unprocessable_entity"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn is_code(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// The first text within the arguments of a call, where it is one of the first two.
fn first_text(call: &str) -> Option<&str> {
    let arguments: String = call.chars().take(160).collect();
    let end = arguments.find([')', ';']).map_or(arguments.len(), |end| {
        // `StatusCode::X, "code"` and `reason(x), "code"` are looked through.
        if arguments[..end].contains('"') { end } else { arguments.len() }
    });
    let position = arguments[..end].find('"')?;
    if arguments[..position].matches(',').count() > 1 {
        return None;
    }
    call[position + 1..].split('"').next()
}

fn codes_in(source: &str, codes: &mut BTreeSet<String>) {
    let source = source.split("#[cfg(test)]").next().unwrap_or_default();
    for maker in MAKERS {
        for kind in ["Refusal", "Self"] {
            let path = if maker.starts_with("::") { String::new() } else { "::".to_owned() };
            for call in source.split(&format!("{kind}{path}{maker}")).skip(1) {
                codes.extend(first_text(call).filter(|code| is_code(code)).map(str::to_owned));
            }
        }
    }
    for set in source.split(".code = \"").skip(1) {
        codes.extend(set.split('"').next().filter(|code| is_code(code)).map(str::to_owned));
    }
    for call in source.split("::not_found(\"").skip(1) {
        let what = call.split('"').next().unwrap_or_default().replace(' ', "_");
        codes.insert(format!("{what}_not_found"));
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

/// Codes of the parsers of data, as their own function names them.
fn of_datasets() -> BTreeSet<String> {
    let source = fs::read_to_string(root().join("crates/datasets/src/error.rs")).expect("source");
    let body = source.split("fn code(&self)").nth(1).unwrap_or_default();
    let body = body.split("\n    }\n").next().unwrap_or_default();
    body.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Kinds of what the index did not find.
fn of_the_index() -> BTreeSet<String> {
    let mut codes = BTreeSet::new();
    let mut kinds = |source: &str| {
        for found in source.split("NotFound { what: \"").skip(1) {
            let what = found.split('"').next().unwrap_or_default().replace(' ', "_");
            codes.insert(format!("{what}_not_found"));
        }
    };
    let mut folders = vec![root().join("crates/indexer/src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("sources").flatten() {
            match entry.path() {
                path if path.is_dir() => folders.push(path),
                path => kinds(&fs::read_to_string(path).unwrap_or_default()),
            }
        }
    }
    codes
}

/// Code and status of every row of the tables.
fn documented() -> BTreeMap<String, String> {
    let document = fs::read_to_string(root().join("docs/errors.md")).expect("the document");
    let mut rows = BTreeMap::new();
    for line in document.lines().filter(|line| line.starts_with("| `")) {
        let mut cells = line.split('|').skip(1);
        let (codes, status) = (cells.next().unwrap_or_default(), cells.next().unwrap_or_default());
        for code in codes.split('`').skip(1).step_by(2) {
            let before = rows.insert(code.to_owned(), status.trim().to_owned());
            assert!(before.is_none(), "`{code}` has two entries");
        }
    }
    rows
}

#[test]
fn every_code_has_an_entry_and_no_entry_is_dead() {
    let mut codes = BTreeSet::new();
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut codes);
    assert!(codes.len() > 40, "the sources were not read: {codes:?}");
    codes.extend(of_datasets());
    codes.extend(of_the_index());
    codes.extend(OF_THE_FRAMEWORK.map(str::to_owned));
    let documented: BTreeSet<String> = documented().into_keys().collect();
    let missing: Vec<_> = codes.difference(&documented).collect();
    assert!(missing.is_empty(), "not in docs/errors.md: {missing:?}");
    let dead: Vec<_> = documented.difference(&codes).collect();
    assert!(dead.is_empty(), "docs/errors.md names what nothing answers with: {dead:?}");
}

fn snake(name: &str) -> String {
    let mut code = String::new();
    let letters: Vec<char> = name.chars().collect();
    for (position, letter) in letters.iter().enumerate() {
        let before = position.checked_sub(1).and_then(|before| letters.get(before));
        let after = letters.get(position + 1);
        // A word begins at its capital; `ERC20` is one word.
        let begins = letter.is_ascii_uppercase()
            && before.is_some_and(|before| {
                !before.is_ascii_uppercase() || after.is_some_and(char::is_ascii_lowercase)
            });
        if begins {
            code.push('_');
        }
        code.push(letter.to_ascii_lowercase());
    }
    code
}

#[test]
fn the_errors_of_the_modules_are_those_of_their_abi() {
    let mut rows: BTreeMap<String, (String, BTreeSet<String>)> = BTreeMap::new();
    for entry in fs::read_dir(root().join("crates/contracts/abi")).expect("the ABI").flatten() {
        let abi = fs::read_to_string(entry.path()).expect("an ABI");
        let abi: Value = serde_json::from_str(&abi).expect("JSON");
        let abi = abi.as_array().or_else(|| abi["abi"].as_array()).expect("a list");
        let module = entry.path().file_stem().map(|name| name.to_string_lossy().into_owned());
        for item in abi.iter().filter(|item| item["type"] == "error") {
            let name = item["name"].as_str().unwrap_or_default();
            let fields = item["inputs"].as_array().cloned().unwrap_or_default();
            let fields: Vec<String> = fields
                .iter()
                .map(|field| {
                    let text = |name: &str| field[name].as_str().unwrap_or_default().to_owned();
                    format!("{} {}", text("type"), text("name"))
                })
                .collect();
            let row = rows.entry(snake(name)).or_default();
            row.0 = format!("{name}({})", fields.join(", "));
            row.1.extend(module.clone());
        }
    }
    let mut text = String::from(
        "# Errors of the modules\n\nWritten from the ABI. A module reverts with a typed error; \
         `/api/v1` and `/v1` carry its name in small letters as `code`, with status 404 for what \
         is unknown and 409 for the rest, and its fields in the message.\n\n\
         | code | error | modules |\n|---|---|---|\n",
    );
    for (code, (error, modules)) in &rows {
        let modules: Vec<&str> = modules.iter().map(String::as_str).collect();
        let _ = writeln!(text, "| `{code}` | `{error}` | {} |", modules.join(", "));
    }
    let path = root().join("docs/errors-of-modules.md");
    if std::env::var_os("TRIBUTARY_BLESS").is_some() {
        fs::write(&path, &text).expect("the document can be written");
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(found == text, "{} is behind the ABI: TRIBUTARY_BLESS=1 writes it", path.display());
}
