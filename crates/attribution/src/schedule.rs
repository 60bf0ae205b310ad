//! Weighted interval scheduling: which of the overlapping stretches are paid, so that no token
//! is paid twice and the sum of weights is the largest possible.

/// A stretch with its weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Weighted {
    pub start: usize,
    pub end: usize,
    pub weight: u64,
}

/// The places of the chosen stretches. Input: sorted by start, none inside another. Stretches
/// without weight are never chosen. Of two equally good choices the one that takes the leftmost
/// stretch wins.
pub(crate) fn schedule(stretches: &[Weighted]) -> Vec<usize> {
    let count = stretches.len();
    let mut best = vec![0u64; count + 1];
    let mut follows = vec![count; count];
    for place in (0..count).rev() {
        let (Some(stretch), Some(after)) = (stretches.get(place), best.get(place + 1).copied())
        else {
            continue;
        };
        let next = stretches.partition_point(|other| other.start < stretch.end);
        let with = best.get(next).copied().unwrap_or(0).saturating_add(stretch.weight);
        if let (Some(slot), Some(follow)) = (best.get_mut(place), follows.get_mut(place)) {
            *slot = with.max(after);
            *follow = next;
        }
    }
    let mut chosen = Vec::new();
    let mut place = 0;
    while let (Some(stretch), Some(next)) = (stretches.get(place), follows.get(place).copied()) {
        let with = best.get(next).copied().unwrap_or(0).saturating_add(stretch.weight);
        if stretch.weight > 0 && Some(&with) == best.get(place) {
            chosen.push(place);
            place = next;
        } else {
            place += 1;
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn stretch(start: usize, end: usize, weight: u64) -> Weighted {
        Weighted { start, end, weight }
    }

    #[test]
    fn two_outer_stretches_beat_a_heavier_middle_one() {
        let all = [stretch(0, 4, 5), stretch(3, 7, 8), stretch(6, 9, 4)];
        assert_eq!(schedule(&all), [0, 2]);
    }

    #[test]
    fn of_equal_choices_the_leftmost_wins_and_no_weight_is_no_choice() {
        assert_eq!(schedule(&[stretch(0, 4, 5), stretch(3, 7, 5)]), [0]);
        assert_eq!(schedule(&[stretch(0, 4, 0), stretch(3, 7, 5)]), [1]);
        assert_eq!(schedule(&[stretch(0, 4, 0)]), Vec::<usize>::new());
        assert_eq!(schedule(&[]), Vec::<usize>::new());
    }

    proptest! {
        #[test]
        fn the_choice_is_the_best_of_all_choices(
            steps in proptest::collection::vec((1usize..4, 1usize..5, 0u64..20), 0..10),
        ) {
            let (mut start, mut end) = (0, 0);
            let mut all = Vec::new();
            for (to_start, to_end, weight) in steps {
                start += to_start;
                end = (end + to_end).max(start + 1);
                all.push(stretch(start, end, weight));
            }
            let chosen = schedule(&all);
            let total: u64 = chosen.iter().map(|at| all[*at].weight).sum();
            for pair in chosen.windows(2) {
                prop_assert!(all[pair[0]].end <= all[pair[1]].start);
            }
            let mut best = 0;
            for mask in 0u32..1 << all.len() {
                let picked: Vec<_> = (0..all.len()).filter(|at| mask >> at & 1 == 1).collect();
                if picked.windows(2).all(|p| all[p[0]].end <= all[p[1]].start) {
                    best = best.max(picked.iter().map(|at| all[*at].weight).sum());
                }
            }
            prop_assert_eq!(total, best);
        }
    }
}
