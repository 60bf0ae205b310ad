//! Requests in OpenAI's form, read field by field so that a refusal names the field.

use serde_json::{Map, Value};
use tributary_client::provider::Prompt;
use tributary_primitives::{Amount, ChatMessage, ChatRole, limits};

use super::plan::Kind;
use crate::Refusal;

/// What was asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// Chat or plain completion.
    pub kind: Kind,
    /// The model's name.
    pub model: String,
    /// What to continue.
    pub prompt: Prompt,
    /// Temperature in millionths.
    pub temperature_micro: u32,
    /// Nucleus mass in millionths.
    pub top_p_ppm: u32,
    /// Likeliest tokens kept; 0 for all.
    pub top_k: u32,
    /// Most tokens, where named.
    pub max_tokens: Option<u32>,
    /// Texts that end the answer.
    pub stop: Vec<String>,
    /// Choices.
    pub n: u32,
    /// For the same answer again.
    pub seed: Option<i64>,
    /// As a stream.
    pub stream: bool,
    /// With a last chunk of usage.
    pub include_usage: bool,
    /// With citations.
    pub annotate: bool,
    /// Most the whole call may cost.
    pub max_price: Option<Amount>,
    /// Fields that have no effect here.
    pub warnings: Vec<String>,
}

/// Fields that are read.
const KNOWN: [&str; 17] = [
    "model",
    "messages",
    "prompt",
    "temperature",
    "top_p",
    "top_k",
    "max_tokens",
    "max_completion_tokens",
    "stop",
    "n",
    "seed",
    "stream",
    "stream_options",
    "user",
    "tributary",
    "store",
    "metadata",
];

/// Reads a request.
pub fn parse(body: &[u8], kind: Kind) -> Result<Asked, Refusal> {
    let value: Value = serde_json::from_slice(body).map_err(|error| {
        let mut refusal = Refusal::new(
            axum::http::StatusCode::BAD_REQUEST,
            "invalid_json",
            format!("the body is not JSON: {error}"),
        );
        refusal.row = u64::try_from(error.line()).ok();
        refusal.column = u64::try_from(error.column()).ok();
        refusal
    })?;
    let Value::Object(fields) = value else {
        return Err(Refusal::field("body", "the body must be a JSON object"));
    };
    let fields = Fields(&fields);
    let extras = fields.object("tributary")?;
    let extras = Fields(extras.unwrap_or(Fields::none()));
    let options = fields.object("stream_options")?;
    let options = Fields(options.unwrap_or(Fields::none()));
    let max_tokens = fields.count("max_completion_tokens", 1, u32::MAX)?.or(fields.count(
        "max_tokens",
        1,
        u32::MAX,
    )?);
    Ok(Asked {
        kind,
        model: fields.text("model")?.ok_or_else(|| missing("model"))?.to_owned(),
        prompt: match kind {
            Kind::Chat => Prompt::Chat(messages(&fields)?),
            Kind::Completion => Prompt::Text(prompt(&fields)?),
        },
        temperature_micro: millionths(fields.number("temperature", 0.0, 2.0)?.unwrap_or(1.0)),
        top_p_ppm: millionths(fields.number("top_p", 0.0, 1.0)?.unwrap_or(1.0)).max(1),
        top_k: fields.count("top_k", 0, u32::MAX)?.unwrap_or(0),
        max_tokens,
        stop: stop(&fields)?,
        n: fields.count("n", 1, limits::CHOICES)?.unwrap_or(1),
        seed: fields.integer("seed")?,
        stream: fields.flag("stream")?.unwrap_or(false),
        include_usage: options.flag("include_usage")?.unwrap_or(false),
        annotate: extras.text("attribution")? != Some("none"),
        max_price: max_price(&extras)?,
        warnings: fields.unknown(),
    })
}

fn missing(param: &str) -> Refusal {
    let mut refusal = Refusal::field(param, format!("`{param}` is missing"));
    refusal.code = "missing_required_parameter".into();
    refusal
}

fn millionths(value: f64) -> u32 {
    // In range by the check before: 0 to 2.
    (value * 1_000_000.0).round() as u32
}

