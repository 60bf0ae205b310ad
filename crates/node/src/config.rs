//! Configuration of a node. A flag wins over `TRIBUTARY_*`, over `./tributary.toml`, over the
//! user's file, over the default. An unknown key is an error that names the known ones.
//! Consensus parameters are not here: they lie in genesis.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::Deserialize;

/// Where a dev node listens and lives.
#[derive(Clone, Debug)]
pub struct DevConfig {
    /// Port of everything.
    pub port: u16,
    /// Data directory.
    pub datadir: PathBuf,
    /// Open the browser once ready.
    pub open_browser: bool,
    /// Write the URLs, keys and ids of a ready node here.
    pub config_out: Option<PathBuf>,
    /// Print the ready node as JSON instead of a banner.
    pub json: bool,
}

/// What a configuration file may say.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct FileConfig {
    /// `[node]`
    #[serde(default)]
    pub node: NodeSection,
}

/// `[node]` of a configuration file.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct NodeSection {
    /// Port of everything.
    pub port: Option<u16>,
    /// Data directory.
    pub datadir: Option<PathBuf>,
    /// Open the browser once ready.
    pub open_browser: Option<bool>,
}

/// Why configuration can't be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file is not what it should be; the message names line, key and the known keys.
    #[error("{path}: {message}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// The system refused to read the file.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl FileConfig {
    /// The project's file over the user's; a file that is absent says nothing.
    pub fn load(project: &Path, user: Option<&Path>) -> Result<Self, ConfigError> {
        let project = Self::read(project)?;
        let user = user.map(Self::read).transpose()?.unwrap_or_default();
        Ok(Self {
            node: NodeSection {
                port: project.node.port.or(user.node.port),
                datadir: project.node.datadir.or(user.node.datadir),
                open_browser: project.node.open_browser.or(user.node.open_browser),
            },
        })
    }

    fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => return Err(ConfigError::Io { path: path.to_path_buf(), source }),
        };
        toml::from_str(&text).map_err(|error| ConfigError::Malformed {
            path: path.to_path_buf(),
            message: error.to_string().trim_end().to_owned(),
        })
    }
}

/// `$XDG_DATA_HOME/tributary`, else `~/.local/share/tributary`, else here.
pub fn home() -> PathBuf {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let data = set("XDG_DATA_HOME").map(PathBuf::from);
    let data = data.or_else(|| set("HOME").map(|home| Path::new(&home).join(".local/share")));
    data.unwrap_or_else(|| PathBuf::from(".")).join("tributary")
}

/// `$XDG_CONFIG_HOME/tributary/tributary.toml`, else `~/.config/tributary/tributary.toml`.
pub fn user_file() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let config = set("XDG_CONFIG_HOME").map(PathBuf::from);
    let config = config.or_else(|| set("HOME").map(|home| Path::new(&home).join(".config")));
    config.map(|folder| folder.join("tributary/tributary.toml"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_projects_file_wins_and_an_unknown_key_names_the_known_ones() {
        let folder = tempfile::tempdir().unwrap();
        let (project, user) = (folder.path().join("a.toml"), folder.path().join("b.toml"));
        fs::write(&project, "[node]\nport = 1\n").unwrap();
        fs::write(&user, "[node]\nport = 2\nopen_browser = false\n").unwrap();
        let config = FileConfig::load(&project, Some(&user)).unwrap();
        assert_eq!(config.node.port, Some(1));
        assert_eq!(config.node.open_browser, Some(false));
        fs::write(&project, "[node]\nprot = 1\n").unwrap();
        let error = FileConfig::load(&project, Some(&user)).unwrap_err().to_string();
        assert!(error.contains("prot") && error.contains("`port`"), "{error}");
    }
}
