//! The tools that only tests need, unpacked under `target/tools`; nothing is installed in the
//! system. A tool that can't be had is reported, and the tests that need it count as skipped.
//!
//! Chromium: Debian's headless shell and the libraries the system lacks, by apt without root.
//! Clients: the locked npm and PyPI packages of `testing/clients` and `testing/browser`.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::shell::{quiet, root, target};

/// Where each tool lies, or why it is absent.
pub struct Tools {
    /// Executable that starts headless Chromium with its libraries.
    pub chromium: Result<PathBuf>,
    /// Folder with `node_modules` of the RPC and API clients.
    pub clients: Result<PathBuf>,
    /// Folder with `node_modules` of the browser tests.
    pub browser: Result<PathBuf>,
    /// Python interpreter with web3 and openai.
    pub python: Result<PathBuf>,
}

impl Tools {
    /// Environment for the tests: a variable is set only for a tool that is there.
    pub fn environment(&self) -> Vec<(&'static str, PathBuf)> {
        let found = |tool: &Result<PathBuf>| tool.as_ref().ok().cloned();
        [
            ("TRIBUTARY_CHROMIUM", found(&self.chromium)),
            ("TRIBUTARY_CLIENTS", found(&self.clients)),
            ("TRIBUTARY_BROWSER", found(&self.browser)),
            ("TRIBUTARY_PYTHON", found(&self.python)),
        ]
        .into_iter()
        .filter_map(|(name, path)| path.map(|path| (name, path)))
        .collect()
    }
}

impl fmt::Display for Tools {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = |name: &str, tool: &Result<PathBuf>| match tool {
            Ok(path) => writeln!(f, "{name:9} {}", path.display()),
            Err(error) => writeln!(f, "{name:9} ABSENT: {error:#}"),
        };
        line("chromium", &self.chromium)?;
        line("clients", &self.clients)?;
        line("browser", &self.browser)?;
        line("python", &self.python)
    }
}

/// Fetches what is missing; a second call finds everything in place.
pub fn fetch() -> Result<Tools> {
    let tools = target().join("tools");
    fs::create_dir_all(&tools)?;
    eprintln!("test tools: looking in {}", tools.display());
    Ok(Tools {
        chromium: chromium(&tools),
        clients: npm(&tools, "clients"),
        browser: npm(&tools, "browser"),
        python: python(&tools),
    })
}

fn chromium(tools: &Path) -> Result<PathBuf> {
    let home = tools.join("chromium");
    let launcher = home.join("chromium-headless");
    if launcher.exists() {
        return Ok(launcher);
    }
    eprintln!("test tools: fetching headless Chromium (about 100 MB)");
    let apt = tools.join("apt");
    for folder in ["lists/partial", "cache/archives/partial"] {
        fs::create_dir_all(apt.join(folder))?;
    }
    let get = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command
            .arg("-q")
            .arg(format!("-oDir::State::Lists={}", apt.join("lists").display()))
            .arg(format!("-oDir::Cache={}", apt.join("cache").display()))
            .args(["-oDebug::NoLocking=1", "-oAPT::Sandbox::User="])
            .args(arguments);
        quiet(&mut command)
    };
    get(&["update"])?;
    // fontconfig and a font: a page without glyphs makes an empty screenshot.
    get(&[
        "-y",
        "--download-only",
        "--no-install-recommends",
        "--reinstall",
        "install",
        "chromium-headless-shell",
        "fonts-dejavu-core",
        "fontconfig-config",
    ])?;
    let unpacked = home.join("root");
    fs::create_dir_all(&unpacked)?;
    for package in fs::read_dir(apt.join("cache/archives"))? {
        let package = package?.path();
        if package.extension().is_some_and(|kind| kind == "deb") {
            quiet(Command::new("dpkg-deb").arg("-x").arg(&package).arg(&unpacked))?;
        }
    }
    write_launcher(&unpacked, &launcher)?;
    quiet(Command::new(&launcher).arg("--version"))
        .context("the unpacked Chromium does not run")?;
    Ok(launcher)
}