fn max_price(extras: &Fields<'_>) -> Result<Option<Amount>, Refusal> {
    let Some(text) = extras.text("max_price")? else { return Ok(None) };
    let amount = text.parse::<Amount>();
    amount.map(Some).map_err(|error| Refusal::field("tributary.max_price", error.to_string()))
}

fn messages(fields: &Fields<'_>) -> Result<Vec<ChatMessage>, Refusal> {
    let list = match fields.0.get("messages") {
        Some(Value::Array(list)) => list,
        Some(_) => return Err(Refusal::field("messages", "`messages` must be a list")),
        None => return Err(missing("messages")),
    };
    if list.is_empty() {
        return Err(Refusal::field("messages", "`messages` is empty")
            .hint("send at least one user message"));
    }
    list.iter().enumerate().map(|(position, message)| one_message(position, message)).collect()
}

fn one_message(position: usize, message: &Value) -> Result<ChatMessage, Refusal> {
    let role_param = format!("messages[{position}].role");
    let role = match message.get("role").and_then(Value::as_str) {
        Some("system" | "developer") => ChatRole::System,
        Some("user") => ChatRole::User,
        Some("assistant") => ChatRole::Assistant,
        Some(other) => {
            let detail = format!("role `{other}` is not served: use system, user or assistant");
            return Err(Refusal::field(&role_param, detail));
        }
        None => return Err(missing(&role_param)),
    };
    let content_param = format!("messages[{position}].content");
    let content = match message.get("content") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => text_parts(parts, &content_param)?,
        Some(Value::Null) | None if role == ChatRole::Assistant => String::new(),
        _ => return Err(missing(&content_param)),
    };
    Ok(ChatMessage { role, content })
}

fn text_parts(parts: &[Value], param: &str) -> Result<String, Refusal> {
    let texts: Option<Vec<&str>> = parts
        .iter()
        .map(|part| {
            (part.get("type")?.as_str()? == "text").then_some(())?;
            part.get("text")?.as_str()
        })
        .collect();
    texts
        .map(|texts| texts.concat())
        .ok_or_else(|| Refusal::field(param, "only parts of type `text` are served"))
}

fn prompt(fields: &Fields<'_>) -> Result<String, Refusal> {
    match fields.0.get("prompt") {
        Some(Value::String(text)) => Ok(text.clone()),
        Some(Value::Array(list)) => match list.as_slice() {
            [Value::String(text)] => Ok(text.clone()),
            _ => Err(Refusal::field("prompt", "one text prompt is served for each request")
                .hint("send one request per prompt")),
        },
        Some(_) => Err(Refusal::field("prompt", "`prompt` must be text")),
        None => Err(missing("prompt")),
    }
}

fn stop(fields: &Fields<'_>) -> Result<Vec<String>, Refusal> {
    let wrong = || {
        let most = limits::STOP_SEQUENCES;
        Refusal::field("stop", format!("`stop` is a text or a list of at most {most} texts"))
    };
    let texts = match fields.0.get("stop") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(list)) => {
            let texts: Option<Vec<String>> =
                list.iter().map(|text| text.as_str().map(str::to_owned)).collect();
            texts.ok_or_else(wrong)?
        }
        Some(_) => return Err(wrong()),
    };
    let fits = texts.iter().all(|text| !text.is_empty() && text.len() <= 256);
    if fits && texts.len() <= limits::STOP_SEQUENCES { Ok(texts) } else { Err(wrong()) }
}

/// Typed reads of a JSON object.
struct Fields<'a>(&'a Map<String, Value>);

static NONE: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);

