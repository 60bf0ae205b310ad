//! The newcomer's journey in a real Chromium, with a screenshot of every page.

use std::path::Path;

use anyhow::{Result, ensure};
use tributary_e2e::{Node, tool};

#[test]
fn a_newcomer_is_paid_in_nine_clicks() -> Result<()> {
    let Some(_) = tool("TRIBUTARY_CHROMIUM", "Chromium") else { return Ok(()) };
    let Some(home) = tool("TRIBUTARY_BROWSER", "playwright-core") else { return Ok(()) };
    let Some(node) = Node::start("journey in a browser")? else { return Ok(()) };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../browser/journey.mjs");
    let result = node.script(Path::new("node"), &[&script.to_string_lossy()], &home)?;
    ensure!(result.code == 0, "exit {}\n{}\n{}", result.code, result.stdout, result.stderr);
    Ok(())
}
