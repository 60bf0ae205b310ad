//! Rows of a datanet as token sequences with a mask of what is learned.

use tributary_datasets::Record;
use tributary_models::Tokenizer;
use tributary_primitives::{ChatMessage, ChatRole};

/// One row as tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Example {
    /// Ids, chat markers included.
    pub tokens: Vec<u32>,
    /// For each token whether it is to be learned; the first never is.
    pub learned: Vec<bool>,
}

impl Example {
    fn push(&mut self, ids: impl IntoIterator<Item = u32>, learned: bool) {
        self.tokens.extend(ids);
        self.learned.resize(self.tokens.len(), learned);
    }

    /// How many tokens it teaches.
    #[must_use]
    pub fn taught(&self) -> usize {
        self.learned.iter().skip(1).filter(|learned| **learned).count()
    }
}

/// The example of a record. Of a conversation only the assistant's turns and their ends are
/// learned, behind the very prompt that serving would build; of a text all of it is. A record
/// that the tokenizer refuses teaches nothing.
#[must_use]
pub fn example(tokenizer: &Tokenizer, record: &Record) -> Example {
    let end = tokenizer.special().eos.first().copied();
    let mut example = Example::default();
    let mut messages: Vec<ChatMessage> = Vec::new();
    for turn in record.training_view() {
        let Some(role) = turn.role else {
            let ids = tokenizer.encode(turn.text, true).unwrap_or_default();
            example.push(ids.into_iter().chain(end), true);
            continue;
        };
        if role == ChatRole::Assistant {
            let (Ok(prompt), Ok(answer)) =
                (tokenizer.encode_chat(&messages), tokenizer.encode(turn.text, false))
            else {
                return Example::default();
            };
            let known = example.tokens.len();
            if prompt.starts_with(&example.tokens) {
                example.push(prompt[known..].iter().copied(), false);
            } else {
                example = Example::default();
                example.push(prompt, false);
            }
            example.push(answer.into_iter().chain(end), turn.learned);
        }
        messages.push(ChatMessage { role, content: turn.text.to_owned() });
    }
    example
}
