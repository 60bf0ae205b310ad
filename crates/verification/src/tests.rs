//! Verification of an honest receipt, and of every way to alter it.

use tributary_primitives::{
    Address, Amount, B256, DatanetId, Digest, FeeParts, ModelId, Party, Ppm, ReceiptBody, Role,
    Share, Span,
};

use crate::{CheckName, Report, Status, TaskFacts, fixture::World, verify};

fn report(world: &World) -> Report {
    verify(&world.receipt, Some(&world.transcript), &world.evidence)
}

fn status(report: &Report, name: CheckName) -> Status {
    report.check(name).expect("every check is in the report").status
}

#[test]
fn an_honest_receipt_verifies_in_every_point() {
    let world = World::new();
    let report = report(&world);
    assert!(report.verified, "{report:#?}");
    assert_eq!(report.checks.len(), CheckName::ALL.len());
    assert_eq!(world.receipt.spans.len(), 2);
    let owners: Vec<_> = world.receipt.spans.iter().map(|span| span.contributor).collect();
    assert_eq!(owners, [Address::with_last_byte(0xc1), Address::with_last_byte(0xc2)]);
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["checks"][9]["name"], "job_seed");
    assert_eq!(json["checks"][9]["status"], "ok");
}

#[test]
fn a_chain_with_other_parts_splits_and_verifies_by_its_own() {
    let ppm = Ppm::percent;
    let parts = FeeParts::new(ppm(9), [ppm(2), ppm(33), ppm(7)]).unwrap();
    let world = World::with_parts(parts);
    assert!(report(&world).verified, "{:#?}", report(&world));
    let body = &world.receipt.signed.body;
    let of_role = |role: Role| -> u128 {
        let shares = world.receipt.shares.iter().filter(|share| share.role == role);
        shares.map(|share| share.amount.wei()).sum()
    };
    assert_eq!(of_role(Role::ProtocolCompute), body.fee_compute.wei() * 9 / 100);
    assert_eq!(of_role(Role::ProtocolLicence), body.fee_licence.wei() * 2 / 100);
    assert_eq!(of_role(Role::Lineage), body.fee_licence.wei() * 33 / 100);
    // The same receipt does not hold on a chain that cuts otherwise.
    let mut elsewhere = world.clone();
    elsewhere.evidence.model.as_mut().unwrap().parts = FeeParts::MAIN;
    assert_eq!(report(&elsewhere).failed(), [CheckName::Split]);
}

#[test]
fn what_was_out_of_service_or_force_or_before_its_channel_proves_nothing() {
    let honest = World::new();
    let mut world = honest.clone();
    world.evidence.provider.as_mut().unwrap().is_active = false;
    assert_eq!(report(&world).failed(), [CheckName::Signature]);
    let mut world = honest.clone();
    world.evidence.model.as_mut().unwrap().is_active = false;
    assert_eq!(report(&world).failed(), [CheckName::Model]);
    let mut world = honest.clone();
    world.evidence.channel.as_mut().unwrap().opened_at += 1;
    assert_eq!(report(&world).failed(), [CheckName::Channel]);
    let mut world = honest;
    world.evidence.epoch.as_mut().unwrap().posted.stands = false;
    assert_eq!(report(&world).failed(), [CheckName::Inclusion]);
}

#[test]
fn a_tasks_receipt_is_the_one_that_it_paid_for() {
    let mut honest = World::new();
    let signed = honest.receipt.signed.clone();
    honest.evidence.channel.as_mut().unwrap().task = Some(TaskFacts {
        receipt: signed.id,
        prompt: signed.body.prompt_commitment,
        fee: signed.body.fee(),
    });
    assert!(report(&honest).verified);
    let changes: [fn(&mut TaskFacts); 3] = [
        |task| task.receipt = Default::default(),
        |task| task.prompt = Default::default(),
        |task| task.fee = Default::default(),
    ];
    for change in changes {
        let mut world = honest.clone();
        change(world.evidence.channel.as_mut().unwrap().task.as_mut().unwrap());
        assert_eq!(report(&world).failed(), [CheckName::Channel]);
    }
}

#[test]
fn a_gateway_that_rewrites_its_past_is_found() {
    // The data names an epoch before that was never posted, and all of it fits together.
    let honest = World::new();
    let mut world = honest.clone();
    let epoch = world.evidence.epoch.as_mut().unwrap();
    let gateway = epoch.data.gateway;
    let forged = crate::EpochData::next(gateway, 4, None, Vec::new()).unwrap();
    let receipts = epoch.data.receipts.clone();
    epoch.data = crate::EpochData::next(gateway, 5, Some(&forged), receipts.clone()).unwrap();
    epoch.previous = Some(forged);
    repost(epoch);
    assert_eq!(report(&world).failed(), [CheckName::Inclusion]);
    // Or it forgets its past altogether.
    let mut world = honest;
    let epoch = world.evidence.epoch.as_mut().unwrap();
    epoch.data = crate::EpochData::next(gateway, 5, None, receipts).unwrap();
    epoch.previous = None;
    repost(epoch);
    assert_eq!(report(&world).failed(), [CheckName::Inclusion]);
}

