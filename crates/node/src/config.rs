//! Configuration of a node. A flag wins over `TRIBUTARY_*`, over `./tributary.toml`, over the
//! user's file, over the default. An unknown key is an error that suggests the nearest known one.
//! Consensus parameters are not here: they lie in genesis.
//!
//! **Invariant:** [`KEYS`] is all that a file may say; the reference in `docs/` is written from it.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use toml::{Table, Value};

use crate::role::Roles;

/// Where a dev node listens and lives.
#[derive(Clone, Debug)]
pub struct DevConfig {
    /// What this process runs.
    pub roles: Roles,
    /// The node to work for, when the chain is not in this process.
    pub chain_url: Option<String>,
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

/// One thing that can be configured.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// `section.key` in a file.
    pub name: &'static str,
    /// The flag that wins over all.
    pub flag: &'static str,
    /// The variable that wins over files; none where a flag alone does.
    pub variable: Option<&'static str>,
    /// What holds when nobody says anything.
    pub default: &'static str,
    /// What it is.
    pub detail: &'static str,
    kind: Kind,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Text,
    Flag,
    Port,
}

/// All that can be configured.
pub const KEYS: [Key; 6] = [
    Key {
        name: "node.port",
        flag: "--port",
        variable: Some("TRIBUTARY_PORT"),
        default: "8545",
        detail: "Port of JSON-RPC, console and APIs; 0 takes a free one.",
        kind: Kind::Port,
    },
    Key {
        name: "node.datadir",
        flag: "--datadir",
        variable: Some("TRIBUTARY_DATADIR"),
        default: "dev in the home folder",
        detail: "Folder that holds the chain and everything else.",
        kind: Kind::Text,
    },
    Key {
        name: "node.roles",
        flag: "--roles",
        variable: Some("TRIBUTARY_ROLES"),
        default: "all",
        detail: "What this process runs, with commas: chain, gateway, console, provider, \
                 curator, keeper.",
        kind: Kind::Text,
    },
    Key {
        name: "node.chain_url",
        flag: "--chain-url",
        variable: Some("TRIBUTARY_CHAIN_URL"),
        default: "none",
        detail: "Node to work for, when the chain is not among the roles.",
        kind: Kind::Text,
    },
    Key {
        name: "node.open_browser",
        flag: "--no-open",
        variable: None,
        default: "true",
        detail: "Open the browser once the node is ready.",
        kind: Kind::Flag,
    },
    Key {
        name: "client.rpc_url",
        flag: "--rpc-url",
        variable: Some("TRIBUTARY_RPC_URL"),
        default: "http://localhost:8545",
        detail: "Node that client commands talk to.",
        kind: Kind::Text,
    },
];

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody said anything.
    Default,
    /// A file.
    File(PathBuf),
    /// An environment variable.
    Variable(&'static str),
    /// The command line.
    Flag(&'static str),
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Variable(name) => f.write_str(name),
            Self::Flag(name) => f.write_str(name),
        }
    }
}

