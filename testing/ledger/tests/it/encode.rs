//! Operations as the calls that mean them.

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall;
use tributary_contracts::*;
use tributary_ledger::{Leaf, Ledger, Op};
use tributary_primitives::Amount;
use tributary_proofs::{SumLeaf, SumTree};

/// What turns operations into calls: the voucher key and the channels' ids by number.
pub struct Encoder {
    pub chain_id: u64,
    pub voucher_key: PrivateKeySigner,
    pub other_key: PrivateKeySigner,
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
    pub fn new(chain_id: u64) -> Self {
        let key = |name: &str| PrivateKeySigner::from_bytes(&keccak256(name)).expect("a key");
        Self { chain_id, voucher_key: key("voucher"), other_key: key("other") }
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
            | Op::Tombstone { .. }
            | Op::CloseDatanet { .. }
            | Op::PokeDatanets => (DATANETS, datanets(caller, op)),
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
            Op::Redeem { channel, seq, cumulative, honest } => {
                self.redeem(id(channel), *seq, *cumulative, *honest)
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

    fn redeem(&self, channel_id: B256, seq: u64, cumulative: Amount, honest: bool) -> Vec<u8> {
        let voucher = IChannels::Voucher {
            channelId: channel_id,
            seq,
            cumulative: cumulative.wei(),
            usageRoot: B256::ZERO,
            deadline: u64::MAX,
        };
        let key = if honest { &self.voucher_key } else { &self.other_key };
        let digest = voucher_digest(&voucher, self.chain_id);
        let signature = key.sign_hash_sync(&digest).expect("signing works");
        IChannels::redeemCall { voucher, signature: signature.as_bytes().into() }.abi_encode()
    }
}

fn claim(ledger: &Ledger, gateway: Address, epoch: u64, index: usize) -> Vec<u8> {
    let root = ledger.gateways.get(&gateway).and_then(|sums| sums.roots.get(&epoch));
    let Some((root, leaf)) = root.and_then(|root| Some((root, root.leaves.get(index)?))) else {
        return IChannels::claimForCall { claim_: IChannels::Claim::default() }.abi_encode();
    };
    let siblings = tree(&root.leaves).prove(index as u64).expect("the leaf exists");
    let node =
        |node: tributary_proofs::SumNode| IChannels::SumNode { hash: node.hash, sum: node.sum };
    let claim_ = IChannels::Claim {
        gateway,
        epoch,
        role: leaf.role as u8,
        party: leaf.party.0,
        cumulative: leaf.cumulative.wei(),
        index: index as u64,
        siblings: siblings.into_iter().map(node).collect(),
    };
    IChannels::claimForCall { claim_ }.abi_encode()
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
        Op::SubmitTask { deadline, provider } => {
            let spec = ITasks::TaskSpec {
                kind: TaskKind::Inference.code(),
                modelId: 1,
                deadline: *deadline,
                provider: provider.unwrap_or_default(),
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

fn review_commitment(score: u8, reviewer: Address, id: u64) -> B256 {
    let mut bytes = b"tributary review v1".to_vec();
    bytes.push(score);
    bytes.extend_from_slice(B256::ZERO.as_slice());
    bytes.extend_from_slice(reviewer.as_slice());
    bytes.extend_from_slice(&id.to_be_bytes());
    bytes.push(0);
    keccak256(bytes)
}

fn datanets(caller: Address, op: &Op) -> Vec<u8> {
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
            let commitment = review_commitment(*score, caller, *id);
            IDatanets::commitReviewCall { contributionId: *id, commitment }.abi_encode()
        }
        Op::Reveal { id, score } => {
            let salt = B256::ZERO;
            IDatanets::revealReviewCall { contributionId: *id, score: *score, salt }.abi_encode()
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
