use alloc::vec::Vec;

/// The name that somebody may have meant: the one that takes the fewest edits (a letter more, less, other, or two swapped), if
/// they are no more than a third of the name's letters. The first of several; letters' case does not matter.
pub fn nearest<'a>(name: &str, among: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    /// Longer names are not compared: the work grows with the square.
    const NAME_CHARS_MAX: usize = 64;
    let wanted: Vec<char> = lower(name).take(NAME_CHARS_MAX + 1).collect();
    if wanted.is_empty() || wanted.len() > NAME_CHARS_MAX {
        return None;
    }
    let limit = (wanted.len() / 3).max(1);
    let mut best = None;
    for candidate in among {
        let letters: Vec<char> = lower(candidate).take(NAME_CHARS_MAX + 1).collect();
        if letters.len().abs_diff(wanted.len()) > limit {
            continue;
        }
        let edits = distance(&wanted, &letters);
        // A name of one or two letters is not near to one that shares none of them.
        if edits <= limit && edits < wanted.len().max(letters.len()) && best.is_none_or(|(least, _)| edits < least) {
            best = Some((edits, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

fn lower(name: &str) -> impl Iterator<Item = char> + '_ {
    name.chars().flat_map(char::to_lowercase)
}

/// Optimal string alignment, three rows at a time.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, letter) in a.iter().enumerate() {
        let mut row = Vec::with_capacity(above.len());
        row.push(i + 1);
        for (j, other) in b.iter().enumerate() {
            let at = |row: &[usize], j: usize| row.get(j).copied().unwrap_or(usize::MAX - 1);
            let mut least =
                (at(&above, j) + usize::from(letter != other)).min(at(&above, j + 1) + 1).min(at(&row, j) + 1);
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(other) && b.get(j - 1) == Some(letter);
            if swapped {
                least = least.min(at(&before, j - 1) + 1);
            }
            row.push(least);
        }
        before = core::mem::replace(&mut above, row);
    }
    above.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, expected: Option<&str>) {
        let among = ["debit_account", "credit_account", "req_amt", "ok_amt", "memo", "X"];
        assert_eq!(nearest(name, among.into_iter()), expected, "{name}");
    }

    #[test]
    fn a_slip_of_the_hand_is_understood() {
        check("debit_acount", Some("debit_account"));
        check("debit-account", Some("debit_account"));
        check("debitaccount", Some("debit_account"));
        check("Debit_Account", Some("debit_account"));
        check("req_atm", Some("req_amt"));
        check("meno", Some("memo"));
        check("x", Some("X"));
    }

    #[test]
    fn what_is_not_near_is_not_guessed() {
        check("amount", None);
        check("balance_after", None);
        check("y", None);
        check("", None);
        check(&"debit_account".repeat(100), None);
    }

    #[test]
    fn two_swapped_letters_are_one_edit() {
        let letters = |text: &str| text.chars().collect::<Vec<_>>();
        assert_eq!(distance(&letters("ab"), &letters("ba")), 1);
        assert_eq!(distance(&letters("kitten"), &letters("sitting")), 3);
        assert_eq!(distance(&letters(""), &letters("abc")), 3);
    }
}