/// Why configuration can't be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file is not TOML; the message names line and column.
    #[error("{path}: {message}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// There is no such key.
    #[error("{path}: unknown key `{key}`")]
    UnknownKey {
        /// The file.
        path: PathBuf,
        /// The key as written.
        key: String,
        /// The known key that is nearest.
        nearest: &'static str,
    },
    /// A value is of another kind.
    #[error("{path}: `{key}` must be {wanted}")]
    WrongValue {
        /// The file.
        path: PathBuf,
        /// The key.
        key: &'static str,
        /// What it must be.
        wanted: &'static str,
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

impl ConfigError {
    /// What to do.
    pub fn hint(&self) -> String {
        match self {
            Self::UnknownKey { nearest, .. } => format!("did you mean `{nearest}`?"),
            _ => "correct the file; `tributary config show --origin` lists what is read".into(),
        }
    }
}

/// What the files say, the project's over the user's.
#[derive(Clone, Debug, Default)]
pub struct FileConfig {
    found: Vec<(&'static str, Value, PathBuf)>,
}

impl FileConfig {
    /// Reads both files; one that is absent says nothing.
    pub fn load(project: &Path, user: Option<&Path>) -> Result<Self, ConfigError> {
        let mut found = read(project)?;
        found.extend(user.map(read).transpose()?.unwrap_or_default());
        Ok(Self { found })
    }

    /// What a file says of a key, and which file.
    pub fn get(&self, name: &str) -> Option<(&Value, Origin)> {
        let (_, value, path) = self.found.iter().find(|(key, ..)| *key == name)?;
        Some((value, Origin::File(path.clone())))
    }

    /// A text.
    pub fn text(&self, name: &str) -> Option<String> {
        self.get(name).and_then(|(value, _)| value.as_str().map(str::to_owned))
    }

    /// `[node] port`
    pub fn port(&self) -> Option<u16> {
        self.get("node.port").and_then(|(value, _)| u16::try_from(value.as_integer()?).ok())
    }

    /// `[node] open_browser`
    pub fn open_browser(&self) -> Option<bool> {
        self.get("node.open_browser").and_then(|(value, _)| value.as_bool())
    }
}

fn read(path: &Path) -> Result<Vec<(&'static str, Value, PathBuf)>, ConfigError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(ConfigError::Io { path: path.to_path_buf(), source }),
    };
    let table: Table = toml::from_str(&text).map_err(|error| ConfigError::Malformed {
        path: path.to_path_buf(),
        message: error.to_string().trim_end().to_owned(),
    })?;
    let mut found = Vec::new();
    for (section, value) in table {
        let Value::Table(keys) = value else { return Err(unknown(path, section)) };
        if keys.is_empty() && !KEYS.iter().any(|key| key.section() == section) {
            return Err(unknown(path, section));
        }
        for (key, value) in keys {
            let written = format!("{section}.{key}");
            let Some(known) = KEYS.iter().find(|key| key.name == written) else {
                return Err(unknown(path, written));
            };
            known.kind.check(known.name, &value, path)?;
            found.push((known.name, value, path.to_path_buf()));
        }
    }
    Ok(found)
}

fn unknown(path: &Path, key: String) -> ConfigError {
    // A key may lack its section, so its last word counts by itself too.
    let last = |name: &str| name.rsplit('.').next().unwrap_or_default().to_owned();
    let nearness = |known: &&Key| {
        let whole = strsim::jaro_winkler(known.name, &key);
        let word = strsim::jaro_winkler(&last(known.name), &last(&key));
        (whole.max(word) * 1e6) as u64
    };
    let nearest = KEYS.iter().max_by_key(nearness).map_or("node.port", |known| known.name);
    ConfigError::UnknownKey { path: path.to_path_buf(), key, nearest }
}

impl Key {
    fn section(&self) -> &'static str {
        self.name.split('.').next().unwrap_or_default()
    }
}

impl Kind {
    fn check(self, key: &'static str, value: &Value, path: &Path) -> Result<(), ConfigError> {
        let (fits, wanted) = match self {
            Self::Text => (value.is_str(), "text in quotes"),
            Self::Flag => (value.is_bool(), "true or false"),
            Self::Port => {
                let port = value.as_integer().and_then(|port| u16::try_from(port).ok());
                (port.is_some(), "a whole number from 0 to 65535")
            }
        };
        let path = path.to_path_buf();
        if fits { Ok(()) } else { Err(ConfigError::WrongValue { path, key, wanted }) }
    }
}

/// `$XDG_DATA_HOME/tributary`, else `~/.local/share/tributary`, else here.
pub fn home() -> PathBuf {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let data = set("XDG_DATA_HOME").map(PathBuf::from);
    let data = data.or_else(|| set("HOME").map(|home| Path::new(&home).join(".local/share")));
    data.unwrap_or_else(|| PathBuf::from(".")).join("tributary")
}

/// The project's file, in the folder that a command is started in.
pub fn project_file() -> PathBuf {
    PathBuf::from("tributary.toml")
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

    fn load(project: &str, user: &str) -> Result<FileConfig, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (folder.path().join("a.toml"), folder.path().join("b.toml"));
        fs::write(&first, project).unwrap();
        fs::write(&second, user).unwrap();
        FileConfig::load(&first, Some(&second))
    }

    #[test]
    fn the_projects_file_wins_over_the_users() {
        let user = "[node]\nport = 2\nopen_browser = false\n";
        let config = load("[node]\nport = 1\n", user).unwrap();
        assert_eq!((config.port(), config.open_browser()), (Some(1), Some(false)));
        let (_, origin) = config.get("node.open_browser").unwrap();
        assert!(origin.to_string().ends_with("b.toml"));
        assert_eq!(config.text("client.rpc_url"), None);
    }

    #[test]
    fn an_unknown_key_is_an_error_with_the_nearest_known_one() {
        let cases = [
            ("[node]\nprot = 1\n", "node.prot", "node.port"),
            ("[nod]\n", "nod", "node.port"),
            ("port = 1\n", "port", "node.port"),
            ("[client]\nrpc = \"x\"\n", "client.rpc", "client.rpc_url"),
        ];
        for (text, written, wanted) in cases {
            let error = load(text, "").unwrap_err();
            assert!(error.to_string().contains(written), "{error}");
            assert!(error.hint().contains(wanted), "{text}: {}", error.hint());
        }
    }

    #[test]
    fn a_value_of_another_kind_names_what_it_must_be() {
        for text in ["[node]\nport = 70000\n", "[node]\nopen_browser = 1\n"] {
            let error = load("", text).unwrap_err().to_string();
            assert!(error.contains("must be"), "{error}");
        }
        let error = load("[node\n", "").unwrap_err().to_string();
        assert!(error.contains("line 1"), "{error}");
    }
}
