//! Operations as the calls that mean them.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::{SolCall, SolStruct, sol};
use tributary_contracts::*;
use tributary_ledger::{Leaf, Ledger, Op, Owed, Voucher};
use tributary_proofs::{SumLeaf, SumTree};

/// What turns operations into calls: the voucher key and the channels' ids by number.
pub struct Encoder {
    pub chain_id: u64,
    /// Every actor has a key behind its code: it signs what a gateway acknowledges.
    pub actor_keys: BTreeMap<Address, PrivateKeySigner>,
    pub voucher_key: PrivateKeySigner,
    pub other_key: PrivateKeySigner,
}

/// The key of a name.
pub fn key(name: &str) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&keccak256(name)).expect("a hash is a key")
}

sol! {
    struct TransferWithAuthorization {
        address from;
        address to;
        uint256 value;
        uint256 validAfter;
        uint256 validBefore;
        bytes32 nonce;
    }
}

/// A record root by its number.
pub fn items_root(number: u64) -> B256 {
    keccak256(number.to_be_bytes())
}

/// The tree of a root's leaves.
pub fn tree(leaves: &[Leaf]) -> SumTree {
    let leaf = |leaf: &Leaf| SumLeaf {
        role: leaf.role as u8,
        party: leaf.party.0,
        cumulative: leaf.cumulative.wei(),
    };
    SumTree::new(leaves.iter().map(leaf).collect()).expect("sums of the supply fit")
}

impl Encoder {
    pub fn new(chain_id: u64, actor_keys: Vec<PrivateKeySigner>) -> Self {
        let actor_keys = actor_keys.into_iter().map(|key| (key.address(), key)).collect();
        Self { chain_id, actor_keys, voucher_key: key("voucher"), other_key: key("other") }
    }

    /// Id of a channel: computed as the module documents it.
    pub fn channel_id(&self, ledger: &Ledger, number: u64) -> B256 {
        let Some(channel) = ledger.channels.get(&number) else { return B256::ZERO };
        let earlier =
            ledger.channels.iter().filter(|(n, c)| **n < number && c.payer == channel.payer);
        let mut bytes = b"tributary channel v1".to_vec();
        bytes.extend_from_slice(&self.chain_id.to_be_bytes());
        for party in [channel.payer, channel.gateway, self.voucher_key.address()] {
            bytes.extend_from_slice(party.as_slice());
        }
        bytes.extend_from_slice(&(earlier.count() as u64).to_be_bytes());
        keccak256(bytes)
    }

    /// Target and calldata of an operation by this caller in this state.
    pub fn call(&self, ledger: &Ledger, caller: Address, op: &Op) -> (Address, Vec<u8>) {
        match op {
            Op::Transfer { to, amount } => {
                (OPEN, IOpen::transferCall { to: *to, amount: amount.to_u256() }.abi_encode())
            }
            Op::Approve { spender, amount } => (
                OPEN,
                IOpen::approveCall { spender: *spender, amount: amount.to_u256() }.abi_encode(),
            ),
            Op::TransferFrom { from, to, amount } => {
                let amount = amount.to_u256();
                (OPEN, IOpen::transferFromCall { from: *from, to: *to, amount }.abi_encode())
            }
            Op::Authorized { .. } => (OPEN, self.authorized(op)),
            Op::Stake
            | Op::Unstake { .. }
            | Op::WithdrawUnbonded
            | Op::Provision { .. }
            | Op::AddToProvision { .. }
            | Op::Thaw { .. }
            | Op::Deprovision { .. } => (STAKING, staking(op)),
            Op::SubmitTask { .. }
            | Op::AcceptTask { .. }
            | Op::ReleaseTask { .. }
            | Op::CompleteTask { .. }
            | Op::CancelTask { .. }
            | Op::ExpireTask { .. }
            | Op::PokeTasks => (TASKS, tasks(op)),
            Op::Back { .. }
            | Op::Unback { .. }
            | Op::WithdrawBacking { .. }
            | Op::ClaimBacking { .. }
            | Op::ClaimCommons { .. }
            | Op::Sweep { .. }
            | Op::Donate { .. } => (ROYALTIES, pools(op)),
            Op::Contribute { .. }
            | Op::WithdrawContribution { .. }
            | Op::Commit { .. }
            | Op::Reveal { .. }
            | Op::Challenge { .. }
            | Op::Tombstone { .. }
            | Op::CloseDatanet { .. }
            | Op::PublishSnapshot { .. }
            | Op::PokeContribution { .. }
            | Op::PokeDatanets => (DATANETS, datanets(ledger, caller, op)),
            Op::ChallengeRoot { .. }
            | Op::ChallengeUnderpay { .. }
            | Op::WindUp { .. }
            | Op::ClaimAcknowledged { .. }
            | Op::SweepPot { .. } => (CHANNELS, self.disputes(ledger, op)),
            _ => (CHANNELS, self.channels(ledger, op)),
        }
    }

