//! Looks for what should not be published: addresses, numbers, keys. Plain scanners, linear in
//! the text; they warn people, they prove nothing.

/// True when the text holds something like `name@host.tld`.
pub(crate) fn has_email(text: &str) -> bool {
    let local = |c: char| c.is_ascii_alphanumeric() || "._%+-".contains(c);
    let host = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    text.match_indices('@').any(|(at, _)| {
        let before = text[..at].chars().next_back().is_some_and(local);
        let rest = &text[at + 1..];
        let end = rest.find(|c| !host(c)).unwrap_or(rest.len());
        let name = rest[..end].trim_end_matches('.');
        let top = name.rsplit('.').next().unwrap_or_default();
        before
            && name.contains('.')
            && !name.starts_with('.')
            && top.len() >= 2
            && top.bytes().all(|byte| byte.is_ascii_alphabetic())
    })
}

/// Runs of digits with the separators people write between them: (digits, starts with `+`,
/// has a separator).
fn digit_runs(text: &str) -> Vec<(String, bool, bool)> {
    let mut runs = Vec::new();
    let mut digits = String::new();
    let (mut plus, mut separated, mut gap) = (false, false, 0);
    let mut previous = ' ';
    for c in text.chars().chain(std::iter::once('\n')) {
        if c.is_ascii_digit() {
            if digits.is_empty() {
                plus = previous == '+';
            }
            separated |= gap > 0;
            digits.push(c);
            gap = 0;
        } else if !digits.is_empty() {
            gap += 1;
            if !" -()/".contains(c) || gap > 2 {
                runs.push((std::mem::take(&mut digits), plus, separated));
                separated = false;
                gap = 0;
            }
        }
        previous = c;
    }
    runs
}

/// True when the text holds something like a telephone number.
pub(crate) fn has_phone(text: &str) -> bool {
    digit_runs(text).iter().any(|(digits, plus, separated)| {
        (*plus && (8..=15).contains(&digits.len()))
            || (*separated && (10..=11).contains(&digits.len()))
    })
}

/// True when the text holds a payment card's number (13 to 19 digits that pass Luhn's check).
pub(crate) fn has_card(text: &str) -> bool {
    digit_runs(text).iter().any(|(digits, ..)| {
        let varied = digits.bytes().any(|byte| Some(byte) != digits.bytes().next());
        (13..=19).contains(&digits.len()) && varied && luhn(digits)
    })
}

fn luhn(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, byte)| {
            let digit = u32::from(byte.saturating_sub(b'0'));
            let twice = if place % 2 == 1 { digit * 2 } else { digit };
            if twice > 9 { twice - 9 } else { twice }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// True when the text holds a private key or an API key.
pub(crate) fn has_secret(text: &str) -> bool {
    let hex_after = |prefix: &str| {
        text.match_indices(prefix).any(|(at, _)| {
            let rest = &text[at + prefix.len()..];
            rest.bytes().take_while(u8::is_ascii_hexdigit).count() == 64
        })
    };
    text.contains("PRIVATE KEY-----") || hex_after("0x") || hex_after("trib_sk_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_and_at_signs_alone_are_not() {
        assert!(has_email("write to ann.b+c@example.org."));
        assert!(!has_email("5 @ 3.5 or @handle or a@b or x@.com"));
    }

    #[test]
    fn telephone_numbers_are_found_and_plain_numbers_are_not() {
        assert!(has_phone("call +44 20 7946 0958 now"));
        assert!(has_phone("(555) 010-4477"));
        assert!(!has_phone("in 1998-2004 about 1000000000 people, 3.14159265358"));
    }

    #[test]
    fn card_numbers_pass_the_check_digit() {
        assert!(has_card("4111 1111 1111 1111"));
        assert!(!has_card("4111 1111 1111 1112"));
        assert!(!has_card("0000 0000 0000 0000"));
    }

    #[test]
    fn private_keys_are_found_and_other_lengths_are_not() {
        let key = "ab".repeat(32);
        assert!(has_secret(&format!("key 0x{key}.")));
        assert!(has_secret(&format!("trib_sk_{key}")));
        assert!(has_secret("-----BEGIN EC PRIVATE KEY-----"));
        assert!(!has_secret(&format!("0x{key}00")));
        assert!(!has_secret("0xdeadbeef"));
    }
}
