//! Checks that need the transcript: what was asked and answered, run and traced again.

use tributary_attribution::{Index, Output, build_index};
use tributary_datasets::{Bundle, Record};
use tributary_inference::{Claimed, Replay, replay};
use tributary_models::{QuantizedAdapter, QuantizedModel, Tokenizer};
use tributary_primitives::{
    Address, Digest, Receipt, ReceiptBody, Span, Transcript, completion_commitment, job_seed,
    prompt_commitment,
};
use tributary_tensor::{Backend, Sampling};

use crate::{
    Evidence,
    report::{Finding, Problem, failed, missing, same},
};

/// A receipt, its transcript and what was loaded for them.
pub(crate) struct Private<'a> {
    pub receipt: &'a Receipt,
    pub transcript: &'a Transcript,
    /// The tokenizer, or why there is none.
    tokenizer: Result<Tokenizer, String>,
    /// The model's second run, or why there is none.
    replay: Result<Replay, Stopped>,
}

/// Why the model could not be run again.
enum Stopped {
    Missing(String),
    Refused(String),
}

impl<'a> Private<'a> {
    pub fn new(receipt: &'a Receipt, transcript: &'a Transcript, evidence: &Evidence) -> Self {
        let body = &receipt.signed.body;
        let tokenizer = load(evidence.tokenizer_file.as_deref(), &body.tokenizer_digest)
            .and_then(|bytes| Tokenizer::from_json(bytes).map_err(|error| error.to_string()))
            .map_err(|reason| format!("the tokenizer: {reason}"));
        let replay = run_again(body, transcript, evidence);
        Self { receipt, transcript, tokenizer, replay }
    }

    fn body(&self) -> &ReceiptBody {
        &self.receipt.signed.body
    }

    fn tokenizer(&self) -> Result<&Tokenizer, Problem> {
        self.tokenizer.as_ref().map_err(|reason| missing(reason))
    }

    pub fn belongs(&self) -> Finding {
        same("the transcript's receipt", self.transcript.receipt_id, self.receipt.signed.id)?;
        Ok("the transcript names this receipt".into())
    }

    pub fn prompt(&self) -> Finding {
        let (body, transcript) = (self.body(), self.transcript);
        let ids = &transcript.prompt_ids;
        let commitment = prompt_commitment(&transcript.prompt_salt, ids);
        same("the prompt's commitment", body.prompt_commitment, commitment)?;
        same("prompt tokens", u64::from(body.prompt_tokens), ids.len() as u64)?;
        let tokenizer = self.tokenizer()?;
        let encodes = |bos| tokenizer.encode(&transcript.prompt, bos).is_ok_and(|e| e == *ids);
        if !encodes(false) && !encodes(true) {
            return failed("the prompt's text does not encode to its tokens");
        }
        Ok(format!("{} tokens open the commitment", ids.len()))
    }

    pub fn completion(&self) -> Finding {
        let (body, transcript) = (self.body(), self.transcript);
        let (ids, text) = (&transcript.completion_ids, &transcript.completion);
        let commitment = completion_commitment(&transcript.completion_salt, ids, text);
        same("the answer's commitment", body.completion_commitment, commitment)?;
        same("answer tokens", u64::from(body.completion_tokens), ids.len() as u64)?;
        let tokenizer = self.tokenizer()?;
        let ends = |id: &u32| tokenizer.special().eos.contains(id);
        let mut shown = ids.as_slice();
        if let Some((_, rest)) = shown.split_last().filter(|(last, _)| ends(last)) {
            shown = rest;
        }
        if shown.iter().any(ends) {
            return failed("the answer goes on after an end token");
        }
        let whole = tokenizer
            .completion(&transcript.prompt_ids, shown)
            .map_err(|error| Problem::Failed(error.to_string()))?;
        let Some(rest) = whole.strip_prefix(text.as_str()) else {
            return failed("the answer's tokens decode to another text");
        };
        let stops = transcript.sampler.stop.iter().filter(|stop| !stop.is_empty());
        if stops.clone().any(|stop| text.contains(stop.as_str())) {
            return failed("the answer goes on after a stop text");
        }
        let open_character = rest.chars().all(|c| c == '\u{fffd}');
        if !open_character && !stops.clone().any(|stop| rest.starts_with(stop.as_str())) {
            return failed("the delivered text ends before the tokens do, and no stop text is why");
        }
        Ok(format!("{} tokens open the commitment and decode to the text", ids.len()))
    }

