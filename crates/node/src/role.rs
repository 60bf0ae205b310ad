//! What a process runs. One process may run everything, or several share the work: each role has
//! its own key, and what a process lacks it reaches over the network.

use std::{collections::BTreeSet, fmt, str::FromStr};

/// One thing that a process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Makes blocks and answers JSON-RPC.
    Chain,
    /// Serves `/v1` and `/api/v1`, meters and pays out.
    Gateway,
    /// Serves the pages.
    Console,
    /// Runs models and trains.
    Provider,
    /// Reviews contributions.
    Curator,
    /// Pokes what is due.
    Keeper,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Chain, Self::Gateway, Self::Console, Self::Provider, Self::Curator, Self::Keeper];

    /// Its name in flags and files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Chain => "chain",
            Self::Gateway => "gateway",
            Self::Console => "console",
            Self::Provider => "provider",
            Self::Curator => "curator",
            Self::Keeper => "keeper",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Role {
    type Err = RoleError;

    fn from_str(text: &str) -> Result<Self, RoleError> {
        let found = Self::ALL.into_iter().find(|role| role.name() == text.trim());
        found.ok_or_else(|| RoleError::Unknown(text.trim().to_owned()))
    }
}

/// Roles that don't make a process.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RoleError {
    /// No such role.
    #[error(
        "there is no role `{0}`: use some of chain, gateway, console, provider, curator, keeper"
    )]
    Unknown(String),
    /// No role at all.
    #[error("a process without roles does nothing: leave --roles out to run all of them")]
    Empty,
    /// A role needs another one beside it.
    #[error("the role {role} needs the role {needs} in the same process: add it to --roles")]
    Needs {
        /// Which.
        role: Role,
        /// What it lacks.
        needs: Role,
    },
    /// There is no chain to work for.
    #[error(
        "without the role chain this process needs a node to work for: name it with --chain-url \
         http://HOST:PORT"
    )]
    NoChain,
    /// There are two chains to work for.
    #[error("the chain runs in this process: leave --chain-url out, or the role chain")]
    TwoChains,
}

/// The roles of one process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roles(BTreeSet<Role>);

impl Roles {
    /// All of them.
    pub fn all() -> Self {
        Self(BTreeSet::from(Role::ALL))
    }

    /// Some of them; `chain_url` says whether the chain is elsewhere.
    pub fn some(roles: &[Role], chain_url: Option<&str>) -> Result<Self, RoleError> {
        let roles: BTreeSet<Role> = roles.iter().copied().collect();
        if roles.is_empty() {
            return Err(RoleError::Empty);
        }
        for (role, needs) in [(Role::Gateway, Role::Chain), (Role::Console, Role::Gateway)] {
            if roles.contains(&role) && !roles.contains(&needs) {
                return Err(RoleError::Needs { role, needs });
            }
        }
        match (roles.contains(&Role::Chain), chain_url) {
            (false, None) => Err(RoleError::NoChain),
            (true, Some(_)) => Err(RoleError::TwoChains),
            _ => Ok(Self(roles)),
        }
    }

    /// True when this process has the role.
    pub fn has(&self, role: Role) -> bool {
        self.0.contains(&role)
    }

    /// Their names.
    pub fn names(&self) -> Vec<&'static str> {
        self.0.iter().map(|role| role.name()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_refused_roles_that_do_not_go_together() {
        let url = Some("http://localhost:8545");
        let some = |roles: &[Role], url| Roles::some(roles, url).map(|roles| roles.names());
        assert_eq!(some(&[Role::Provider], url), Ok(vec!["provider"]));
        assert_eq!(some(&[Role::Provider], None), Err(RoleError::NoChain));
        assert_eq!(some(&[Role::Chain], url), Err(RoleError::TwoChains));
        assert_eq!(some(&[], None), Err(RoleError::Empty));
        let needs = RoleError::Needs { role: Role::Console, needs: Role::Gateway };
        assert_eq!(some(&[Role::Chain, Role::Console], None), Err(needs));
        assert_eq!(Roles::some(&Role::ALL, None), Ok(Roles::all()));
    }

    #[test]
    fn an_unknown_role_names_the_known_ones() {
        assert_eq!(" keeper".parse(), Ok(Role::Keeper));
        let error = "worker".parse::<Role>().unwrap_err().to_string();
        assert!(error.contains("`worker`") && error.contains("provider"), "{error}");
    }
}