    fn channels(&self, ledger: &Ledger, op: &Op) -> Vec<u8> {
        let id = |number: &u64| self.channel_id(ledger, *number);
        match op {
            Op::Deposit => IChannels::depositCall {}.abi_encode(),
            Op::DepositFor { payer } => IChannels::depositForCall { payer: *payer }.abi_encode(),
            Op::Withdraw { amount } => {
                IChannels::withdrawCall { amount: amount.wei() }.abi_encode()
            }
            Op::OpenChannel { gateway, cap, expiry } => {
                let signer = self.voucher_key.address();
                let (gateway, cap, expiry) = (*gateway, cap.wei(), *expiry);
                IChannels::openChannelCall { gateway, signer, cap, expiry }.abi_encode()
            }
            Op::TopUp { channel, amount } => {
                IChannels::topUpChannelCall { channelId: id(channel), amount: amount.wei() }
                    .abi_encode()
            }
            Op::RequestClose { channel } => {
                IChannels::requestCloseCall { channelId: id(channel) }.abi_encode()
            }
            Op::CloseChannel { channel } => {
                IChannels::closeChannelCall { channelId: id(channel) }.abi_encode()
            }
            Op::Redeem(voucher) => {
                let (voucher, signature) = self.sign(ledger, voucher);
                IChannels::redeemCall { voucher, signature }.abi_encode()
            }
            Op::RedeemBatch { vouchers } => {
                let signed = vouchers.iter().map(|voucher| self.sign(ledger, voucher));
                let (vouchers, signatures) = signed.unzip();
                IChannels::redeemBatchCall { vouchers, signatures }.abi_encode()
            }
            Op::PostRoot { epoch, leaves } => {
                let tree = tree(leaves);
                IChannels::postEpochRootCall {
                    epoch: *epoch,
                    root: tree.root(),
                    total: tree.total(),
                    leaves: leaves.len() as u64,
                    dataHash: B256::ZERO,
                }
                .abi_encode()
            }
            Op::Claim { gateway, epoch, index } => claim(ledger, *gateway, *epoch, *index),
            _ => IChannels::pokeCall { max: 64 }.abi_encode(),
        }
    }

    fn sign(&self, ledger: &Ledger, voucher: &Voucher) -> (IChannels::Voucher, Bytes) {
        let key = if voucher.honest { &self.voucher_key } else { &self.other_key };
        let voucher = IChannels::Voucher {
            channelId: self.channel_id(ledger, voucher.channel),
            seq: voucher.seq,
            cumulative: voucher.cumulative.wei(),
            usageRoot: B256::ZERO,
            deadline: u64::MAX,
        };
        let signature = signed_by(key, &voucher_digest(&voucher, self.chain_id));
        (voucher, signature)
    }

    fn authorized(&self, op: &Op) -> Vec<u8> {
        let Op::Authorized { from, to, amount, nonce, honest } = op else { return Vec::new() };
        let message = TransferWithAuthorization {
            from: *from,
            to: *to,
            value: amount.to_u256(),
            validAfter: U256::ZERO,
            validBefore: U256::MAX,
            nonce: B256::from(U256::from(*nonce)),
        };
        let digest = message.eip712_signing_hash(&open_domain(self.chain_id));
        let signature = signed_by(self.key_of(*from, *honest), &digest);
        IOpen::transferWithAuthorization_1Call {
            from: message.from,
            to: message.to,
            value: message.value,
            validAfter: message.validAfter,
            validBefore: message.validBefore,
            nonce: message.nonce,
            signature,
        }
        .abi_encode()
    }

    /// An actor's own key, or one that has nothing to say.
    fn key_of(&self, actor: Address, honest: bool) -> &PrivateKeySigner {
        self.actor_keys.get(&actor).filter(|_| honest).unwrap_or(&self.other_key)
    }