impl<'a> Fields<'a> {
    fn none() -> &'static Map<String, Value> {
        &NONE
    }

    fn get(&self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    fn text(&self, name: &str) -> Result<Option<&'a str>, Refusal> {
        let wrong = || Refusal::field(name, format!("`{name}` must be text"));
        self.get(name).map(|value| value.as_str().ok_or_else(wrong)).transpose()
    }

    fn flag(&self, name: &str) -> Result<Option<bool>, Refusal> {
        let wrong = || Refusal::field(name, format!("`{name}` must be true or false"));
        self.get(name).map(|value| value.as_bool().ok_or_else(wrong)).transpose()
    }

    fn integer(&self, name: &str) -> Result<Option<i64>, Refusal> {
        let wrong = || Refusal::field(name, format!("`{name}` must be a whole number"));
        self.get(name).map(|value| value.as_i64().ok_or_else(wrong)).transpose()
    }

    fn count(&self, name: &str, least: u32, most: u32) -> Result<Option<u32>, Refusal> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
        let number = number.filter(|number| (least..=most).contains(number));
        number.map(Some).ok_or_else(|| {
            let detail = format!("`{name}` must be a whole number from {least} to {most}");
            Refusal::field(name, detail)
        })
    }

    fn number(&self, name: &str, least: f64, most: f64) -> Result<Option<f64>, Refusal> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let number = value.as_f64().filter(|number| (least..=most).contains(number));
        number.map(Some).ok_or_else(|| {
            Refusal::field(name, format!("`{name}` must be a number from {least} to {most}"))
        })
    }

    fn object(&self, name: &str) -> Result<Option<&'a Map<String, Value>>, Refusal> {
        let wrong = || Refusal::field(name, format!("`{name}` must be an object"));
        self.get(name).map(|value| value.as_object().ok_or_else(wrong)).transpose()
    }

    fn unknown(&self) -> Vec<String> {
        let unknown = self.0.keys().filter(|name| !KNOWN.contains(&name.as_str()));
        unknown.take(16).map(|name| format!("`{name}` has no effect here")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chat(body: &str) -> Result<Asked, Refusal> {
        parse(body.as_bytes(), Kind::Chat)
    }

    #[test]
    fn a_plain_chat_is_read_with_defaults() {
        let asked = chat(r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#).unwrap();
        assert_eq!((asked.n, asked.temperature_micro, asked.top_p_ppm), (1, 1_000_000, 1_000_000));
        assert_eq!((asked.stream, asked.seed, asked.max_tokens), (false, None, None));
        assert!(asked.annotate && asked.stop.is_empty() && asked.warnings.is_empty());
    }

    #[test]
    fn parts_of_text_are_joined_and_unknown_fields_warn() {
        let asked = chat(
            r#"{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"a"},
            {"type":"text","text":"b"}]}],"logit_bias":{},"stop":"x","n":2,"seed":7,
            "max_completion_tokens":5,"temperature":0}"#,
        )
        .unwrap();
        let Prompt::Chat(messages) = &asked.prompt else { panic!("not a chat") };
        assert_eq!(messages[0].content, "ab");
        assert_eq!(asked.warnings, ["`logit_bias` has no effect here"]);
        assert_eq!((asked.n, asked.seed, asked.max_tokens), (2, Some(7), Some(5)));
        assert_eq!((asked.temperature_micro, asked.stop), (0, vec!["x".to_owned()]));
    }

    #[test]
    fn every_refusal_names_its_field() {
        let cases = [
            (r#"{"messages":[]}"#, "model"),
            (r#"{"model":"m"}"#, "messages"),
            (r#"{"model":"m","messages":[]}"#, "messages"),
            (r#"{"model":"m","messages":[{"role":"tool","content":"x"}]}"#, "messages[0].role"),
            (r#"{"model":"m","messages":[{"role":"user"}]}"#, "messages[0].content"),
            (
                r#"{"model":"m","messages":[{"role":"user","content":"x"}],"temperature":3}"#,
                "temperature",
            ),
            (r#"{"model":"m","messages":[{"role":"user","content":"x"}],"n":99}"#, "n"),
            (r#"{"model":"m","messages":[{"role":"user","content":"x"}],"stop":[1]}"#, "stop"),
            (
                r#"{"model":"m","messages":[{"role":"user","content":"x"}],"max_tokens":0}"#,
                "max_tokens",
            ),
            (r#"[]"#, "body"),
        ];
        for (body, param) in cases {
            let refusal = chat(body).expect_err(body);
            assert_eq!(refusal.param.as_deref(), Some(param), "{body}");
            assert_eq!(refusal.status.as_u16(), 400);
        }
        assert_eq!(chat("{").expect_err("half").code, "invalid_json");
    }
}
