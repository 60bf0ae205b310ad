//! Key files in Web3 Secret Storage v3, as wallets and foundry read and write them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use alloy_primitives::Address;
use alloy_signer_local::PrivateKeySigner;

use crate::{ClientError, Signer};

/// A folder of encrypted keys, one file per name.
#[derive(Clone, Debug)]
pub struct Keystore {
    folder: PathBuf,
}

impl Keystore {
    /// Opens the folder, making it (for its owner only) when it is absent.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, ClientError> {
        let folder = folder.into();
        fs::create_dir_all(&folder).map_err(|error| failed("folder", error))?;
        restrict(&folder, 0o700)?;
        Ok(Self { folder })
    }

    /// The names of the keys, sorted.
    pub fn list(&self) -> Result<Vec<String>, ClientError> {
        let entries = fs::read_dir(&self.folder).map_err(|error| failed("folder", error))?;
        let mut names: Vec<String> = entries
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| is_name(name))
            .collect();
        names.sort();
        Ok(names)
    }

    /// True when there is a key of this name.
    pub fn contains(&self, name: &str) -> bool {
        is_name(name) && self.folder.join(name).is_file()
    }

    /// Makes a fresh key.
    pub fn create(&self, name: &str, password: &str) -> Result<Signer, ClientError> {
        let signer = Signer::random();
        self.import(name, &signer, password)?;
        Ok(signer)
    }

    /// Stores a key. A name is taken once.
    pub fn import(&self, name: &str, signer: &Signer, password: &str) -> Result<(), ClientError> {
        let path = self.path(name)?;
        if path.exists() {
            return Err(failed(name, "there is a key of this name: choose another"));
        }
        let secret = signer.to_secret_bytes();
        let partial = format!(".{name}.partial");
        PrivateKeySigner::encrypt_keystore(
            &self.folder,
            &mut rand_keystore::rngs::OsRng,
            secret.as_slice(),
            password,
            Some(&partial),
        )
        .map_err(|error| failed(name, error))?;
        let partial = self.folder.join(partial);
        restrict(&partial, 0o600)?;
        fs::File::open(&partial)
            .and_then(|file| file.sync_all())
            .and_then(|()| fs::rename(&partial, &path))
            .map_err(|error| failed(name, error))
    }

    /// Decrypts a key.
    pub fn unlock(&self, name: &str, password: &str) -> Result<Signer, ClientError> {
        let path = self.path(name)?;
        if !path.is_file() {
            return Err(failed(name, "there is no key of this name"));
        }
        refuse_readable_by_others(name, &path)?;
        let key = PrivateKeySigner::decrypt_keystore(&path, password)
            .map_err(|_| failed(name, "the password does not open it, or the file is damaged"))?;
        Signer::from_bytes(key.to_bytes().0)
    }

    /// The address that the file names in clear, when it does.
    pub fn address(&self, name: &str) -> Option<Address> {
        let text = fs::read(self.path(name).ok()?).ok()?;
        let json: serde_json::Value = serde_json::from_slice(&text).ok()?;
        json.get("address")?.as_str()?.parse().ok()
    }

    fn path(&self, name: &str) -> Result<PathBuf, ClientError> {
        if is_name(name) {
            return Ok(self.folder.join(name));
        }
        Err(failed(
            name,
            "a name has letters, digits, `-`, `_` and `.` and does not begin with one",
        ))
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 64
        && !name.starts_with('.')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

fn failed(name: &str, reason: impl ToString) -> ClientError {
    ClientError::Keystore { name: name.to_owned(), reason: reason.to_string() }
}

#[cfg(unix)]
fn restrict(path: &Path, mode: u32) -> Result<(), ClientError> {
    use std::os::unix::fs::PermissionsExt;
    let permissions = fs::Permissions::from_mode(mode);
    fs::set_permissions(path, permissions).map_err(|error| failed("permissions", error))
}

#[cfg(not(unix))]
fn restrict(_path: &Path, _mode: u32) -> Result<(), ClientError> {
    Ok(())
}

#[cfg(unix)]
fn refuse_readable_by_others(name: &str, path: &Path) -> Result<(), ClientError> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(path).map_err(|error| failed(name, error))?.permissions().mode();
    if mode & 0o077 != 0 {
        let fix = format!("others can read {}: run `chmod 600` on it", path.display());
        return Err(failed(name, fix));
    }
    Ok(())
}

#[cfg(not(unix))]
fn refuse_readable_by_others(_name: &str, _path: &Path) -> Result<(), ClientError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_key_opens_with_its_password_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let keystore = Keystore::open(folder.path().join("keys")).expect("a keystore");
        let signer = keystore.create("ada", "right").expect("a key");
        assert_eq!(keystore.list().expect("names"), ["ada"]);
        let opened = keystore.unlock("ada", "right").expect("it opens");
        assert_eq!(opened.address(), signer.address());
        assert!(keystore.unlock("ada", "wrong").is_err());
        assert!(keystore.unlock("bo", "right").is_err());
        assert!(keystore.create("ada", "again").is_err(), "a name is taken once");
        for name in ["", ".hidden", "../up", "a/b", &"x".repeat(65)] {
            assert!(keystore.create(name, "p").is_err(), "{name}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let keystore = Keystore::open(folder.path()).expect("a keystore");
        keystore.create("ada", "p").expect("a key");
        let path = folder.path().join("ada");
        let mode = fs::metadata(&path).expect("a file").permissions().mode() & 0o777;
        assert_eq!(mode, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("a mode");
        let error = keystore.unlock("ada", "p").expect_err("it is readable").to_string();
        assert!(error.contains("chmod 600"), "{error}");
    }
}
