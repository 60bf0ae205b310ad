//! What a dev network begins with, done by ordinary transactions of its actors. Each step looks
//! first, so that a restart, also one in the middle of it, does only what is missing.

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;
use tributary_artifacts::Artifacts;
use tributary_client::{Chain, Sender, datanets, models, staking::ProfileSpec};
use tributary_contracts::{ContributionStatus, IDatanets, IModels, ModelKind, ProvisionRole};
use tributary_datasets::{Bundle, Format, ParseLimits, Record, parse};
use tributary_indexer::{Index, RecordRow};
use tributary_primitives::{Address, Amount, DatanetId, Digest, ModelId, OPEN, Prices};

use crate::{NodeError, assets, dev::actors::Actors};

/// Name of the seed model.
pub const SEED_NAME: &str = "tributary/seed";
/// How long the first publications may take: review, challenge window and a busy machine.
const PUBLISH_LIMIT: Duration = Duration::from_secs(60);
/// Wei per token: 20 micro-OPEN in, 60 out for compute; 10 and 30 for the seed's licence.
const COMPUTE: Prices = prices(20, 60);
const LICENCE: Prices = prices(10, 30);
/// OPEN that a provider gets for its transactions, beside its stake.
const GAS_MONEY: u128 = 10;
/// Wei per trained token.
const TRAIN_PRICE: Amount = Amount::from_wei(2_000_000_000_000);

const fn prices(input_micro: u128, output_micro: u128) -> Prices {
    let micro = OPEN.wei() / 1_000_000;
    Prices {
        input: Amount::from_wei(input_micro * micro),
        output: Amount::from_wei(output_micro * micro),
    }
}

/// Sets a dev network up.
pub struct Setup<'a> {
    /// The chain.
    pub chain: &'a Chain,
    /// Its actors.
    pub actors: &'a Actors,
    /// Where blobs go.
    pub artifacts: &'a Artifacts,
    /// Where rows become visible.
    pub index: &'a Index,
    /// Where the node is reached.
    pub url: &'a str,
}

/// Stake with which the dev network's actors take a role.
fn least(minimum: u128) -> Amount {
    Amount::from_wei(minimum.max(OPEN.wei()) * 10)
}

/// Takes the provider's role under an account that can pay the stake.
pub async fn enrol_provider(
    sender: &Sender,
    url: &str,
    receipt_key: Address,
) -> Result<(), NodeError> {
    let params = sender.chain().staking().params().await?;
    let profile = ProfileSpec {
        endpoint: format!("{url}/provider"),
        receipt_key,
        prices: COMPUTE,
        train_price: TRAIN_PRICE,
    };
    let role = ProvisionRole::Provider;
    sender.take_role(role, least(params.minProvider), Some(&profile)).await?;
    Ok(())
}

/// The launch bucket gives a newcomer among the dev network's providers its stake.
pub async fn fund_provider(actors: &Actors, sender: &Sender) -> Result<(), NodeError> {
    let chain = sender.chain();
    let enrolled = chain.staking().provision_of(sender.address(), ProvisionRole::Provider).await?;
    let stake = least(chain.staking().params().await?.minProvider);
    let wanted = stake.saturating_add(Amount::from_wei(GAS_MONEY * OPEN.wei()));
    if enrolled.is_none() && chain.balance(sender.address()).await? < wanted {
        actors.launch.transfer(sender.address(), wanted).await?;
    }
    Ok(())
}