    fn acknowledgement(&self, owed: &Owed) -> (IChannels::Acknowledgement, Bytes) {
        let acknowledgement = IChannels::Acknowledgement {
            gateway: owed.gateway,
            role: owed.role as u8,
            party: owed.party.0,
            cumulative: owed.cumulative.wei(),
            epoch: owed.epoch,
            receiptId: B256::ZERO,
        };
        let digest = acknowledgement_digest(&acknowledgement, self.chain_id);
        (acknowledgement, signed_by(self.key_of(owed.gateway, owed.honest), &digest))
    }

    fn disputes(&self, ledger: &Ledger, op: &Op) -> Vec<u8> {
        let leaves = |gateway: Address, (epoch, places): &(u64, Vec<usize>)| -> Vec<_> {
            places.iter().map(|place| leaf(ledger, gateway, *epoch, *place)).collect()
        };
        match op {
            Op::ChallengeRoot { gateway, earlier, later } => {
                let earlier = leaf(ledger, *gateway, earlier.0, earlier.1);
                let later = leaves(*gateway, later);
                IChannels::challengeRootCall { earlier, later }.abi_encode()
            }
            Op::ChallengeUnderpay { owed, posted } => {
                let (acknowledgement, signature) = self.acknowledgement(owed);
                let posted = leaves(owed.gateway, posted);
                IChannels::challengeUnderpayCall { acknowledgement, signature, posted }.abi_encode()
            }
            Op::ClaimAcknowledged { owed } => {
                let (acknowledgement, signature) = self.acknowledgement(owed);
                IChannels::claimAcknowledgedCall { acknowledgement, signature }.abi_encode()
            }
            Op::SweepPot { gateway } => IChannels::sweepPotCall { gateway: *gateway }.abi_encode(),
            Op::WindUp { gateway } => IChannels::windUpCall { gateway: *gateway }.abi_encode(),
            _ => Vec::new(),
        }
    }
}

fn signed_by(key: &PrivateKeySigner, digest: &B256) -> Bytes {
    key.sign_hash_sync(digest).expect("signing works").as_bytes().into()
}

fn claim(ledger: &Ledger, gateway: Address, epoch: u64, index: usize) -> Vec<u8> {
    IChannels::claimForCall { claim_: leaf(ledger, gateway, epoch, index) }.abi_encode()
}

/// A leaf with its path; an empty one where there is none.
fn leaf(ledger: &Ledger, gateway: Address, epoch: u64, index: usize) -> IChannels::Claim {
    let root = ledger.gateways.get(&gateway).and_then(|sums| sums.roots.get(&epoch));
    let Some((root, leaf)) = root.and_then(|root| Some((root, root.leaves.get(index)?))) else {
        return IChannels::Claim::default();
    };
    let siblings = tree(&root.leaves).prove(index as u64).expect("the leaf exists");
    let node =
        |node: tributary_proofs::SumNode| IChannels::SumNode { hash: node.hash, sum: node.sum };
    IChannels::Claim {
        gateway,
        epoch,
        role: leaf.role as u8,
        party: leaf.party.0,
        cumulative: leaf.cumulative.wei(),
        index: index as u64,
        siblings: siblings.into_iter().map(node).collect(),
    }
}

fn staking(op: &Op) -> Vec<u8> {
    match op {
        Op::Stake => IStaking::stakeCall {}.abi_encode(),
        Op::Unstake { amount } => IStaking::unstakeCall { amount: amount.wei() }.abi_encode(),
        Op::Provision { role, amount } => {
            IStaking::provisionCall { role: *role, amount: amount.wei() }.abi_encode()
        }
        Op::AddToProvision { id, amount } => {
            IStaking::addToProvisionCall { provisionId: *id, amount: amount.wei() }.abi_encode()
        }
        Op::Thaw { id, amount } => {
            IStaking::thawCall { provisionId: *id, amount: amount.wei() }.abi_encode()
        }
        Op::Deprovision { id } => IStaking::deprovisionCall { provisionId: *id }.abi_encode(),
        _ => IStaking::withdrawUnbondedCall {}.abi_encode(),
    }
}

