//! A script that runs beside its node and asks the test for what it cannot do itself, such as
//! cutting the node's power: a line of standard output that opens with `@` is a request, and the
//! answer is a line on its standard input. Nothing waits for a time to pass.

use std::{
    ffi::OsStr,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::Stdio,
};

use anyhow::{Context as _, Result};

use crate::{Node, Ran, node::collect};

/// What is run, where, and with what in its environment.
#[derive(Clone, Copy, Debug)]
pub struct Script<'a> {
    /// The interpreter.
    pub program: &'a Path,
    /// The script.
    pub path: &'a Path,
    /// Where it starts: the folder of its packages.
    pub folder: &'a Path,
    /// Variables beside the node's own.
    pub environment: &'a [(&'a str, &'a OsStr)],
}

impl Node {
    /// Runs a script to its end and grants what it asks for.
    pub fn talk(
        &mut self,
        script: &Script<'_>,
        mut grant: impl FnMut(&mut Self, &str) -> Result<()>,
    ) -> Result<Ran> {
        let mut child = self
            .command(script.program, script.folder)
            .arg(script.path)
            .envs(script.environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", script.program.display()))?;
        let errors = collect(child.stderr.take().context("no standard error")?);
        let mut answers = child.stdin.take().context("no standard input")?;
        let mut stdout = String::new();
        for line in BufReader::new(child.stdout.take().context("no standard output")?).lines() {
            let line = line?;
            match line.strip_prefix('@') {
                Some(request) => {
                    grant(self, request).with_context(|| format!("on the request {request}"))?;
                    writeln!(answers, "{request}")?;
                }
                None => {
                    stdout.push_str(&line);
                    stdout.push('\n');
                }
            }
        }
        let code = child.wait()?.code().unwrap_or(-1);
        let stderr = errors.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).join("\n");
        Ok(Ran { code, stdout, stderr })
    }
}