/// A script that starts the unpacked binary with the unpacked libraries and fonts.
fn write_launcher(unpacked: &Path, launcher: &Path) -> Result<()> {
    let binary = ["usr/lib/chromium/chromium-headless-shell", "usr/bin/chromium-headless-shell"]
        .into_iter()
        .map(|path| unpacked.join(path))
        .find(|path| path.exists())
        .context("the package holds no chromium-headless-shell")?;
    let root = unpacked.display();
    let fonts = unpacked.join("fonts.conf");
    fs::write(
        &fonts,
        format!(
            "<?xml version=\"1.0\"?>\n<!DOCTYPE fontconfig SYSTEM \"fonts.dtd\">\n<fontconfig>\n\
             <dir>{root}/usr/share/fonts</dir>\n<cachedir>{root}/fontcache</cachedir>\n\
             </fontconfig>\n"
        ),
    )?;
    // Some libraries lie one folder deeper and are found by their dependants' own run path only
    // in an installed system.
    let library_path: Vec<_> = ["x86_64-linux-gnu", "aarch64-linux-gnu"]
        .iter()
        .flat_map(|arch| ["", "/pulseaudio"].map(|sub| format!("{root}/usr/lib/{arch}{sub}")))
        .collect();
    let library_path = library_path.join(":");
    let script = format!(
        "#!/bin/sh\nexport LD_LIBRARY_PATH=\"{library_path}${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}\"\n\
         export FONTCONFIG_FILE=\"{}\"\nexec \"{}\" --no-sandbox \"$@\"\n",
        fonts.display(),
        binary.display()
    );
    let staged = launcher.with_extension("new");
    fs::write(&staged, script)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&staged, fs::Permissions::from_mode(0o755))?;
    }
    fs::rename(&staged, launcher)?;
    Ok(())
}

/// Installs the locked packages of `testing/<name>` into `target/tools/<name>`.
pub fn npm(tools: &Path, name: &str) -> Result<PathBuf> {
    let source = root().join("testing").join(name);
    let home = tools.join(name);
    let lock = fs::read_to_string(source.join("package-lock.json"))
        .with_context(|| format!("testing/{name}/package-lock.json"))?;
    let done = home.join("installed-lock.json");
    if fs::read_to_string(&done).is_ok_and(|installed| installed == lock) {
        return Ok(home);
    }
    eprintln!("test tools: npm packages of testing/{name}");
    fs::create_dir_all(&home)?;
    for file in ["package.json", "package-lock.json"] {
        fs::copy(source.join(file), home.join(file))?;
    }
    // `cast` and `solc` come as plain packages; no install script may fetch anything else.
    // `install` with the lock, not `ci`: the lock leaves out other platforms' optional binaries.
    let flags = ["install", "--no-audit", "--no-fund", "--loglevel=error"];
    quiet(Command::new("npm").args(flags).current_dir(&home))?;
    fs::write(&done, lock)?;
    Ok(home)
}

fn python(tools: &Path) -> Result<PathBuf> {
    let home = tools.join("python");
    let wanted = fs::read_to_string(root().join("testing/clients/requirements.txt"))
        .context("testing/clients/requirements.txt")?;
    let interpreter = home.join("bin/python");
    let done = home.join("installed.txt");
    if fs::read_to_string(&done).is_ok_and(|installed| installed == wanted) {
        return Ok(interpreter);
    }
    eprintln!("test tools: Python packages of testing/clients");
    quiet(Command::new("python3").args(["-m", "venv"]).arg(&home))?;
    let requirements = root().join("testing/clients/requirements.txt");
    let flags = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"];
    quiet(Command::new(&interpreter).args(flags).arg(requirements))?;
    fs::write(&done, wanted)?;
    Ok(interpreter)
}
