//! Texts inside addresses: percent-encoding, and the descriptions that a `data:` address holds.

const DESCRIPTION: &str = "data:text/plain,";

/// A text as one component of a path or query.
pub fn percent_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut position = 0;
    while let Some(byte) = bytes.get(position) {
        let pair = (*byte == b'%').then(|| bytes.get(position + 1..position + 3)).flatten();
        let pair = pair.and_then(|pair| std::str::from_utf8(pair).ok());
        match pair.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            Some(value) => {
                decoded.push(value);
                position += 3;
            }
            None => {
                decoded.push(*byte);
                position += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// The uri under which a description is put on chain; empty for none.
pub fn description_uri(text: &str) -> String {
    match text.trim() {
        "" => String::new(),
        text => format!("{DESCRIPTION}{}", percent_encode(text)),
    }
}

/// What a uri describes: its own text, or itself when it leads elsewhere.
pub fn description_of(uri: &str) -> String {
    uri.strip_prefix(DESCRIPTION).map_or_else(|| uri.to_owned(), percent_decode)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_comes_back_as_it_was_written() {
        let text = "Grüner Tee, 100 % organic\n\"quoted\" %zz";
        assert_eq!(description_of(&description_uri(text)), text);
        assert_eq!(description_uri(" "), "");
        assert_eq!(description_of("https://example.org/card"), "https://example.org/card");
        assert_eq!(percent_decode("%"), "%");
        assert_eq!(percent_decode("%4"), "%4");
    }
}
