//! The rows behind a frozen version: fetched by digest, checked against the root on chain.

use tributary_client::Chain;
use tributary_contracts::IDatanets;
use tributary_datasets::{Bundle, Commitment, Manifest, ManifestEntry, Record};
use tributary_primitives::{Address, ContributionId, DatanetId, Digest, SnapshotRef};

use crate::{Blobs, ProviderError};

/// A version's rows in the order of their acceptance.
#[derive(Debug)]
pub struct Snapshot {
    /// What the chain froze.
    pub manifest: Manifest,
    /// One bundle for each entry of the manifest.
    pub bundles: Vec<Bundle>,
}

impl Snapshot {
    /// Loads a version and checks it against the chain's root.
    pub async fn load(
        chain: &Chain,
        blobs: &Blobs,
        datanet: DatanetId,
        version: u32,
    ) -> Result<Self, ProviderError> {
        let frozen = chain.datanets().snapshot(datanet, version).await?;
        let published = chain.datanets().published(datanet, version).await?;
        let mut entries = Vec::with_capacity(published.len());
        for contribution in &published {
            let withdrawn =
                chain.datanets().withdrawn_before(contribution, frozen.publishedAt).await?;
            entries.push(entry(contribution, withdrawn)?);
        }
        let manifest = Manifest { datanet, version, entries };
        let wrong = || ProviderError::WrongSnapshot { datanet, version };
        if manifest.root().map_err(|_| wrong())? != frozen.root {
            return Err(wrong());
        }
        let mut bundles = Vec::with_capacity(manifest.entries.len());
        for entry in &manifest.entries {
            let blob = blobs.get(&entry.data_commit).await?;
            bundles.push(Bundle::open(&blob, &commitment(entry))?);
        }
        Ok(Self { manifest, bundles })
    }

    /// What receipts and adapters name.
    pub fn reference(&self) -> Result<SnapshotRef, ProviderError> {
        Ok(self.manifest.snapshot_ref()?)
    }

    /// Rows with their contributors, withdrawn contributions left out.
    pub fn rows(&self) -> impl Iterator<Item = (&Record, Address)> {
        let kept = self.manifest.entries.iter().zip(&self.bundles);
        kept.filter(|(entry, _)| !entry.tombstoned).flat_map(|(entry, bundle)| {
            bundle.records().iter().map(|record| (record, entry.contributor))
        })
    }

    /// How many rows take part.
    pub fn row_count(&self) -> u64 {
        self.rows().count() as u64
    }
}

fn entry(
    contribution: &IDatanets::Contribution,
    tombstoned: bool,
) -> Result<ManifestEntry, ProviderError> {
    let item_count = u32::try_from(contribution.itemCount)
        .map_err(|_| ProviderError::Internal("a contribution with too many rows".into()))?;
    Ok(ManifestEntry {
        contribution: ContributionId(contribution.id),
        contributor: contribution.contributor,
        items_root: contribution.itemsRoot,
        item_count,
        data_commit: Digest::from(contribution.dataCommit),
        tombstoned,
    })
}

fn commitment(entry: &ManifestEntry) -> Commitment {
    Commitment {
        items_root: entry.items_root,
        item_count: entry.item_count,
        data_commit: entry.data_commit,
    }
}