impl Setup<'_> {
    /// Blobs, roles and the seed model: what the first request needs.
    pub async fn seed(&self) -> Result<ModelId, NodeError> {
        let model = self.artifacts.put(assets::SEED_MODEL).await?;
        let tokenizer = self.artifacts.put(assets::SEED_TOKENIZER).await?;
        let card = self.artifacts.put(assets::SEED_CARD).await?;
        self.take_roles().await?;
        self.name_actors().await?;
        if let Some(seed) = self.chain.models().by_name(SEED_NAME).await? {
            return Ok(ModelId(seed.id));
        }
        let spec = IModels::ModelSpec {
            kind: ModelKind::Base.code(),
            name: SEED_NAME.to_owned(),
            digest: model.to_b256(),
            tokenizerDigest: tokenizer.to_b256(),
            cardDigest: card.to_b256(),
            licence: "MIT OR Apache-2.0".to_owned(),
            uri: String::new(),
            parents: Vec::new(),
            snapshots: Vec::new(),
            priceIn: LICENCE.input.wei(),
            priceOut: LICENCE.output.wei(),
            derivativeSharePpm: 200_000,
        };
        let receipt = self.actors.founder.send(&models::register(spec)).await?;
        models::registered_id(&receipt)
            .ok_or_else(|| NodeError::Fatal("the seed model was not registered".into()))
    }

    /// So that pages say who acts instead of an address.
    async fn name_actors(&self) -> Result<(), NodeError> {
        for account in self.actors.accounts()?.iter().filter(|account| account.role != "dev") {
            self.index.put_account_name(account.signer.address(), &account.role).await?;
        }
        self.index.put_account_name(self.actors.launch.address(), "launch bucket").await?;
        Ok(())
    }

    async fn take_roles(&self) -> Result<(), NodeError> {
        let params = self.chain.staking().params().await?;
        let gateway = ProfileSpec {
            endpoint: self.url.to_owned(),
            receipt_key: self.actors.gateway.address(),
            prices: Prices::default(),
            train_price: Amount::ZERO,
        };
        let Actors { curator, gateway: pays, .. } = self.actors;
        let curating = curator.take_role(ProvisionRole::Reviewer, least(params.minReviewer), None);
        let paying =
            pays.take_role(ProvisionRole::Gateway, least(params.minGateway), Some(&gateway));
        tokio::try_join!(curating, paying)?;
        let app = self.chain.balance(self.actors.app.address()).await?;
        if app < OPEN {
            let gift = Amount::from_wei(1_000 * OPEN.wei());
            self.actors.launch.transfer(self.actors.app.address(), gift).await?;
        }
        Ok(())
    }

    /// The sample datanets with their rows; returns once all are published.
    pub async fn datanets(&self) -> Result<Vec<DatanetId>, NodeError> {
        let founder = &self.actors.founder;
        let existing = self.chain.datanets().list().await?;
        let mut ids = Vec::new();
        for sample in &assets::DATANETS {
            let own = |datanet: &&IDatanets::Datanet| {
                datanet.spec.name == sample.name && datanet.owner == founder.address()
            };
            let id = match existing.iter().find(own) {
                Some(datanet) => DatanetId(datanet.id),
                None => self.create(founder, sample).await?,
            };
            self.fill(founder, id, sample.rows).await?;
            ids.push(id);
        }
        for id in &ids {
            self.published(*id).await?;
        }
        Ok(ids)
    }

    async fn create(
        &self,
        founder: &Sender,
        sample: &assets::SampleDatanet,
    ) -> Result<DatanetId, NodeError> {
        let spec = IDatanets::DatanetSpec {
            name: sample.name.to_owned(),
            uri: sample.description.to_owned(),
            schemaHash: Default::default(),
            licence: "CC-BY-4.0".to_owned(),
            reviewers: 0,
            acceptScore: 0,
            autoPublish: true,
        };
        let receipt = founder.send(&datanets::create(spec)).await?;
        datanets::created_id(&receipt)
            .ok_or_else(|| NodeError::Fatal("a sample datanet was not created".into()))
    }

    /// Contributes the sample rows unless they are there.
    async fn fill(&self, founder: &Sender, id: DatanetId, rows: &str) -> Result<(), NodeError> {
        let rows = parse(rows.as_bytes(), Format::Jsonl, &ParseLimits::default())?;
        let bundle = Bundle::build(rows.into_iter().map(|row| row.record).collect())?;
        let digest = self.artifacts.put(bundle.blob().to_vec()).await?;
        self.show_rows(digest, bundle.records()).await?;
        let commitment = bundle.commitment();
        let present = self.chain.datanets().contributions(id).await?;
        if present.iter().any(|entry| entry.itemsRoot == commitment.items_root) {
            return Ok(());
        }
        let items = u64::from(commitment.item_count);
        let (stake, fee) = self.chain.datanets().cost(id, items).await?;
        let contribution = datanets::Contribution {
            datanet: id,
            items_root: commitment.items_root,
            item_count: items,
            data_commit: commitment.data_commit,
            uri: String::new(),
            value: stake.saturating_add(fee),
        };
        founder.send(&datanets::contribute(&contribution)).await?;
        Ok(())
    }

    async fn show_rows(&self, blob: Digest, records: &[Record]) -> Result<(), NodeError> {
        if self.index.has_records(blob)? {
            return Ok(());
        }
        let rows = records.iter().map(|record| RecordRow {
            record: record.id(),
            own_id: record.own_id().map(str::to_owned),
            body: serde_json::from_slice(&record.canonical_bytes()).unwrap_or(Value::Null),
        });
        self.index.put_records(blob, rows.collect()).await?;
        Ok(())
    }

    async fn published(&self, id: DatanetId) -> Result<(), NodeError> {
        let end = Instant::now() + PUBLISH_LIMIT;
        while self.chain.datanets().get(id).await?.headVersion == 0 {
            if Instant::now() > end {
                let stuck = self.chain.datanets().contributions(id).await?;
                let status = stuck.first().map(|c| ContributionStatus::try_from(c.status));
                let reason = format!("sample datanet {id} is not published: {status:?}");
                return Err(NodeError::Fatal(reason));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }
}
