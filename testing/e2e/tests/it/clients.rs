//! Stock clients that nobody here wrote: viem, ethers, web3.py, cast, openai in two languages.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use tributary_e2e::{Node, tool};

fn scripts(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../clients").join(folder)
}

/// Runs every script of a kind in `testing/clients/<folder>` against one node.
fn run_all(folder: &str, kind: &str, program: &Path, node: &Node, home: &Path) -> Result<usize> {
    let mut ran = 0;
    let mut files: Vec<_> = std::fs::read_dir(scripts(folder))?.flatten().collect();
    files.sort_by_key(|file| file.path());
    for file in files {
        let path = file.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if !name.ends_with(kind) || name.starts_with('_') {
            continue;
        }
        let result = node.script(program, &[&path.to_string_lossy()], home)?;
        ensure!(
            result.code == 0,
            "{name}: exit {}\n{}\n{}",
            result.code,
            result.stdout,
            result.stderr
        );
        ran += 1;
    }
    Ok(ran)
}

#[test]
fn stock_ethereum_clients_find_what_they_need() -> Result<()> {
    let Some(home) = tool("TRIBUTARY_CLIENTS", "ethereum clients in npm") else { return Ok(()) };
    let Some(node) = Node::start("ethereum clients")? else { return Ok(()) };
    let ran = run_all("rpc", ".mjs", Path::new("node"), &node, &home)?;
    ensure!(ran >= 2, "only {ran} scripts ran");
    ensure!(run_all("rpc", ".sh", Path::new("sh"), &node, &home)? >= 1);
    let Some(python) = tool("TRIBUTARY_PYTHON", "web3.py") else { return Ok(()) };
    ensure!(run_all("rpc", ".py", &python, &node, &home)? >= 1);
    Ok(())
}

#[test]
fn stock_openai_clients_find_what_they_need() -> Result<()> {
    let Some(home) = tool("TRIBUTARY_CLIENTS", "openai in npm") else { return Ok(()) };
    let Some(node) = Node::start("openai clients")? else { return Ok(()) };
    ensure!(run_all("openai", ".mjs", Path::new("node"), &node, &home)? >= 1);
    let Some(python) = tool("TRIBUTARY_PYTHON", "openai in Python") else { return Ok(()) };
    // A node of its own: the flood at the end of the first run has emptied the key's allowance.
    let Some(node) = Node::start("openai in Python")? else { return Ok(()) };
    ensure!(run_all("openai", ".py", &python, &node, &home)? >= 1);
    Ok(())
}

#[test]
fn the_rest_interface_answers_in_its_own_schema() -> Result<()> {
    let Some(python) = tool("TRIBUTARY_PYTHON", "jsonschema-rs in Python") else { return Ok(()) };
    let Some(node) = Node::start("REST schema")? else { return Ok(()) };
    let home = scripts("rest");
    ensure!(run_all("rest", ".py", &python, &node, &home)? >= 1);
    Ok(())
}
