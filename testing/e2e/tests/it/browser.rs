//! The newcomer's journey in a real Chromium, with a kill -9 in its middle; then own files,
//! manners and a look at every page over what the journey left behind. Pictures of it all go to
//! the folder that `TRIBUTARY_PICTURES` names, else `pictures` beside the test tools.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;
use tributary_e2e::{Node, Script, tool};

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// The folder of the browser's packages, and that of the pictures.
struct Place {
    packages: PathBuf,
    pictures: PathBuf,
}

impl Place {
    fn find(test: &str) -> Option<Self> {
        tool("TRIBUTARY_CHROMIUM", test)?;
        let packages = tool("TRIBUTARY_BROWSER", test)?;
        let named = std::env::var_os("TRIBUTARY_PICTURES").map(PathBuf::from);
        let pictures = named.unwrap_or_else(|| packages.join("pictures"));
        Some(Self { packages, pictures })
    }

    /// Runs a script of `testing/browser` to a good end; what it printed.
    fn run(&self, node: &mut Node, name: &str) -> Result<String> {
        let path = repository("testing/browser").join(name);
        let script = Script {
            program: Path::new("node"),
            path: &path,
            folder: &self.packages,
            environment: &[
                ("TRIBUTARY_PICTURES", self.pictures.as_os_str()),
                ("TRIBUTARY_TALKS", OsStr::new("1")),
            ],
        };
        let ran = node.talk(&script, |node, request| match request {
            "kill" => node.kill(),
            "start" => node.start_again(),
            other => bail!("there is no request `{other}`"),
        })?;
        ensure!(
            ran.code == 0,
            "{name}: exit {}\n{}\n{}\n{}",
            ran.code,
            ran.stdout,
            ran.stderr,
            node.log()
        );
        Ok(ran.stdout)
    }
}

#[test]
fn a_newcomer_is_paid_in_nine_clicks_over_a_kill_and_every_page_is_fit_to_be_seen() -> Result<()> {
    let Some(place) = Place::find("journey in a browser") else { return Ok(()) };
    let Some(mut node) = Node::start("journey in a browser")? else { return Ok(()) };
    place.run(&mut node, "journey.mjs")?;
    place.run(&mut node, "files.mjs")?;
    let manners = place.run(&mut node, "manners.mjs")?;
    place.run(&mut node, "gallery.mjs")?;
    let exported = manners.lines().find_map(|line| line.strip_prefix("exported 0x"));
    let exported = exported.context("the manners' script exports a key")?;
    ensure!(exported.len() == 64, "a private key has 64 digits");
    node.stop()?;
    is_nowhere(&node.folder().join("data"), exported)
}

/// A guest's key is encrypted at rest: neither its digits nor its bytes are in any file.
fn is_nowhere(folder: &Path, key: &str) -> Result<()> {
    let bytes: Vec<u8> = (0..key.len())
        .step_by(2)
        .map(|at| Ok(u8::from_str_radix(key.get(at..at + 2).context("a digit")?, 16)?))
        .collect::<Result<_>>()?;
    let mut folders = vec![folder.to_owned()];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let file = fs::read(&path)?;
            let holds = |part: &[u8]| file.windows(part.len()).any(|window| window == part);
            ensure!(!holds(&bytes) && !holds(key.as_bytes()), "{} has the key", path.display());
            files += 1;
        }
    }
    ensure!(files > 0, "no file was looked at in {}", folder.display());
    Ok(())
}

/// Islands and test scripts are typed by their comments; nothing is compiled.
#[test]
fn the_modules_hold_their_types() -> Result<()> {
    let Some(packages) = tool("TRIBUTARY_BROWSER", "types of the browser's modules") else {
        return Ok(());
    };
    let folder = repository("testing/browser").canonicalize()?;
    types(&packages, &folder.join("tsconfig.json"))?;
    // The scripts' own packages lie elsewhere: a project of that place stands in for theirs.
    let own = packages.join("tsconfig.json");
    let project = serde_json::json!({
        "extends": folder.join("tsconfig.scripts.json"),
        "include": [folder.join("*.mjs")],
    });
    fs::write(&own, project.to_string())?;
    types(&packages, &own)
}

fn types(packages: &Path, project: &Path) -> Result<()> {
    let output = std::process::Command::new("node")
        .arg(packages.join("node_modules/typescript/bin/tsc"))
        .arg("-p")
        .arg(project)
        .current_dir(packages)
        .output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

#[derive(Deserialize)]
struct Vendored {
    file: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    name: String,
    package: String,
    version: String,
    path: String,
    licence: String,
    licence_file: String,
}

/// What is served from `vendor/` is, byte for byte, what its authors published.
#[test]
fn vendored_files_are_those_of_the_published_packages() -> Result<()> {
    let Some(packages) = tool("TRIBUTARY_BROWSER", "vendored files") else { return Ok(()) };
    let vendor = repository("crates/console/assets/vendor");
    let list: Vendored = toml::from_str(&fs::read_to_string(vendor.join("vendor.toml"))?)?;
    ensure!(!list.file.is_empty(), "nothing is vendored");
    for entry in &list.file {
        let package = packages.join("node_modules").join(&entry.package);
        let card = fs::read_to_string(package.join("package.json"))
            .with_context(|| format!("package {}", entry.package))?;
        let card: serde_json::Value = serde_json::from_str(&card)?;
        ensure!(card["version"] == entry.version.as_str(), "{}: {}", entry.name, card["version"]);
        // The card writes the licence in its own way; its text is what binds.
        let text = fs::read(package.join("LICENSE"))?;
        let own = fs::read(vendor.join(&entry.licence_file))?;
        ensure!(own == text && !entry.licence.is_empty(), "{}: another licence", entry.name);
        let published = fs::read(package.join(&entry.path))?;
        ensure!(fs::read(vendor.join(&entry.name))? == published, "{} differs", entry.name);
    }
    Ok(())
}
