//! The dev network's curator: a reviewer with its own key that reads the rows of every
//! contribution it is drawn for, commits and reveals a score, and refuses bad rows. It knows the
//! chain as anyone does; a salt derived from its key lets it reveal after a restart.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use tokio_util::sync::CancellationToken;
use tributary_client::{Sender, datanets};
use tributary_contracts::{ContributionStatus, IDatanets, ProvisionRole};
use tributary_datasets::{Bundle, Commitment, Record, Review, Row, check, review};
use tributary_indexer::Index as History;
use tributary_primitives::{Amount, B256, Canonical, ContributionId, DatanetId, Digest};

use crate::{Blobs, ProviderError};

/// How often the head is looked at.
const PACE: Duration = Duration::from_millis(100);

/// A reviewer at work.
pub struct Curator {
    sender: Sender,
    blobs: Blobs,
    history: History,
    open: BTreeSet<u64>,
    seen: u64,
    known: BTreeMap<u64, (DatanetId, BTreeSet<Digest>)>,
}

impl Curator {
    /// Speaks with this key, reads from these blobs and notes its reasons in the history.
    pub fn new(sender: Sender, blobs: Blobs, history: History) -> Self {
        Self { sender, blobs, history, open: BTreeSet::new(), seen: 0, known: BTreeMap::new() }
    }

    /// Takes the reviewer's role with this much stake; again changes nothing.
    pub async fn enrol(&self, stake: Amount) -> Result<(), ProviderError> {
        self.sender.take_role(ProvisionRole::Reviewer, stake, None).await?;
        Ok(())
    }

