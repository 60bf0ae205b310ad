//! One module per page. Each page whose content moves by itself has a `region`: the part that
//! the live stream sends again.

pub(crate) mod account;
pub(crate) mod contribute;
pub(crate) mod contribution;
pub(crate) mod datanets;
pub(crate) mod docs;
pub(crate) mod earn;
pub(crate) mod explore;
pub(crate) mod factory;
pub(crate) mod home;
pub(crate) mod jobs;
pub(crate) mod models;
pub(crate) mod play;
pub(crate) mod receipt;
pub(crate) mod record;

use http::Uri;
use maud::{Markup, html};
use tributary_contracts::ModelKind;
use tributary_indexer::{Index, ModelThing};
use tributary_primitives::DatanetId;

use crate::error::PageError;

/// Answers that a small chart looks back over.
const FLOWS: u32 = 500;

/// Every other address.
pub(crate) async fn not_found(uri: Uri) -> PageError {
    PageError::missing("page", uri.path())
}

/// Reads an id out of a path.
pub(crate) fn id<T: std::str::FromStr>(what: &'static str, text: &str) -> Result<T, PageError> {
    text.parse().map_err(|_| PageError::missing(what, text))
}

/// Wraps what the live stream replaces.
pub(crate) fn live(region: Markup) -> Markup {
    html! { div #live { (region) } }
}

/// A form that makes a guest and goes on to `next`.
pub(crate) fn guest_form(next: &str, label: &str) -> Markup {
    html! {
        form method="post" action={ "/api/v1/guests?next=" (crate::parts::encode(next)) }
            data-api data-next=(next) {
            button.button.primary type="submit" { (label) }
        }
    }
}

/// The datanet that newcomers are sent to.
pub(crate) fn newcomer_datanet(index: &Index) -> Result<Option<DatanetId>, PageError> {
    let chosen = index.setting("newcomer_datanet")?.and_then(|id| id.parse().ok()).map(DatanetId);
    let first = || index.datanets().map(|all| all.first().map(|one| DatanetId(one.body.id)));
    Ok(match chosen {
        Some(id) => Some(id),
        None => first()?,
    })
}

/// The oldest base model: what adapters are trained on when nothing else is said.
pub(crate) fn base_model(index: &Index) -> Result<Option<ModelThing>, PageError> {
    let models = index.models(1_000)?;
    Ok(models.into_iter().rev().find(|model| model.body.kind == ModelKind::Base.code()))
}
