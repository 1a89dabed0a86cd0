//! How likely one word was written for another: letters that were missed, doubled or swapped, and keys beside the right one.

/// Cost of a slip of the finger: a key beside the right one, or two letters in the wrong order.
const SLIP: usize = 3;
/// Cost of any other wrong, missing or surplus letter.
const MISTAKE: usize = 4;
/// Words that cost more are not taken for misspellings of each other: that is two mistakes.
const MOST: usize = 2 * MISTAKE;
/// The rows of a keyboard, each of which begins about half a key further to the right than the one above.
const ROWS: [&str; 3] = ["qwertyuiop", "asdfghjkl", "zxcvbnm"];
/// Letters that change places from QWERTY to QWERTZ and AZERTY.
const ELSEWHERE: [(char, char); 3] = [('y', 'z'), ('a', 'q'), ('w', 'z')];

/// What it costs to get from one word to one of the list, whose letters are ASCII; `None` when it is too much, or when they
/// are the same.
pub(super) fn cost(from: &[char], to: &str) -> Option<usize> {
    if from.len().abs_diff(to.len()) > MOST / MISTAKE {
        return None;
    }
    let at = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX / 2);
    let mut older: Vec<usize> = Vec::new();
    let mut previous: Vec<usize> = (0..=to.len()).map(|letters| letters * MISTAKE).collect();
    let mut before = None;
    for (i, a) in from.iter().copied().enumerate() {
        let mut row = Vec::with_capacity(previous.len());
        row.push((i + 1) * MISTAKE);
        let mut left = None;
        for (j, b) in to.chars().enumerate() {
            let replaced = at(&previous, j) + replacement(a, b);
            let dropped = at(&previous, j + 1).min(at(&row, j)) + MISTAKE;
            let mut best = replaced.min(dropped);
            if before == Some(b) && left == Some(a) {
                best = best.min(at(&older, j.wrapping_sub(1)) + SLIP);
            }
            row.push(best);
            left = Some(b);
        }
        // A swap reaches over one row: only when both are too dear is nothing to be hoped for.
        if row.iter().chain(&previous).all(|cost| *cost > MOST) {
            return None;
        }
        older = core::mem::replace(&mut previous, row);
        before = Some(a);
    }
    Some(at(&previous, to.len())).filter(|cost| (1..=MOST).contains(cost))
}

/// What one letter in place of another costs.
fn replacement(typed: char, meant: char) -> usize {
    if typed == meant {
        0
    } else if are_neighbours(typed, meant) {
        SLIP
    } else {
        MISTAKE
    }
}

/// Whether two keys touch, or change places between keyboards.
fn are_neighbours(one: char, other: char) -> bool {
    if ELSEWHERE.contains(&(one, other)) || ELSEWHERE.contains(&(other, one)) {
        return true;
    }
    let (Some((row, column)), Some((other_row, other_column))) = (place(one), place(other)) else {
        return false;
    };
    match other_row.cmp(&row) {
        core::cmp::Ordering::Equal => column.abs_diff(other_column) == 1,
        // A key touches the one below it and the one to the left of that.
        core::cmp::Ordering::Greater => {
            other_row - row == 1 && (other_column == column || other_column + 1 == column)
        }
        core::cmp::Ordering::Less => are_neighbours(other, one),
    }
}

/// Row and column of a key.
fn place(letter: char) -> Option<(usize, usize)> {
    ROWS.iter()
        .enumerate()
        .find_map(|(row, keys)| keys.find(letter).map(|column| (row, column)))
}

#[cfg(test)]
mod tests {
    use super::{MISTAKE, MOST, SLIP, are_neighbours, cost};
    use proptest::prelude::*;

    fn between(from: &str, to: &str) -> Option<usize> {
        cost(&from.chars().collect::<Vec<_>>(), to)
    }

    #[test]
    fn slips_cost_less_than_mistakes() {
        for (from, to, wanted) in [
            ("maxe", "maze", Some(SLIP)),
            ("amze", "maze", Some(SLIP)),
            ("mase", "maze", Some(SLIP)),
            ("make", "maze", Some(MISTAKE)),
            ("mae", "maze", Some(MISTAKE)),
            ("maaze", "maze", Some(MISTAKE)),
            ("taxe", "maze", Some(SLIP + MISTAKE)),
            ("lake", "maze", Some(MOST)),
            ("lakes", "maze", None),
            ("maze", "maze", None),
            ("", "maze", None),
        ] {
            assert_eq!(between(from, to), wanted, "{from} for {to}");
        }
    }

    #[test]
    fn keys_touch_those_beside_above_and_below() {
        let touching =
            |key: char| -> String { ('a'..='z').filter(|other| are_neighbours(key, *other)).collect() };
        assert_eq!(touching('g'), "bfhtvy");
        assert_eq!(touching('p'), "lo");
        assert_eq!(touching('m'), "jkn");
        // On other keyboards these are in each other's place.
        assert_eq!(touching('z'), "aswxy");
    }

    proptest! {
        #[test]
        fn the_way_back_costs_the_same(one in "[a-z]{1,12}", other in "[a-z]{1,12}") {
            prop_assert_eq!(between(&one, &other), between(&other, &one));
        }

        #[test]
        fn any_text_has_a_cost_or_none(one in "\\PC{0,40}", other in "[a-z]{4,12}") {
            prop_assert!(between(&one, &other).is_none_or(|cost| (1..=MOST).contains(&cost)));
        }
    }
}
