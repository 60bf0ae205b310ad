//! Uploads: a file is read, checked row by row and kept; nothing goes on chain yet.

use std::{collections::HashSet, io::Read, sync::Arc};

use axum::{
    Extension,
    body::Bytes,
    extract::{FromRequest, Multipart, Query, Request, State},
    http::{HeaderMap, header},
    response::IntoResponse,
};
use schemars::JsonSchema;
use serde::Deserialize;
use tributary_client::api;
use tributary_datasets::{
    Bundle, CheckReport, DatasetError, Format, ParseLimits, Record, Survey, check, survey,
};
use tributary_indexer::{RecordPage, RecordRow, RowCheck, UploadRow, UploadState};
use tributary_primitives::{Address, Amount, B256, DatanetId, Digest};

use super::{
    accounts::address,
    describe::PlainText,
    input::{Done, content_type},
};
use crate::{
    Refusal,
    caller::Caller,
    shared::{Shared, fresh},
};

/// Clean rows that a report shows; every row with a finding is shown.
const CLEAN_ROWS: usize = 200;
/// Row errors that one refusal looks for.
const ERRORS_KEPT: usize = 20;

#[derive(Deserialize, JsonSchema)]
pub(super) struct Asked {
    /// Tells the format by its ending: `.jsonl`, `.csv` or `.txt`.
    filename: Option<String>,
    /// Where the rows shall go: finds what is there already, and the price.
    datanet: Option<u64>,
    /// Whose upload it is, for callers who sign themselves.
    account: Option<String>,
    /// Take the rows that can be read and report the others.
    partial: Option<bool>,
}

/// A file with its name.
struct File {
    name: String,
    bytes: Bytes,
}

/// Reads and checks a file.
pub(super) async fn create(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    Query(asked): Query<Asked>,
    request: Request,
) -> Result<Done<api::Upload, 201>, Refusal> {
    let account = match (caller.account(), &asked.account) {
        (Some(account), _) => account,
        (None, Some(text)) => address(text)?,
        (None, None) => caller.require()?,
    };
    let datanet = DatanetId(asked.datanet.unwrap_or_default());
    let file = file_of(request, asked.filename).await?;
    let name = file.name.clone();
    let reader = shared.clone();
    let partial = asked.partial.unwrap_or(false);
    let checked = tokio::task::spawn_blocking(move || read(&reader, &file, datanet, partial));
    let checked = checked.await.map_err(Refusal::internal)??;
    let upload = keep(&shared, account, datanet, name, checked).await?;
    let next = format!("/uploads/{}", upload.id);
    Ok(Done::new(upload, next))
}

async fn file_of(request: Request, filename: Option<String>) -> Result<File, Refusal> {
    if content_type(request.headers()).starts_with("multipart/form-data") {
        return multipart_file(request, filename).await;
    }
    let name = filename.unwrap_or_else(|| name_by_type(request.headers()));
    let bytes = Bytes::from_request(request, &()).await.map_err(|rejection| {
        if rejection.status().as_u16() == 413 {
            return too_large();
        }
        Refusal::new(rejection.status(), "unreadable_body", rejection.body_text())
    })?;
    Ok(File { name, bytes })
}

fn too_large() -> Refusal {
    let most = tributary_primitives::limits::UPLOAD_SIZE_BYTES;
    Refusal::too_large(format!("the file is above {most} bytes"))
        .hint("split it into several files")
}

fn name_by_type(headers: &HeaderMap) -> String {
    let kind = content_type(headers).split(';').next().unwrap_or_default();
    let ending = match kind {
        "text/csv" => "csv",
        "text/plain" => "txt",
        _ => "jsonl",
    };
    format!("upload.{ending}")
}

async fn multipart_file(request: Request, filename: Option<String>) -> Result<File, Refusal> {
    let malformed = |error: axum::extract::multipart::MultipartError| {
        if error.status().as_u16() == 413 {
            too_large()
        } else {
            Refusal::new(error.status(), "invalid_body", error.body_text())
        }
    };
    let mut form = Multipart::from_request(request, &()).await.map_err(|rejection| {
        Refusal::new(rejection.status(), "invalid_body", rejection.body_text())
    })?;
    while let Some(field) = form.next_field().await.map_err(malformed)? {
        if field.name() == Some("file") {
            let name = field.file_name().map(str::to_owned).or(filename);
            let name = name.unwrap_or_else(|| "upload.jsonl".into());
            let bytes = field.bytes().await.map_err(malformed)?;
            return Ok(File { name, bytes });
        }
    }
    Err(Refusal::field("file", "the form has no field `file`"))
}

/// What reading a file gave.
struct Checked {
    report: CheckReport,
    bundle: Option<Bundle>,
    survey: Survey,
}

fn read(
    shared: &Shared,
    file: &File,
    datanet: DatanetId,
    partial: bool,
) -> Result<Checked, Refusal> {
    let format = Format::from_name(&file.name)?;
    let source: Box<dyn Read + '_> = Box::new(file.bytes.as_ref());
    let survey = survey(source, format, &ParseLimits::default(), ERRORS_KEPT)?;
    if let Some(first) = survey.errors.first()
        && (!partial || survey.rows.is_empty())
    {
        return Err(row_refusal(first, survey.errors_total));
    }
    let existing = existing_contents(shared, datanet)?;
    let report = check(&survey.rows, &|digest| existing.contains(digest));
    let accepted: Vec<Record> = survey
        .rows
        .iter()
        .zip(&report.rows)
        .filter(|(_, verdict)| verdict.is_accepted())
        .map(|(row, _)| row.record.clone())
        .collect();
    let bundle = if accepted.is_empty() { None } else { Some(Bundle::build(accepted)?) };
    Ok(Checked { report, bundle, survey })
}

