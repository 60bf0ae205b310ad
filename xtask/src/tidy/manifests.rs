//! Versions stand in the workspace manifest alone, each is used, what is switched on of the large
//! families has its reason beside it, and each of our crates has its line in the profile.

use std::collections::BTreeSet;

use anyhow::Result;
use toml::{Table, Value};

/// Families of crates whose every feature needs a reason.
const REASONED: [&str; 4] = ["candle", "tokenizers", "alloy", "revm"];

/// Which part of a manifest names a dependency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// What the crate itself needs, on whatever target, its build script included.
    Crate,
    /// What only tests need.
    Tests,
}

/// One dependency of a manifest.
pub struct Dependency {
    /// The package, also when it goes by another name.
    pub package: String,
    /// Where it stands.
    pub section: Section,
    /// True when the workspace manifest has its version.
    pub of_workspace: bool,
}

/// Every dependency of a member.
pub fn dependencies(manifest: &str) -> Result<Vec<Dependency>> {
    let manifest: Table = toml::from_str(manifest)?;
    let mut found = Vec::new();
    collect(&manifest, &mut found);
    let targets = manifest.get("target").and_then(Value::as_table).cloned().unwrap_or_default();
    for target in targets.values().filter_map(Value::as_table) {
        collect(target, &mut found);
    }
    Ok(found)
}

fn collect(table: &Table, found: &mut Vec<Dependency>) {
    let sections = [
        ("dependencies", Section::Crate),
        ("build-dependencies", Section::Crate),
        ("dev-dependencies", Section::Tests),
    ];
    for (name, section) in sections {
        let list = table.get(name).and_then(Value::as_table).cloned().unwrap_or_default();
        for (key, value) in list {
            let package = value.get("package").and_then(Value::as_str).unwrap_or(&key).to_owned();
            let of_workspace = value.get("workspace").and_then(Value::as_bool) == Some(true);
            found.push(Dependency { package, section, of_workspace });
        }
    }
}

/// Adds what is wrong with the versions of one member.
pub fn member(file: &str, manifest: &str, faults: &mut Vec<String>) -> Result<()> {
    if file == "Cargo.toml" {
        return Ok(());
    }
    let table: Table = toml::from_str(manifest)?;
    let own = table.get("package").and_then(|package| package.get("name")?.as_str());
    for dependency in dependencies(manifest)?.iter().filter(|found| !found.of_workspace) {
        let package = &dependency.package;
        // A crate's tests switch on its own features by naming it.
        if own == Some(package.as_str()) && dependency.section == Section::Tests {
            continue;
        }
        faults.push(format!("{file}: {package} takes its version from the workspace manifest"));
    }
    Ok(())
}

/// Adds what is wrong with the workspace manifest: what nobody uses, features without reason, and
/// members that would be compiled as strangers are.
pub fn workspace(manifest: &str, members: Vec<String>, faults: &mut Vec<String>) -> Result<()> {
    let table: Table = toml::from_str(manifest)?;
    let list = table.get("workspace").and_then(|all| all.get("dependencies"));
    let list = list.and_then(Value::as_table).cloned().unwrap_or_default();
    let profile = table.get("profile").and_then(|all| all.get("release")?.get("package"));
    let profile = profile.and_then(Value::as_table);
    let mut used = BTreeSet::new();
    for member in members {
        let member: Table = toml::from_str(&member)?;
        names(&member, &mut used);
        let name = member.get("package").and_then(|package| package.get("name")?.as_str());
        if let Some(name) = name.filter(|name| profile.is_none_or(|own| !own.contains_key(*name))) {
            faults.push(format!("Cargo.toml: {name} has no line in [profile.release.package]"));
        }
    }
    for (name, value) in &list {
        if !used.contains(name) {
            faults.push(format!("Cargo.toml: no member uses {name}"));
        }
        let reasoned = REASONED.iter().any(|family| name.starts_with(family));
        let features = value.get("features").and_then(Value::as_array).cloned();
        for feature in features.unwrap_or_default().iter().filter_map(Value::as_str) {
            if reasoned && !has_reason(manifest, name, feature) {
                faults.push(format!("Cargo.toml: {name} has `{feature}` without a reason"));
            }
        }
    }
    Ok(())
}

/// Names under which a member takes what the workspace has.
fn names(table: &Table, used: &mut BTreeSet<String>) {
    for (name, value) in table {
        let Some(below) = value.as_table() else { continue };
        if name.ends_with("dependencies") {
            used.extend(below.keys().cloned());
        } else {
            names(below, used);
        }
    }
}

/// The comment lines directly above the crate's family name the feature.
fn has_reason(manifest: &str, name: &str, feature: &str) -> bool {
    let lines: Vec<&str> = manifest.lines().collect();
    let at = lines.iter().position(|line| line.starts_with(&format!("{name} ")));
    let above = lines.get(..at.unwrap_or(0)).unwrap_or_default();
    // The family's lines stand together below one comment.
    let family = above.iter().rev().take_while(|line| !line.is_empty());
    family.filter(|line| line.starts_with('#')).any(|line| {
        line.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-')).any(|w| w == feature)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_outside_the_workspace_manifest_is_found() {
        for line in ["serde = \"1\"", "serde = { version = \"1\" }", "x = { path = \"../x\" }"] {
            let mut faults = Vec::new();
            let manifest = format!("[dev-dependencies]\n{line}\n");
            member("crates/x/Cargo.toml", &manifest, &mut faults).expect("a manifest");
            assert_eq!(faults.len(), 1, "{line}");
        }
    }

    #[test]
    fn what_nobody_uses_and_what_has_no_reason_is_found() {
        let manifest = "[workspace.dependencies]\n# serde: for the form.\n\
                        alloy-x = { version = \"1\", features = [\"serde\", \"rlp\"] }\nold = \"1\"\n";
        let member = "[package]\nname = \"mine\"\n\
                      [target.x.dependencies]\nalloy-x = { workspace = true }\n";
        let mut faults = Vec::new();
        workspace(manifest, vec![member.to_owned()], &mut faults).expect("a manifest");
        let wanted = [
            "Cargo.toml: mine has no line in [profile.release.package]".to_owned(),
            "Cargo.toml: alloy-x has `rlp` without a reason".to_owned(),
            "Cargo.toml: no member uses old".to_owned(),
        ];
        assert_eq!(faults, wanted);
    }
}