    pub fn sampler(&self) -> Finding {
        let (body, sampler) = (self.body(), &self.transcript.sampler);
        same("the temperature", body.temperature_micro, sampler.temperature_micro)?;
        same("top_p", body.top_p_ppm, sampler.top_p_ppm)?;
        same("top_k", body.top_k, sampler.top_k)?;
        same("max_tokens", body.max_tokens, sampler.max_tokens)?;
        same("the sampler's digest", body.sampler_digest, sampler.digest())?;
        if body.completion_tokens > sampler.max_tokens {
            return failed("the answer is longer than max_tokens");
        }
        Ok("the parameters are the committed ones".into())
    }

    pub fn job_seed(&self) -> Finding {
        let body = self.body();
        let seed = job_seed(&self.transcript.request_seed, &body.prompt_commitment);
        same("the job seed", body.job_seed, seed)?;
        Ok("it follows from request seed and prompt".into())
    }

    pub fn reexecution(&self) -> Finding {
        let ids = &self.transcript.completion_ids;
        let again = self.replayed()?;
        let differing = ids.iter().zip(&again.ids).position(|(found, chosen)| found != chosen);
        if let Some(at) = differing {
            return failed(format!("token {at} is another one when the model runs again"));
        }
        same("tokens", ids.len(), again.ids.len())?;
        Ok(format!("all {} tokens come out the same", ids.len()))
    }

    pub fn logits(&self) -> Finding {
        let again = self.replayed()?;
        same("the logits' digest", self.body().logits_digest, again.logits)?;
        Ok("every logit comes out the same".into())
    }

    fn replayed(&self) -> Result<&Replay, Problem> {
        match &self.replay {
            Ok(replay) => Ok(replay),
            Err(Stopped::Missing(reason)) => Err(missing(reason)),
            Err(Stopped::Refused(reason)) => failed(reason.clone()),
        }
    }

    /// `index` is the rebuilt one, `None` for a model without data.
    pub fn spans(&self, index: Result<&Option<Index>, Problem>) -> Finding {
        let receipt = self.receipt;
        span_digest(receipt)?;
        let Some(index) = index? else {
            return if receipt.spans.is_empty() {
                Ok("the model has no data, and there are no spans".into())
            } else {
                failed("the model has no data, but the receipt has spans")
            };
        };
        let transcript = self.transcript;
        let (ids, text) = (&transcript.completion_ids, &transcript.completion);
        let again = Output::answer(self.tokenizer()?, &transcript.prompt_ids, ids, text)
            .map(|output| index.trace(&output).paid_spans())
            .map_err(|error| Problem::Failed(error.to_string()))?;
        if again.len() != receipt.spans.len() {
            let (found, expected) = (receipt.spans.len(), again.len());
            return failed(format!("the receipt has {found} spans, tracing gives {expected}"));
        }
        if let Some(at) = again.iter().zip(&receipt.spans).position(|(a, b)| a != b) {
            return failed(format!("span {at} is another one when the answer is traced again"));
        }
        Ok(format!("tracing gives the same {} spans", again.len()))
    }

    /// Builds the index of the snapshot again; `None` for a model without data.
    pub fn index(&self, data: &SnapshotData) -> Result<Option<Index>, Problem> {
        let Some(records) = &data.records else { return Ok(None) };
        let tokenizer = self.tokenizer()?;
        let records = records.iter().map(|(record, contributor)| (record, *contributor));
        build_index(self.body().snapshot, tokenizer, records)
            .map(Some)
            .map_err(|error| Problem::Failed(error.to_string()))
    }
}

