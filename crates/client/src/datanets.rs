//! Datanets: reads of the module and the calls a contributor, owner or reviewer signs.

use alloy_primitives::{Address, B256};
use alloy_rpc_types_eth::Filter;
use alloy_sol_types::SolEvent;
use tributary_contracts::{ContributionStatus, DATANETS, IDatanets};
use tributary_primitives::{Amount, ContributionId, DatanetId, Digest, U256};

use crate::{Call, Chain, ClientError, logs::first_event};

/// What a contribution commits to.
#[derive(Clone, Debug)]
pub struct Contribution {
    /// Where to.
    pub datanet: DatanetId,
    /// Keccak root over the record ids.
    pub items_root: B256,
    /// How many rows.
    pub item_count: u64,
    /// BLAKE3 of the canonical rows.
    pub data_commit: Digest,
    /// Where the rows can be fetched.
    pub uri: String,
    /// Stake and fee together: exactly the module's cost.
    pub value: Amount,
}

/// Reads of the `datanets` module.
#[derive(Clone, Debug)]
pub struct Datanets(Chain);

/// Most entries of one page in the module's views.
const PAGE: u64 = 64;

impl Chain {
    /// The datanets.
    pub fn datanets(&self) -> Datanets {
        Datanets(self.clone())
    }
}

impl Datanets {
    /// One datanet.
    pub async fn get(&self, id: DatanetId) -> Result<IDatanets::Datanet, ClientError> {
        self.0.call(DATANETS, &IDatanets::getDatanetCall { datanetId: id.0 }).await
    }

    /// All datanets, by id.
    pub async fn list(&self) -> Result<Vec<IDatanets::Datanet>, ClientError> {
        let count = self.0.call(DATANETS, &IDatanets::datanetCountCall {}).await?;
        let mut all = Vec::new();
        while (all.len() as u64) < count {
            let from = all.len() as u64 + 1;
            let call = IDatanets::datanetsCall { from, count: PAGE };
            let page = self.0.call(DATANETS, &call).await?;
            if page.is_empty() {
                break;
            }
            all.extend(page);
        }
        Ok(all)
    }

    /// One contribution.
    pub async fn contribution(
        &self,
        id: ContributionId,
    ) -> Result<IDatanets::Contribution, ClientError> {
        self.0.call(DATANETS, &IDatanets::getContributionCall { contributionId: id.0 }).await
    }

    /// How many contributions there ever were.
    pub async fn contribution_count(&self) -> Result<u64, ClientError> {
        self.0.call(DATANETS, &IDatanets::contributionCountCall {}).await
    }

    /// A datanet's contributions in order of submission.
    pub async fn contributions(
        &self,
        datanet: DatanetId,
    ) -> Result<Vec<IDatanets::Contribution>, ClientError> {
        let mut all = Vec::new();
        loop {
            let from = all.len() as u64;
            let call = IDatanets::contributionsOfCall { datanetId: datanet.0, from, count: PAGE };
            let page = self.0.call(DATANETS, &call).await?;
            let last = (page.len() as u64) < PAGE;
            all.extend(page);
            if last {
                return Ok(all);
            }
        }
    }

    /// The contributions of a version, in leaf order.
    pub async fn published(
        &self,
        datanet: DatanetId,
        version: u32,
    ) -> Result<Vec<IDatanets::Contribution>, ClientError> {
        let frozen = self.snapshot(datanet, version).await?;
        let mut all: Vec<IDatanets::Contribution> = Vec::new();
        while (all.len() as u64) < frozen.contributionCount {
            let from = all.len() as u64;
            let call = IDatanets::publishedOfCall { datanetId: datanet.0, from, count: PAGE };
            let page = self.0.call(DATANETS, &call).await?;
            if page.is_empty() {
                return Err(ClientError::malformed("publishedOf", "fewer leaves than counted"));
            }
            all.extend(page);
        }
        all.truncate(frozen.contributionCount as usize);
        Ok(all)
    }

    /// A frozen version.
    pub async fn snapshot(
        &self,
        datanet: DatanetId,
        version: u32,
    ) -> Result<IDatanets::Snapshot, ClientError> {
        let call = IDatanets::snapshotCall { datanetId: datanet.0, version };
        self.0.call(DATANETS, &call).await
    }

    /// True when a contribution was withdrawn before a version was frozen at this second.
    pub async fn withdrawn_before(
        &self,
        contribution: &IDatanets::Contribution,
        frozen_at: u64,
    ) -> Result<bool, ClientError> {
        if contribution.status != ContributionStatus::Tombstoned.code() {
            return Ok(false);
        }
        let filter = Filter::new()
            .address(DATANETS)
            .event_signature(IDatanets::ContributionTombstoned::SIGNATURE_HASH)
            .topic1(U256::from(contribution.id))
            .from_block(0_u64);
        let logs = self.0.logs(&filter).await?;
        let Some(number) = logs.first().and_then(|log| log.block_number) else { return Ok(false) };
        let block = self.0.block_ref(number).await?;
        Ok(block.is_some_and(|block| block.timestamp <= frozen_at))
    }