    /// Reviews until told to stop. Failures are logged and tried again with the next block.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut last = None;
        loop {
            match self.sender.chain().head().await {
                Ok(head) if last != Some(head.hash) => match self.tick().await {
                    Ok(()) => last = Some(head.hash),
                    Err(error) => tracing::debug!(%error, "curator: a review failed"),
                },
                Ok(_) => {}
                Err(error) => tracing::debug!(%error, "curator: no head"),
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(PACE) => {}
            }
        }
    }

    async fn tick(&mut self) -> Result<(), ProviderError> {
        let count = self.sender.chain().datanets().contribution_count().await?;
        self.open.extend(self.seen + 1..=count);
        self.seen = count;
        // One that can't be reviewed now must not keep the others waiting.
        let mut failed = None;
        for id in self.open.clone() {
            if let Err(error) = self.attend(ContributionId(id)).await {
                tracing::warn!(contribution = id, %error, "curator: tried again shortly");
                failed = Some(error);
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// What a contribution asks for now.
    async fn attend(&mut self, id: ContributionId) -> Result<(), ProviderError> {
        let contribution = self.sender.chain().datanets().contribution(id).await?;
        match ContributionStatus::try_from(contribution.status) {
            Ok(ContributionStatus::Committing) => self.commit(&contribution).await,
            Ok(ContributionStatus::Revealing) => self.reveal(&contribution).await,
            Ok(ContributionStatus::Submitted | ContributionStatus::Accepted) => Ok(()),
            _ => {
                self.open.remove(&id.0);
                Ok(())
            }
        }
    }

    async fn commit(
        &mut self,
        contribution: &IDatanets::Contribution,
    ) -> Result<(), ProviderError> {
        let id = ContributionId(contribution.id);
        let Some(seat) = self.seat(contribution).await? else { return Ok(()) };
        if !seat.commitment.is_zero() {
            return Ok(());
        }
        let score = self.score(contribution).await?;
        let salt = self.salt(contribution);
        let commitment = self
            .sender
            .chain()
            .datanets()
            .review_commitment(score, salt, self.sender.address(), id, contribution.round)
            .await?;
        self.sender.send(&datanets::commit_review(id, commitment)).await?;
        tracing::info!(contribution = id.0, score, "curator: committed");
        // With one reviewer the phase turns at once.
        let contribution = self.sender.chain().datanets().contribution(id).await?;
        if ContributionStatus::try_from(contribution.status) == Ok(ContributionStatus::Revealing) {
            self.reveal(&contribution).await?;
        }
        Ok(())
    }

    async fn reveal(
        &mut self,
        contribution: &IDatanets::Contribution,
    ) -> Result<(), ProviderError> {
        let id = ContributionId(contribution.id);
        let Some(seat) = self.seat(contribution).await? else { return Ok(()) };
        if seat.revealed || seat.commitment.is_zero() {
            return Ok(());
        }
        let salt = self.salt(contribution);
        let score = self.committed_score(contribution, seat.commitment, salt).await?;
        self.sender.send(&datanets::reveal_review(id, score, salt)).await?;
        tracing::info!(contribution = id.0, score, "curator: revealed");
        Ok(())
    }

    /// The score behind a commitment of ours: the one the rows give now, else, when the datanet
    /// has grown since, the one that fits.
    async fn committed_score(
        &mut self,
        contribution: &IDatanets::Contribution,
        commitment: B256,
        salt: B256,
    ) -> Result<u8, ProviderError> {
        let likely = self.score(contribution).await?;
        let reads = self.sender.chain().datanets();
        for score in std::iter::once(likely).chain(0..=100) {
            let id = ContributionId(contribution.id);
            let reviewer = self.sender.address();
            let made = reads.review_commitment(score, salt, reviewer, id, contribution.round);
            if made.await? == commitment {
                return Ok(score);
            }
        }
        Err(ProviderError::Internal("a commitment of ours that no score fits".into()))
    }

    async fn seat(
        &self,
        contribution: &IDatanets::Contribution,
    ) -> Result<Option<IDatanets::Review>, ProviderError> {
        let id = ContributionId(contribution.id);
        let seats = self.sender.chain().datanets().reviews(id, contribution.round).await?;
        Ok(seats.into_iter().find(|seat| seat.reviewer == self.sender.address()))
    }

    /// Reads the rows. Rows that can't be had or don't match their commitment score 0.
    async fn score(&mut self, contribution: &IDatanets::Contribution) -> Result<u8, ProviderError> {
        let Some(bundle) = self.bundle(contribution).await? else { return Ok(0) };
        self.learn_published(DatanetId(contribution.datanetId)).await?;
        let known = &self.known;
        let datanet = DatanetId(contribution.datanetId);
        let exists = |digest: &Digest| {
            known.values().any(|(owner, digests)| *owner == datanet && digests.contains(digest))
        };
        let verdict = judge(bundle.records(), &exists);
        if !verdict.reasons.is_empty() {
            let name = format!("review:{}", contribution.id);
            self.history.put_setting(&name, &verdict.reasons.join("; ")).await?;
        }
        Ok(verdict.score)
    }

    async fn bundle(
        &self,
        contribution: &IDatanets::Contribution,
    ) -> Result<Option<Bundle>, ProviderError> {
        let blob = match self.blobs.get(&Digest::from(contribution.dataCommit)).await {
            Ok(blob) => blob,
            Err(ProviderError::MissingBlob(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        let Ok(item_count) = u32::try_from(contribution.itemCount) else { return Ok(None) };
        let commitment = Commitment {
            items_root: contribution.itemsRoot,
            item_count,
            data_commit: Digest::from(contribution.dataCommit),
        };
        Ok(Bundle::open(&blob, &commitment).ok())
    }

    /// Remembers what a datanet already holds, so that copies are refused.
    async fn learn_published(&mut self, datanet: DatanetId) -> Result<(), ProviderError> {
        for entry in self.sender.chain().datanets().contributions(datanet).await? {
            let published = matches!(
                ContributionStatus::try_from(entry.status),
                Ok(ContributionStatus::Published | ContributionStatus::Accepted)
            );
            if !published || self.known.contains_key(&entry.id) {
                continue;
            }
            if let Some(bundle) = self.bundle(&entry).await? {
                let digests = bundle.records().iter().map(|record| record.content_digest());
                self.known.insert(entry.id, (datanet, digests.collect()));
            }
        }
        Ok(())
    }

    fn salt(&self, contribution: &IDatanets::Contribution) -> B256 {
        let secret = self.sender.signer().to_secret_bytes();
        let seed = Canonical::new("tributary review salt v1")
            .bytes(secret.as_slice())
            .u64(contribution.id)
            .u64(contribution.round.into());
        seed.finish().to_b256()
    }
}

/// What a curator thinks of rows, given what their datanet holds already.
fn judge(records: &[Record], exists: &dyn Fn(&Digest) -> bool) -> Review {
    let rows = records.iter().zip(1..).map(|(record, line)| Row { line, record: record.clone() });
    review(&check(&rows.collect::<Vec<_>>(), exists))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Below this the dev network's datanets reject.
    const ACCEPTED: u8 = 60;

    fn rows(count: usize) -> Vec<Record> {
        let row = |number| {
            let text =
                format!("Barge number {number} carries salt to the mill on the {number}th day.");
            Record::from_json(format!("{{\"text\":\"{text}\"}}").as_bytes()).expect("a record")
        };
        (0..count).map(row).collect()
    }

    #[test]
    fn fresh_rows_pass_without_a_reason() {
        let verdict = judge(&rows(20), &|_| false);
        assert_eq!((verdict.score, verdict.reasons.len()), (100, 0));
    }

    #[test]
    fn copies_of_what_the_datanet_holds_are_rejected_with_a_reason() {
        let rows = rows(20);
        let known: BTreeSet<Digest> = rows.iter().take(3).map(Record::content_digest).collect();
        let verdict = judge(&rows, &|digest| known.contains(digest));
        assert!(verdict.score < ACCEPTED, "{verdict:?}");
        assert!(verdict.reasons.iter().any(|reason| reason.contains("3 of 20")), "{verdict:?}");
    }

    #[test]
    fn nothing_earns_nothing() {
        assert_eq!(judge(&[], &|_| false).score, 0);
    }
}
