//! Chat templates: the Jinja that model directories carry, bounded in time.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Value;
use minijinja::{Environment, Error, ErrorKind, State, context};
use tributary_primitives::{ChatMessage, ChatRole};

use crate::error::ModelError;

/// Steps that a template may take; a long conversation needs a few thousand.
const FUEL: u64 = 1_000_000;

/// Used when a model directory has no template of its own.
pub(crate) const DEFAULT: &str = "{% for message in messages %}{{ message.role }}: \
{{ message.content }}\n{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}";

/// Renders a conversation into the prompt that asks for the next answer.
pub(crate) fn render(
    template: &str,
    messages: &[ChatMessage],
    bos: &str,
    eos: &str,
) -> Result<String, ModelError> {
    let failed = |error: Error| ModelError::Template(format!("{error:#}"));
    let mut environment = Environment::new();
    environment.set_fuel(Some(FUEL));
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    environment.set_syntax(syntax.map_err(failed)?);
    environment.set_unknown_method_callback(call_text_method);
    environment.add_function("raise_exception", |message: String| -> Result<Value, Error> {
        Err(Error::new(ErrorKind::InvalidOperation, message))
    });
    environment.add_template("chat", template).map_err(failed)?;
    let template = environment.get_template("chat").map_err(failed)?;
    let message =
        |m: &ChatMessage| context! { role => role(m.role), content => m.content.as_str() };
    let messages: Vec<Value> = messages.iter().map(message).collect();
    template
        .render(context! {
            messages,
            add_generation_prompt => true,
            bos_token => bos,
            eos_token => eos,
        })
        .map_err(failed)
}

fn role(role: ChatRole) -> &'static str {
    match role {
        ChatRole::System => "system",
        ChatRole::User => "user",
        ChatRole::Assistant => "assistant",
    }
}

/// The Python text methods that templates in the wild call.
fn call_text_method(
    _state: &mut State<'_, '_>,
    value: &Value,
    method: &str,
    arguments: &[Value],
) -> Result<Value, Error> {
    let unknown = || Error::from(ErrorKind::UnknownMethod);
    let Some(text) = value.as_str() else { return Err(unknown()) };
    let first = arguments.first().and_then(Value::as_str);
    Ok(match (method, first) {
        ("strip", None) => text.trim().into(),
        ("lstrip", None) => text.trim_start().into(),
        ("rstrip", None) => text.trim_end().into(),
        ("upper", None) => text.to_uppercase().into(),
        ("lower", None) => text.to_lowercase().into(),
        ("startswith", Some(prefix)) => text.starts_with(prefix).into(),
        ("endswith", Some(suffix)) => text.ends_with(suffix).into(),
        ("split", Some(separator)) if !separator.is_empty() => {
            text.split(separator).map(Value::from).collect()
        }
        _ => return Err(unknown()),
    })
}
