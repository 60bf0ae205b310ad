//! Who is who on a dev network: public keys of the well-known mnemonic.

use tributary_client::{Chain, ClientError, Sender, Signer};
use tributary_execution::{dev_accounts, dev_signer_key, launch_account};
use tributary_primitives::Address;

/// An actor of the dev network or an account for its developers.
#[derive(Clone, Debug)]
pub struct RoleAccount {
    /// What it is for.
    pub role: String,
    /// Its key.
    pub signer: Signer,
}

/// The dev node's own actors.
#[derive(Clone, Debug)]
pub struct Actors {
    /// Reviews contributions.
    pub curator: Sender,
    /// Runs models.
    pub provider: Sender,
    /// Meters and pays out.
    pub gateway: Sender,
    /// Pokes what is due.
    pub keeper: Sender,
    /// Owns the seed model and the sample datanets.
    pub founder: Sender,
    /// Holds the launch bucket.
    pub launch: Sender,
    /// Pays for the API key in `--config-out`.
    pub app: Sender,
}

const CURATOR: u32 = 10;
const PROVIDER: u32 = 11;
const GATEWAY: u32 = 12;
const KEEPER: u32 = 13;
const FOUNDER: u32 = 14;
const APP: u32 = 15;

impl Actors {
    /// All of them, on this chain.
    pub fn new(chain: &Chain) -> Result<Self, ClientError> {
        let sender = |index| -> Result<Sender, ClientError> {
            Ok(Sender::new(chain.clone(), Signer::from_bytes(dev_signer_key(index).0)?))
        };
        let launch = Signer::from_bytes(launch_account().private_key.0)?;
        Ok(Self {
            curator: sender(CURATOR)?,
            provider: sender(PROVIDER)?,
            gateway: sender(GATEWAY)?,
            keeper: sender(KEEPER)?,
            founder: sender(FOUNDER)?,
            launch: Sender::new(chain.clone(), launch),
            app: sender(APP)?,
        })
    }

    /// Who is paid for making blocks.
    pub fn proposer() -> Result<Address, ClientError> {
        Ok(Signer::from_bytes(dev_signer_key(KEEPER).0)?.address())
    }

    /// Accounts for the banner and for scripts: the developers' ten, then the actors.
    pub fn accounts(&self) -> Result<Vec<RoleAccount>, ClientError> {
        const NAMES: [&str; 5] = ["contributor", "curator", "builder", "provider", "app"];
        let mut all = Vec::new();
        for (index, account) in dev_accounts().iter().enumerate() {
            let signer = Signer::from_bytes(account.private_key.0)?;
            let role =
                NAMES.get(index).map_or_else(|| "dev".to_owned(), |name| format!("dev-{name}"));
            all.push(RoleAccount { role, signer });
        }
        let actors = [
            ("curator", &self.curator),
            ("provider", &self.provider),
            ("gateway", &self.gateway),
            ("keeper", &self.keeper),
            ("founder", &self.founder),
            ("app", &self.app),
        ];
        all.extend(actors.map(|(role, sender)| RoleAccount {
            role: role.to_owned(),
            signer: sender.signer().clone(),
        }));
        Ok(all)
    }
}