/// Posts what the data says, as the chain would have it.
fn repost(epoch: &mut crate::EpochFacts) {
    let tree = epoch.data.tree().unwrap();
    epoch.posted.root = tree.root();
    epoch.posted.total = Amount::from_wei(tree.total());
    epoch.posted.leaves = epoch.data.leaves.len() as u64;
    epoch.posted.data_hash = epoch.data.hash();
}

#[test]
fn without_a_transcript_private_checks_are_not_checkable_and_nothing_is_verified() {
    let world = World::new();
    let report = verify(&world.receipt, None, &world.evidence);
    assert!(!report.verified);
    for check in &report.checks {
        let expected = if check.name.is_private() { Status::NotCheckable } else { Status::Ok };
        assert_eq!(check.status, expected, "{check:?}");
    }
}

fn flip(digest: &mut Digest) {
    digest.0[7] ^= 1;
}

fn flip_word(word: &mut B256) {
    word.0[7] ^= 1;
}

fn raise(amount: &mut Amount) {
    *amount = amount.checked_add(Amount::from_wei(1)).unwrap();
}

type Alteration = (&'static str, CheckName, fn(&mut ReceiptBody));

/// Each field of the body, an alteration, and the check that must find it even when the provider
/// signs what was altered.
fn alterations() -> Vec<Alteration> {
    use CheckName::*;
    vec![
        ("gateway", Channel, |b| b.gateway = Address::with_last_byte(0x77)),
        ("payer", Channel, |b| b.payer = Address::with_last_byte(0x77)),
        ("channel", Channel, |b| flip_word(&mut b.channel.0)),
        ("provider", Signature, |b| b.provider = Address::with_last_byte(0x77)),
        ("model", Model, |b| b.model = ModelId(1)),
        ("model_digest", Model, |b| flip(&mut b.model_digest)),
        ("adapter_digest", Model, |b| flip(&mut b.adapter_digest)),
        ("tokenizer_digest", Model, |b| flip(&mut b.tokenizer_digest)),
        ("snapshot.datanet", Model, |b| b.snapshot.datanet = DatanetId(8)),
        ("snapshot.version", Model, |b| b.snapshot.version = 2),
        ("snapshot.root", Model, |b| flip_word(&mut b.snapshot.root)),
        ("prompt_commitment", Prompt, |b| flip(&mut b.prompt_commitment)),
        ("completion_commitment", Completion, |b| flip(&mut b.completion_commitment)),
        ("prompt_tokens", Prompt, |b| b.prompt_tokens += 1),
        ("completion_tokens", Completion, |b| b.completion_tokens += 1),
        ("temperature_micro", Sampler, |b| b.temperature_micro = 0),
        ("top_p_ppm", Sampler, |b| b.top_p_ppm -= 1),
        ("top_k", Sampler, |b| b.top_k += 1),
        ("max_tokens", Sampler, |b| b.max_tokens += 1),
        ("sampler_digest", Sampler, |b| flip(&mut b.sampler_digest)),
        ("job_seed", JobSeed, |b| flip(&mut b.job_seed)),
        ("logits_digest", Logits, |b| flip(&mut b.logits_digest)),
        ("fee_compute", Fee, |b| raise(&mut b.fee_compute)),
        ("fee_licence", Fee, |b| raise(&mut b.fee_licence)),
        ("spans_digest", Spans, |b| flip(&mut b.spans_digest)),
        ("shares_digest", Shares, |b| flip(&mut b.shares_digest)),
        ("block_number", Block, |b| b.block_number += 1),
        ("block_hash", Block, |b| flip_word(&mut b.block_hash)),
        ("issued_at", Block, |b| b.issued_at += 1),
    ]
}

#[test]
fn each_field_altered_is_found_and_named() {
    let honest = World::new();
    let fields = serde_json::to_value(&honest.receipt.signed.body).unwrap();
    let named: std::collections::BTreeSet<&str> =
        alterations().iter().map(|(name, ..)| name.split('.').next().unwrap()).collect();
    let all: std::collections::BTreeSet<&str> =
        fields.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(named, all, "every field of the body is altered once");
    for (field, check, alter) in alterations() {
        // As anybody could: the signature no longer fits.
        let mut world = honest.clone();
        alter(&mut world.receipt.signed.body);
        let found = report(&world);
        assert!(!found.verified, "{field}");
        assert!(found.failed().contains(&CheckName::Signature), "{field}: {found:#?}");
        assert!(found.failed().contains(&check), "{field}: {found:#?}");
        // As the provider could: signed again.
        world.sign_again();
        let found = report(&world);
        assert!(!found.verified, "{field}");
        assert!(found.failed().contains(&check), "{field}: {found:#?}");
        if check != CheckName::Signature {
            assert_eq!(status(&found, CheckName::Signature), Status::Ok, "{field}");
        }
    }
}

#[test]
fn id_and_signature_altered_are_found() {
    let mut world = World::new();
    flip_word(&mut world.receipt.signed.id);
    assert!(report(&world).failed().contains(&CheckName::Signature));
    let honest = World::new();
    for byte in [0, 33, 64] {
        let mut world = honest.clone();
        let mut bytes = world.receipt.signed.signature.to_vec();
        bytes[byte] ^= 1;
        world.receipt.signed.signature = bytes.into();
        assert_eq!(report(&world).failed(), [CheckName::Signature], "byte {byte}");
    }
    let mut world = honest.clone();
    world.receipt.signed.signature = world.receipt.signed.signature.slice(..64);
    assert_eq!(report(&world).failed(), [CheckName::Signature]);
}

#[test]
fn spans_that_the_answer_does_not_have_are_found_though_signed() {
    let honest = World::new();
    let alter: [fn(&mut Vec<Span>); 7] = [
        |spans| spans[0].start += 1,
        |spans| spans[0].byte_end -= 1,
        |spans| spans[0].count += 1,
        |spans| spans[0].bits_q16 += 1,
        |spans| spans[0].contributor = Address::with_last_byte(0x99),
        |spans| spans[0].records.reverse(),
        |spans| drop(spans.pop()),
    ];
    for (place, alter) in alter.into_iter().enumerate() {
        let mut world = honest.clone();
        alter(&mut world.receipt.spans);
        let found = report(&world);
        assert!(found.failed().contains(&CheckName::Spans), "{place}");
        // Without the transcript the digest alone gives it away.
        let found = verify(&world.receipt, None, &world.evidence);
        assert!(found.failed().contains(&CheckName::Spans), "{place}");
        world.receipt.signed.body.spans_digest = Span::digest_all(&world.receipt.spans);
        world.sign_again();
        let found = report(&world);
        assert!(found.failed().contains(&CheckName::Spans), "{place}: {found:#?}");
    }
}

#[test]
fn shares_that_the_rules_do_not_give_are_found_though_signed_and_settled() {
    let honest = World::new();
    let alter: [fn(&mut Vec<Share>); 5] = [
        |shares| {
            shares[0].amount = shares[0].amount.checked_sub(Amount::from_wei(1)).unwrap();
            shares[1].amount = shares[1].amount.checked_add(Amount::from_wei(1)).unwrap();
        },
        |shares| shares[3].party = Party::account(Address::with_last_byte(0x99)),
        |shares| shares[1].role = Role::Provider,
        |shares| shares[3].record = Some(Digest::of(b"mine")),
        |shares| shares.swap(0, 1),
    ];
    for (place, alter) in alter.into_iter().enumerate() {
        let mut world = honest.clone();
        alter(&mut world.receipt.shares);
        assert!(report(&world).failed().contains(&CheckName::Shares), "{place}");
        world.receipt.signed.body.shares_digest = Share::digest_all(&world.receipt.shares);
        world.sign_again();
        assert_eq!(report(&world).failed(), [CheckName::Split], "{place}");
    }
    let mut world = honest;
    raise(&mut world.receipt.shares[0].amount);
    world.receipt.signed.body.shares_digest = Share::digest_all(&world.receipt.shares);
    world.sign_again();
    assert_eq!(report(&world).failed(), [CheckName::Shares, CheckName::Split]);
}

#[test]
fn a_transcript_altered_anywhere_is_found() {
    use tributary_primitives::Transcript;
    let honest = World::new();
    let alter: [(CheckName, fn(&mut Transcript)); 9] = [
        (CheckName::Transcript, |t| flip_word(&mut t.receipt_id)),
        (CheckName::Prompt, |t| t.prompt = "w1 w2".into()),
        (CheckName::Prompt, |t| t.prompt_ids[0] = 9),
        (CheckName::Prompt, |t| flip(&mut t.prompt_salt)),
        (CheckName::Completion, |t| t.completion_ids[2] ^= 1),
        (CheckName::Completion, |t| t.completion.push('!')),
        (CheckName::Completion, |t| flip(&mut t.completion_salt)),
        (CheckName::JobSeed, |t| flip(&mut t.request_seed)),
        (CheckName::Sampler, |t| t.sampler.stop.clear()),
    ];
    for (place, (check, alter)) in alter.into_iter().enumerate() {
        let mut world = honest.clone();
        alter(&mut world.transcript);
        let found = report(&world);
        assert!(found.failed().contains(&check), "{place}: {found:#?}");
    }
}

#[test]
fn an_answer_of_another_model_is_found_by_running_it_again() {
    // The provider answers with other tokens than the model would, and signs all of it.
    let mut world = World::new();
    let last = world.transcript.completion_ids.len() - 1;
    let other = (world.transcript.completion_ids[last] + 1) % 60;
    world.transcript.completion_ids[last] = other;
    let text = world.transcript.completion.rsplit_once(' ').unwrap().0.to_owned();
    world.transcript.completion = format!("{text} w{other}");
    let transcript = &world.transcript;
    world.receipt.signed.body.completion_commitment = tributary_primitives::completion_commitment(
        &transcript.completion_salt,
        &transcript.completion_ids,
        &transcript.completion,
    );
    world.sign_again();
    // The last token feeds no further position: the logits stay, the choice is wrong.
    assert_eq!(report(&world).failed(), [CheckName::Reexecution]);
}

#[test]
fn files_that_are_not_the_named_ones_prove_nothing() {
    let honest = World::new();
    let mut world = honest.clone();
    world.evidence.model_file = Some(b"another file".to_vec());
    let found = report(&world);
    assert!(!found.verified && found.failed().is_empty());
    assert_eq!(status(&found, CheckName::Reexecution), Status::NotCheckable);
    let mut world = honest.clone();
    world.evidence.tokenizer_file = None;
    assert_eq!(status(&report(&world), CheckName::Spans), Status::NotCheckable);
    let mut world = honest.clone();
    world.evidence.blobs[1].push(b' ');
    assert_eq!(report(&world).failed(), [CheckName::Snapshot]);
    let mut world = honest;
    world.evidence.manifest.as_mut().unwrap().entries.swap(0, 1);
    world.evidence.blobs.swap(0, 1);
    assert_eq!(report(&world).failed(), [CheckName::Snapshot]);
}

#[test]
fn a_gateway_that_settles_something_else_is_found() {
    let honest = World::new();
    type Alter = fn(&mut crate::EpochFacts);
    let alter: [Alter; 6] = [
        |epoch| epoch.data.receipts.clear(),
        |epoch| epoch.posted.total = Amount::from_wei(1),
        |epoch| flip_word(&mut epoch.posted.root),
        |epoch| flip_word(&mut epoch.posted.data_hash),
        |epoch| epoch.data.leaves[0].party = Party::account(Address::with_last_byte(0x99)),
        |epoch| epoch.previous.as_mut().unwrap().epoch = 3,
    ];
    for (place, alter) in alter.into_iter().enumerate() {
        let mut world = honest.clone();
        alter(world.evidence.epoch.as_mut().unwrap());
        assert_eq!(report(&world).failed(), [CheckName::Inclusion], "{place}");
    }
    // A whole epoch built on a lie: the contributor's earlier money moves to somebody else.
    let mut world = honest.clone();
    let epoch = world.evidence.epoch.as_mut().unwrap();
    let thief = Party::account(Address::with_last_byte(0x99));
    let stolen = epoch.data.leaves.iter_mut().find(|leaf| leaf.role == Role::Data).unwrap();
    stolen.party = thief;
    let tree = epoch.data.tree().unwrap();
    epoch.posted.root = tree.root();
    epoch.posted.data_hash = epoch.data.hash();
    assert_eq!(report(&world).failed(), [CheckName::Inclusion]);
    let mut world = honest;
    world.evidence.epoch = None;
    let found = report(&world);
    assert!(!found.verified && found.failed().is_empty());
    assert_eq!(status(&found, CheckName::Inclusion), Status::NotCheckable);
}

#[test]
fn leaves_only_grow_from_epoch_to_epoch() {
    let world = World::new();
    let epoch = world.evidence.epoch.unwrap();
    let before = epoch.previous.unwrap();
    for leaf in &before.leaves {
        let now = epoch.data.cumulative(leaf.role, &leaf.party).unwrap();
        assert_eq!(now.wei(), 2 * leaf.cumulative.wei());
    }
    let tree = epoch.data.tree().unwrap();
    let sum: Amount = epoch.data.leaves.iter().map(|leaf| leaf.cumulative).sum();
    assert_eq!(Amount::from_wei(tree.total()), sum);
}
