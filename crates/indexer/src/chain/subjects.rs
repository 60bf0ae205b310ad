//! What a module's event is about: the things to read again, and the step it adds to the story
//! of a contribution.

use alloy_primitives::{Address, B256};
use alloy_sol_types::SolEventInterface;
use tributary_contracts::{
    CHANNELS, DATANETS, IChannels::IChannelsEvents, IDatanets::IDatanetsEvents,
    IModels::IModelsEvents, ITasks::ITasksEvents, MODELS, TASKS,
};
use tributary_primitives::Amount;

/// The facts of one event that the tables keep besides its decoded form.
#[derive(Clone, Debug, Default)]
pub(crate) struct Subjects {
    pub(crate) datanet: Option<u64>,
    pub(crate) contribution: Option<u64>,
    pub(crate) model: Option<u64>,
    pub(crate) task: Option<u64>,
    pub(crate) step: Option<(&'static str, String)>,
    pub(crate) row: Option<EventRow>,
}

/// Events that are rows of their own.
#[derive(Clone, Debug)]
pub(crate) enum EventRow {
    Snapshot {
        datanet: u64,
        version: u32,
        root: B256,
        contributions: u64,
        items: u64,
    },
    Posted {
        gateway: Address,
        epoch: u64,
        root: B256,
        total: Amount,
        claimable_at: u64,
    },
    Claimed {
        gateway: Address,
        role: u8,
        party: B256,
        epoch: u64,
        cumulative: Amount,
        amount: Amount,
    },
}

/// Reads an event of a module; nothing for other contracts.
pub(crate) fn subjects(emitter: Address, topics: &[B256], data: &[u8]) -> Subjects {
    let found = if emitter == DATANETS {
        IDatanetsEvents::decode_raw_log(topics, data).ok().map(of_datanets)
    } else if emitter == MODELS {
        IModelsEvents::decode_raw_log(topics, data).ok().map(of_models)
    } else if emitter == TASKS {
        ITasksEvents::decode_raw_log(topics, data).ok().map(of_tasks)
    } else if emitter == CHANNELS {
        IChannelsEvents::decode_raw_log(topics, data).ok().map(of_channels)
    } else {
        None
    };
    found.unwrap_or_default()
}

/// A step in the story of contribution `id`.
fn step(id: u64, datanet: Option<u64>, name: &'static str, detail: String) -> Subjects {
    Subjects { contribution: Some(id), datanet, step: Some((name, detail)), ..Subjects::default() }
}

fn of_datanets(event: IDatanetsEvents) -> Subjects {
    use IDatanetsEvents as E;
    let datanet = |id| Subjects { datanet: Some(id), ..Subjects::default() };
    match event {
        E::DatanetCreated(e) => datanet(e.id),
        E::DatanetUpdated(e) => datanet(e.id),
        E::DatanetStatusChanged(e) => datanet(e.id),
        E::ContributionSubmitted(e) => {
            step(e.id, Some(e.datanetId), "submitted", format!("{} rows", e.itemCount))
        }
        E::ContributionWithdrawn(e) => step(e.id, Some(e.datanetId), "withdrawn", String::new()),
        E::ReviewersAssigned(e) => {
            let count = e.reviewers.len();
            let noun = if count == 1 { "reviewer" } else { "reviewers" };
            step(e.id, Some(e.datanetId), "assigned", format!("{count} {noun} drawn"))
        }
        E::ReviewCommitted(e) => step(e.id, None, "committed", e.reviewer.to_checksum(None)),
        E::RevealStarted(e) => step(e.id, Some(e.datanetId), "revealing", String::new()),
        E::ReviewRevealed(e) => step(e.id, None, "revealed", format!("score {}", e.score)),
        E::ReviewFeePaid(e) => Subjects { contribution: Some(e.id), ..Subjects::default() },
        E::ContributionAccepted(e) => {
            step(e.id, Some(e.datanetId), "accepted", format!("score {}", e.score))
        }
        E::ContributionRejected(e) => {
            step(e.id, Some(e.datanetId), "rejected", format!("score {}", e.score))
        }
        E::ContributionExpired(e) => step(e.id, Some(e.datanetId), "expired", String::new()),
        E::ContributionChallenged(e) => {
            step(e.id, Some(e.datanetId), "challenged", e.challenger.to_checksum(None))
        }
        E::ChallengeDismissed(e) => step(e.id, None, "dismissed", format!("score {}", e.score)),
        E::ContributionSlashed(e) => step(e.id, Some(e.datanetId), "slashed", String::new()),
        E::ContributionPublished(e) => {
            step(e.id, Some(e.datanetId), "published", format!("version {}", e.version))
        }
        E::ContributionTombstoned(e) => step(e.id, Some(e.datanetId), "tombstoned", String::new()),
        E::SnapshotPublished(e) => Subjects {
            row: Some(EventRow::Snapshot {
                datanet: e.datanetId,
                version: e.version,
                root: e.root,
                contributions: e.contributionCount,
                items: e.itemCount,
            }),
            ..datanet(e.datanetId)
        },
    }
}

fn of_models(event: IModelsEvents) -> Subjects {
    use IModelsEvents as E;
    let id = match event {
        E::ModelRegistered(e) => e.id,
        E::LineageAttested(e) => e.id,
        E::PriceChanged(e) => e.id,
        E::DerivativeShareChanged(e) => e.id,
        E::LicenceChanged(e) => e.id,
        E::ModelTransferred(e) => e.id,
        E::ModelDeprecated(e) => e.id,
    };
    Subjects { model: Some(id), ..Subjects::default() }
}

fn of_tasks(event: ITasksEvents) -> Subjects {
    use ITasksEvents as E;
    let id = match event {
        E::TaskSubmitted(e) => e.id,
        E::TaskAccepted(e) => e.id,
        E::TaskReleased(e) => e.id,
        E::TaskCompleted(e) => e.id,
        E::TaskCancelled(e) => e.id,
        E::TaskExpired(e) => e.id,
    };
    Subjects { task: Some(id), ..Subjects::default() }
}

fn of_channels(event: IChannelsEvents) -> Subjects {
    let row = match event {
        IChannelsEvents::EpochRootPosted(e) => Some(EventRow::Posted {
            gateway: e.gateway,
            epoch: e.epoch,
            root: e.root,
            total: Amount::from_wei(e.total),
            claimable_at: e.claimableAt,
        }),
        IChannelsEvents::Claimed(e) => Some(EventRow::Claimed {
            gateway: e.gateway,
            role: e.role,
            party: e.party,
            epoch: e.epoch,
            cumulative: Amount::from_wei(e.cumulative),
            amount: Amount::from_wei(e.amount),
        }),
        _ => None,
    };
    Subjects { row, ..Subjects::default() }
}
