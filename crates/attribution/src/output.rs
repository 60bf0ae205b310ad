//! An answer as attribution sees it: token ids and where each stands in the text.

use crate::AttributionError;

/// Token ids with the bytes of the text that each produced. A token that is only part of a
/// character has an empty range; the one that completes it has the character's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    text: String,
    ids: Vec<u32>,
    ranges: Vec<(u32, u32)>,
}

impl Output {
    /// From parts: one range per id, in order, at character boundaries.
    pub fn new(
        text: String,
        ids: Vec<u32>,
        ranges: Vec<(u32, u32)>,
    ) -> Result<Self, AttributionError> {
        if ids.len() != ranges.len() {
            return Err(AttributionError::Ranges("there must be one for each token"));
        }
        let mut end = 0;
        for &(from, to) in &ranges {
            if from < end || to < from {
                return Err(AttributionError::Ranges("they must follow one another"));
            }
            if !text.is_char_boundary(from as usize) || !text.is_char_boundary(to as usize) {
                return Err(AttributionError::Ranges("they must lie between characters"));
            }
            end = to;
        }
        Ok(Self { text, ids, ranges })
    }

    /// Cuts the text at a byte, and the tokens that begin at or behind it. A cut inside a
    /// character moves to its beginning.
    pub fn cut(mut self, bytes: usize) -> Self {
        let mut end = bytes.min(self.text.len());
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        if end < self.text.len() {
            self.text.truncate(end);
            let end = end as u32;
            let kept = self.ranges.partition_point(|range| range.0 < end);
            self.ids.truncate(kept);
            self.ranges.truncate(kept);
            for range in &mut self.ranges {
                range.1 = range.1.min(end);
            }
        }
        self
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The tokens.
    pub fn ids(&self) -> &[u32] {
        &self.ids
    }

    /// Bytes of the text from the first to the last token of a stretch.
    pub(crate) fn bytes(&self, start: usize, end: usize) -> (u32, u32) {
        let from = self.ranges.get(start).map_or(0, |range| range.0);
        let to = end.checked_sub(1).and_then(|last| self.ranges.get(last)).map_or(from, |r| r.1);
        (from, to.max(from))
    }

    /// Cuts blanks and parts of words or characters off both ends of a stretch.
    pub(crate) fn trim(&self, mut start: usize, mut end: usize) -> (usize, usize) {
        while start < end && !self.may_start(start) {
            start += 1;
        }
        while start < end && !self.may_end(end) {
            end -= 1;
        }
        (start, end)
    }

    fn may_start(&self, token: usize) -> bool {
        let Some(&(from, _)) = self.ranges.get(token) else { return false };
        let inside_character =
            token.checked_sub(1).and_then(|t| self.ranges.get(t)).is_some_and(|r| r.0 == r.1);
        !inside_character && !self.is_blank(token) && !self.joins(from as usize)
    }

    fn may_end(&self, end: usize) -> bool {
        let Some(last) = end.checked_sub(1) else { return false };
        let Some(&(_, to)) = self.ranges.get(last) else { return false };
        !self.is_blank(last) && !self.joins(to as usize)
    }

    fn is_blank(&self, token: usize) -> bool {
        let (from, to) = self.bytes(token, token + 1);
        self.text.get(from as usize..to as usize).is_none_or(|text| text.trim().is_empty())
    }

    /// True when a word of a script with spaces goes on across this byte.
    fn joins(&self, at: usize) -> bool {
        let before = self.text.get(..at).and_then(|text| text.chars().next_back());
        let after = self.text.get(at..).and_then(|text| text.chars().next());
        let in_word = |c: char| c.is_alphanumeric() && !is_spaceless(c);
        before.is_some_and(in_word) && after.is_some_and(in_word)
    }
}

/// Letters of scripts that write no spaces between words: there a token is as good as a word.
fn is_spaceless(c: char) -> bool {
    matches!(u32::from(c),
        0x0e00..=0x0eff | 0x1000..=0x109f | 0x1780..=0x17ff | 0x3040..=0x30ff
        | 0x3400..=0x9fff | 0xac00..=0xd7af | 0xf900..=0xfaff | 0x20000..=0x3ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(pieces: &[&str]) -> Output {
        let mut text = String::new();
        let mut ranges = Vec::new();
        for piece in pieces {
            let from = text.len() as u32;
            text.push_str(piece);
            ranges.push((from, text.len() as u32));
        }
        Output::new(text, vec![0; pieces.len()], ranges).unwrap()
    }

    #[test]
    fn parts_of_words_are_cut_from_both_ends() {
        let out = output(&["un", "believ", "able", " tales", " of", " har", "bour"]);
        assert_eq!(out.trim(1, 6), (3, 5));
        assert_eq!(out.trim(0, 7), (0, 7));
        assert_eq!(out.trim(1, 3), (3, 3));
    }

    #[test]
    fn blanks_are_cut_and_full_stops_stay() {
        let out = output(&["\n", "one", " two", ".", " ", "x"]);
        assert_eq!(out.trim(0, 5), (1, 4));
    }

    #[test]
    fn parts_of_characters_are_cut() {
        let out = output(&["", "é", " one", " two.", "", "ß"]);
        assert_eq!(out.trim(1, 5), (2, 4));
    }

    #[test]
    fn scripts_without_spaces_are_not_cut() {
        let out = output(&["北京", "是", "首都"]);
        assert_eq!(out.trim(1, 2), (1, 2));
    }

    #[test]
    fn a_cut_drops_the_tokens_behind_it_and_clips_the_one_across_it() {
        let out = output(&["one", " two", " STOP", " more"]);
        let cut = out.clone().cut(8);
        assert_eq!((cut.text(), cut.ids().len()), ("one two ", 3));
        assert_eq!(cut.bytes(2, 3), (7, 8));
        assert_eq!(out.clone().cut(7).ids().len(), 2);
        assert_eq!(out.clone().cut(99), out);
        assert_eq!(output(&["é"]).cut(1).text(), "");
    }

    #[test]
    fn ranges_that_do_not_fit_are_refused() {
        assert!(Output::new("é".into(), vec![1], vec![(0, 1)]).is_err());
        assert!(Output::new("ab".into(), vec![1], vec![(1, 3)]).is_err());
        assert!(Output::new("ab".into(), vec![1, 2], vec![(0, 1)]).is_err());
        assert!(Output::new("ab".into(), vec![1, 2], vec![(0, 2), (1, 2)]).is_err());
    }
}
