//! What may be shipped: the licences of all dependencies, as cargo knows them.

use anyhow::{Context, Result};
use serde_json::Value;

/// Licences that ask for no more than to be named. MPL-2.0 asks for changes of its own files, of
/// which there are none.
const ALLOWED: [&str; 13] = [
    "MIT",
    "MIT-0",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "0BSD",
    "CC0-1.0",
    "ISC",
    "Zlib",
    "Unlicense",
    "Unicode-3.0",
];
const NOTED: [&str; 1] = ["MPL-2.0"];

/// Adds packages whose licence is not on the list; how many packages there are.
pub fn check(metadata: &str, faults: &mut Vec<String>) -> Result<usize> {
    let metadata: Value = serde_json::from_str(metadata)?;
    let packages = metadata.get("packages").and_then(Value::as_array).context("packages")?;
    for package in packages {
        let text = |name: &str| package.get(name).and_then(Value::as_str).unwrap_or_default();
        let (name, licence) = (text("name"), text("license"));
        if !is_allowed(licence) {
            faults.push(format!("{name}: licence `{licence}` is not on the list"));
        }
    }
    Ok(packages.len())
}

/// An expression of SPDX: every part joined by AND has an alternative that is allowed.
fn is_allowed(licence: &str) -> bool {
    let licence = licence.replace(['(', ')'], "");
    !licence.is_empty()
        && licence.split(" AND ").all(|part| {
            let mut alternatives = part.split(" OR ").flat_map(|part| part.split('/'));
            alternatives.any(|one| ALLOWED.contains(&one.trim()) || NOTED.contains(&one.trim()))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_licence_with_strings_is_found() {
        for fine in ["MIT", "Apache-2.0 / MIT", "GPL-3.0 OR MIT", "(MIT OR X) AND Unicode-3.0"] {
            assert!(is_allowed(fine), "{fine}");
        }
        for other in ["", "GPL-3.0", "MIT AND GPL-3.0", "AGPL-3.0-only"] {
            assert!(!is_allowed(other), "{other}");
        }
    }
}