/// The list of spans is the committed one. Holds or fails without a transcript too.
pub(crate) fn span_digest(receipt: &Receipt) -> Result<(), Problem> {
    let digest = Span::digest_all(&receipt.spans);
    same("the spans' digest", receipt.signed.body.spans_digest, digest)
}

/// The records that a receipt's snapshot covers.
pub(crate) struct SnapshotData {
    /// `None` for a model without data.
    pub records: Option<Vec<(Record, Address)>>,
    pub detail: String,
}

/// The data is what the snapshot's root covers.
pub(crate) fn snapshot(body: &ReceiptBody, evidence: &Evidence) -> Result<SnapshotData, Problem> {
    if body.snapshot.datanet.is_none() {
        let clean = body.snapshot.root.is_zero() && body.snapshot.version == 0;
        if !clean {
            return failed("there is no datanet, but a version or a root");
        }
        return Ok(SnapshotData { records: None, detail: "the model has no data".into() });
    }
    let manifest =
        evidence.manifest.as_ref().ok_or(missing("the snapshot's contributions are not known"))?;
    same("the datanet", body.snapshot.datanet, manifest.datanet)?;
    same("the version", body.snapshot.version, manifest.version)?;
    let root = manifest.root().map_err(|error| Problem::Failed(error.to_string()))?;
    same("the snapshot's root", body.snapshot.root, root)?;
    if evidence.blobs.len() != manifest.entries.len() {
        return Err(missing("the records of some contributions could not be fetched"));
    }
    let mut records = Vec::new();
    for (entry, blob) in manifest.entries.iter().zip(&evidence.blobs) {
        if entry.tombstoned {
            continue;
        }
        if blob.is_empty() {
            let what =
                format!("the records of contribution {} could not be fetched", entry.contribution);
            return Err(missing(&what));
        }
        let bundle = Bundle::open(blob, &entry.commitment()).map_err(|error| {
            Problem::Failed(format!("contribution {}: {error}", entry.contribution))
        })?;
        records.extend(bundle.records().iter().map(|r| (r.clone(), entry.contributor)));
    }
    let count = records.len();
    let detail = format!("{count} records of {} contributions", manifest.entries.len());
    Ok(SnapshotData { records: Some(records), detail })
}

/// Bytes that must have a digest.
fn load<'a>(file: Option<&'a [u8]>, wanted: &Digest) -> Result<&'a [u8], String> {
    let bytes = file.ok_or("the file could not be obtained")?;
    if Digest::of(bytes) == *wanted {
        Ok(bytes)
    } else {
        Err(format!("the file that was obtained is not {wanted}"))
    }
}

fn run_again(
    body: &ReceiptBody,
    transcript: &Transcript,
    evidence: &Evidence,
) -> Result<Replay, Stopped> {
    let lost = |what: &str| {
        let what = what.to_owned();
        move |reason: String| Stopped::Missing(format!("the {what}: {reason}"))
    };
    let bytes = load(evidence.model_file.as_deref(), &body.model_digest).map_err(lost("model"))?;
    let model =
        QuantizedModel::from_bytes(bytes).map_err(|error| Stopped::Refused(error.to_string()))?;
    let adapter = if body.adapter_digest.is_zero() {
        None
    } else {
        let bytes = load(evidence.adapter_file.as_deref(), &body.adapter_digest)
            .map_err(lost("adapter"))?;
        let adapter = QuantizedAdapter::from_bytes(bytes, &model)
            .map_err(|error| Stopped::Refused(error.to_string()))?;
        Some(adapter)
    };
    let adapter = adapter.as_ref().map(|adapter| &*adapter.adapter);
    let claimed = Claimed {
        prompt: &transcript.prompt_ids,
        output: &transcript.completion_ids,
        sampling: Sampling::from(&transcript.sampler),
        job_seed: &body.job_seed,
    };
    replay(&model.model, adapter, &claimed, &Backend::default())
        .map_err(|error| Stopped::Refused(error.to_string()))
}