    /// The seats of a contribution's round.
    pub async fn reviews(
        &self,
        contribution: ContributionId,
        round: u8,
    ) -> Result<Vec<IDatanets::Review>, ClientError> {
        let call = IDatanets::reviewsOfCall { contributionId: contribution.0, round };
        self.0.call(DATANETS, &call).await
    }

    /// Stake (returned) and review fee for `items` rows.
    pub async fn cost(
        &self,
        datanet: DatanetId,
        items: u64,
    ) -> Result<(Amount, Amount), ClientError> {
        let call = IDatanets::contributionCostCall { datanetId: datanet.0, itemCount: items };
        let cost = self.0.call(DATANETS, &call).await?;
        Ok((Amount::from_wei(cost.stake), Amount::from_wei(cost.fee)))
    }

    /// The commitment a reviewer hides a score behind.
    pub async fn review_commitment(
        &self,
        score: u8,
        salt: B256,
        reviewer: Address,
        contribution: ContributionId,
        round: u8,
    ) -> Result<B256, ClientError> {
        let call = IDatanets::reviewCommitmentCall {
            score,
            salt,
            reviewer,
            contributionId: contribution.0,
            round,
        };
        self.0.call(DATANETS, &call).await
    }

    /// Genesis parameters.
    pub async fn params(&self) -> Result<IDatanets::DatanetsParams, ClientError> {
        self.0.call(DATANETS, &IDatanets::datanetsParamsCall {}).await
    }
}

/// Opens a datanet of the signer.
pub fn create(spec: IDatanets::DatanetSpec) -> Call {
    let summary = format!("open the datanet \"{}\"", spec.name);
    Call::new(DATANETS, &IDatanets::createDatanetCall { spec }, summary)
}

/// Submits rows with stake and fee.
pub fn contribute(contribution: &Contribution) -> Call {
    let call = IDatanets::contributeCall {
        datanetId: contribution.datanet.0,
        itemsRoot: contribution.items_root,
        itemCount: contribution.item_count,
        dataCommit: contribution.data_commit.to_b256(),
        uri: contribution.uri.clone(),
    };
    let summary =
        format!("contribute {} rows to datanet {}", contribution.item_count, contribution.datanet);
    Call::paying(DATANETS, contribution.value, &call, summary)
}

/// A reviewer's hidden score.
pub fn commit_review(contribution: ContributionId, commitment: B256) -> Call {
    let call = IDatanets::commitReviewCall { contributionId: contribution.0, commitment };
    Call::new(DATANETS, &call, format!("commit a review of contribution {contribution}"))
}

/// Shows the score.
pub fn reveal_review(contribution: ContributionId, score: u8, salt: B256) -> Call {
    let call = IDatanets::revealReviewCall { contributionId: contribution.0, score, salt };
    Call::new(DATANETS, &call, format!("score contribution {contribution} with {score}"))
}

/// Freezes what is accepted into the next version.
pub fn publish(datanet: DatanetId) -> Call {
    let call = IDatanets::publishSnapshotCall { datanetId: datanet.0 };
    Call::new(DATANETS, &call, format!("publish the next version of datanet {datanet}"))
}

/// Takes a contribution back before review.
pub fn withdraw(contribution: ContributionId) -> Call {
    let call = IDatanets::withdrawContributionCall { contributionId: contribution.0 };
    Call::new(DATANETS, &call, format!("take contribution {contribution} back"))
}

/// Marks a published contribution as withdrawn.
pub fn tombstone(contribution: ContributionId, reason: B256) -> Call {
    let call = IDatanets::tombstoneCall { contributionId: contribution.0, reason };
    Call::new(DATANETS, &call, format!("mark contribution {contribution} as withdrawn"))
}

/// Does what is due.
pub fn poke(max: u32) -> Call {
    Call::new(DATANETS, &IDatanets::pokeCall { max }, "do what is due in datanets")
}

/// The id of the datanet that a transaction opened.
pub fn created_id(receipt: &alloy_rpc_types_eth::TransactionReceipt) -> Option<DatanetId> {
    first_event::<IDatanets::DatanetCreated>(receipt, DATANETS).map(|event| DatanetId(event.id))
}

/// The id of the contribution that a transaction submitted.
pub fn contributed_id(receipt: &alloy_rpc_types_eth::TransactionReceipt) -> Option<ContributionId> {
    first_event::<IDatanets::ContributionSubmitted>(receipt, DATANETS)
        .map(|event| ContributionId(event.id))
}

/// Topic of the event that a snapshot was published.
pub fn snapshot_topic() -> B256 {
    IDatanets::SnapshotPublished::SIGNATURE_HASH
}