fn row_refusal(first: &DatasetError, total: usize) -> Refusal {
    let mut refusal = Refusal::data(first.code(), first.to_string());
    refusal.row = first.row();
    refusal.column = first.column();
    let more = if total > 1 { format!(" ({total} rows have errors)") } else { String::new() };
    refusal.hint(format!("correct the row and send the file again{more}; nothing was stored"))
}

/// What a datanet says already.
fn existing_contents(shared: &Shared, datanet: DatanetId) -> Result<HashSet<Digest>, Refusal> {
    const PAGE: u32 = 1_000;
    let mut contents = HashSet::new();
    if datanet.is_none() {
        return Ok(contents);
    }
    let mut offset = 0;
    loop {
        let page = RecordPage { offset, limit: PAGE, ..RecordPage::default() };
        let rows = shared.index.datanet_records(datanet, page)?;
        let count = rows.len();
        for row in rows {
            let bytes = serde_json::to_vec(&row.row.body).map_err(Refusal::internal)?;
            if let Ok(record) = Record::from_json(&bytes) {
                contents.insert(record.content_digest());
            }
        }
        if count < PAGE as usize {
            return Ok(contents);
        }
        offset += PAGE;
    }
}

async fn keep(
    shared: &Shared,
    account: Address,
    datanet: DatanetId,
    name: String,
    checked: Checked,
) -> Result<api::Upload, Refusal> {
    let Checked { report, bundle, survey } = checked;
    let (mut items_root, mut digest, mut stake, mut fee) =
        (B256::ZERO, Digest::ZERO, Amount::ZERO, Amount::ZERO);
    if let Some(bundle) = &bundle {
        let commitment = bundle.commitment();
        (items_root, digest) = (commitment.items_root, commitment.data_commit);
        shared.artifacts.put_expected(&digest, bundle.blob().to_vec()).await?;
        shared.index.put_records(digest, record_rows(bundle)?).await?;
        if !datanet.is_none() {
            let items = u64::from(commitment.item_count);
            (stake, fee) = shared.chain.datanets().cost(datanet, items).await?;
        }
    }
    let checks = row_checks(&report, &survey);
    let rows = u32::try_from(report.rows.len() + survey.errors_total).unwrap_or(u32::MAX);
    let accepted = u32::try_from(report.accepted).unwrap_or(u32::MAX);
    let id = fresh().to_string()[..32].to_owned();
    let upload = UploadRow {
        id: id.clone(),
        account,
        digest,
        name,
        datanet,
        rows,
        accepted,
        items_root,
        checks: checks.clone(),
        stake,
        fee,
        state: UploadState::Checked,
        contribution: None,
        at_ms: 0,
    };
    shared.index.put_upload(upload).await?;
    Ok(api::Upload {
        id,
        rows: rows.into(),
        accepted: accepted.into(),
        rejected: u64::from(rows.saturating_sub(accepted)),
        checks: checks.iter().map(shown).collect(),
        items_root,
        data_commit: digest,
    })
}

fn shown(check: &RowCheck) -> api::RowCheck {
    api::RowCheck {
        row: check.row.into(),
        ok: check.accepted,
        code: check.code.clone(),
        message: check.message.clone(),
        preview: check.preview.clone(),
    }
}

/// The rows of a bundle as the index keeps them.
pub(crate) fn record_rows(bundle: &Bundle) -> Result<Vec<RecordRow>, Refusal> {
    bundle
        .records()
        .iter()
        .zip(bundle.record_ids())
        .map(|(record, id)| {
            let body = serde_json::from_slice(&record.canonical_bytes());
            Ok(RecordRow {
                record: *id,
                own_id: record.own_id().map(str::to_owned),
                body: body.map_err(Refusal::internal)?,
            })
        })
        .collect()
}

fn row_checks(report: &CheckReport, survey: &Survey) -> Vec<RowCheck> {
    let narrow = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    let mut clean = 0;
    let mut checks = Vec::new();
    for verdict in &report.rows {
        let finding = verdict.findings.first();
        if finding.is_none() {
            clean += 1;
            if clean > CLEAN_ROWS {
                continue;
            }
        }
        let code = finding.and_then(|finding| {
            serde_json::to_value(finding.kind).ok()?.as_str().map(str::to_owned)
        });
        checks.push(RowCheck {
            row: narrow(verdict.line),
            column: None,
            accepted: verdict.is_accepted(),
            code: code.unwrap_or_default(),
            message: finding.map(|finding| finding.detail.clone()).unwrap_or_default(),
            preview: verdict.preview.clone(),
            record: Some(verdict.record_id),
        });
    }
    checks.extend(survey.errors.iter().map(|error| RowCheck {
        row: error.row().map_or(0, narrow),
        column: error.column().map(narrow),
        accepted: false,
        code: error.code().to_owned(),
        message: error.to_string(),
        preview: String::new(),
        record: None,
    }));
    checks.sort_by_key(|check| check.row);
    checks
}

/// Sample rows for a newcomer.
pub(super) async fn samples(State(shared): State<Arc<Shared>>) -> PlainText {
    let kind = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
    PlainText((kind, shared.config.samples.clone()).into_response())
}