fn tasks(op: &Op) -> Vec<u8> {
    match op {
        Op::SubmitTask { deadline, provider, gateway, name } => {
            let kind = if gateway.is_some() { TaskKind::Inference } else { TaskKind::Training };
            let spec = ITasks::TaskSpec {
                kind: kind.code(),
                modelId: 1,
                deadline: *deadline,
                provider: provider.unwrap_or_default(),
                gateway: gateway.unwrap_or_default(),
                adapterName: format!("trained/{name}"),
                licence: "CC0-1.0".into(),
                ..Default::default()
            };
            ITasks::submitTaskCall { spec }.abi_encode()
        }
        Op::AcceptTask { id } => ITasks::acceptTaskCall { taskId: *id }.abi_encode(),
        Op::ReleaseTask { id } => ITasks::releaseTaskCall { taskId: *id }.abi_encode(),
        Op::CompleteTask { id, fee } => ITasks::completeTaskCall {
            taskId: *id,
            resultDigest: B256::repeat_byte(1),
            cardDigest: B256::ZERO,
            fee: fee.wei(),
        }
        .abi_encode(),
        Op::CancelTask { id } => ITasks::cancelTaskCall { taskId: *id }.abi_encode(),
        Op::ExpireTask { id } => ITasks::expireTaskCall { taskId: *id }.abi_encode(),
        _ => ITasks::pokeCall { max: 64 }.abi_encode(),
    }
}

fn pools(op: &Op) -> Vec<u8> {
    match op {
        Op::Back { datanet } => IRoyalties::backCall { datanetId: *datanet }.abi_encode(),
        Op::Unback { datanet, amount } => {
            IRoyalties::unbackCall { datanetId: *datanet, amount: amount.wei() }.abi_encode()
        }
        Op::WithdrawBacking { datanet } => {
            IRoyalties::withdrawBackingCall { datanetId: *datanet }.abi_encode()
        }
        Op::ClaimBacking { datanet } => {
            IRoyalties::claimBackingCall { datanetId: *datanet }.abi_encode()
        }
        Op::ClaimCommons { contribution } => {
            IRoyalties::claimCommonsCall { contributionId: *contribution }.abi_encode()
        }
        Op::Sweep { datanet } => IRoyalties::sweepCommonsCall { datanetId: *datanet }.abi_encode(),
        Op::Donate { datanet } => IRoyalties::donateCall { datanetId: *datanet }.abi_encode(),
        _ => Vec::new(),
    }
}

fn review_commitment(score: u8, reviewer: Address, id: u64, round: u8) -> B256 {
    let mut bytes = b"tributary review v1".to_vec();
    bytes.push(score);
    bytes.extend_from_slice(B256::ZERO.as_slice());
    bytes.extend_from_slice(reviewer.as_slice());
    bytes.extend_from_slice(&id.to_be_bytes());
    bytes.push(round);
    keccak256(bytes)
}

fn datanets(ledger: &Ledger, caller: Address, op: &Op) -> Vec<u8> {
    match op {
        Op::Contribute { datanet, root, items } => IDatanets::contributeCall {
            datanetId: *datanet,
            itemsRoot: items_root(*root),
            itemCount: *items,
            dataCommit: B256::from(U256::ONE),
            uri: String::new(),
        }
        .abi_encode(),
        Op::WithdrawContribution { id } => {
            IDatanets::withdrawContributionCall { contributionId: *id }.abi_encode()
        }
        Op::Commit { id, score } => {
            let challenged = ledger.contributions.get(id).and_then(|c| c.challenger);
            let round = u8::from(challenged.is_some());
            let commitment = review_commitment(*score, caller, *id, round);
            IDatanets::commitReviewCall { contributionId: *id, commitment }.abi_encode()
        }
        Op::Reveal { id, score } => {
            let salt = B256::ZERO;
            IDatanets::revealReviewCall { contributionId: *id, score: *score, salt }.abi_encode()
        }
        Op::Challenge { id } => {
            IDatanets::challengeCall { contributionId: *id, evidence: B256::ZERO }.abi_encode()
        }
        Op::PublishSnapshot { datanet } => {
            IDatanets::publishSnapshotCall { datanetId: *datanet }.abi_encode()
        }
        Op::PokeContribution { id } => {
            IDatanets::pokeContributionCall { contributionId: *id }.abi_encode()
        }
        Op::Tombstone { id } => {
            IDatanets::tombstoneCall { contributionId: *id, reason: B256::ZERO }.abi_encode()
        }
        Op::CloseDatanet { id } => {
            IDatanets::setDatanetStatusCall { datanetId: *id, status: 3 }.abi_encode()
        }
        _ => IDatanets::pokeCall { max: 32 }.abi_encode(),
    }
}
