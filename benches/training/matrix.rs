//! Products of matrices on two threads, added up in one order.

/// `left` times `right`; a row of `left` has `inner` numbers.
pub(super) fn multiply(left: &[f32], right: &[f32], inner: usize) -> Vec<f32> {
    let (rows, columns) = (left.len() / inner, right.len() / inner);
    let mut out = vec![0.0; rows * columns];
    let share = rows.div_ceil(4) * 2;
    std::thread::scope(|scope| {
        for (left, out) in left.chunks(share * inner).zip(out.chunks_mut(share * columns)) {
            scope.spawn(move || rows_of(left, right, inner, columns, out));
        }
    });
    out
}

/// Two rows at a time, four inner places at a time: what is read once is used eight times.
fn rows_of(left: &[f32], right: &[f32], inner: usize, columns: usize, out: &mut [f32]) {
    for (left, out) in left.chunks(2 * inner).zip(out.chunks_mut(2 * columns)) {
        let (first, second) = out.split_at_mut(columns);
        let (above, below) = left.split_at(inner);
        for (at, right) in right.chunks(4 * columns).enumerate() {
            let factors = |row: &[f32]| -> [f32; 4] {
                std::array::from_fn(|step| row.get(4 * at + step).copied().unwrap_or_default())
            };
            add(first, right, columns, factors(above));
            if !second.is_empty() {
                add(second, right, columns, factors(below));
            }
        }
    }
}

fn add(out: &mut [f32], right: &[f32], columns: usize, factors: [f32; 4]) {
    let rows: Vec<&[f32]> = right.chunks(columns).collect();
    if let [a, b, c, d] = rows.as_slice() {
        let pairs = out.iter_mut().zip(a.iter()).zip(b.iter()).zip(c.iter()).zip(d.iter());
        for ((((out, a), b), c), d) in pairs {
            *out += (factors[0] * a + factors[1] * b) + (factors[2] * c + factors[3] * d);
        }
        return;
    }
    for (row, factor) in rows.iter().zip(factors) {
        out.iter_mut().zip(*row).for_each(|(out, value)| *out += factor * value);
    }
}

/// Rows become columns; a row has `columns` numbers.
pub(super) fn transposed(matrix: &[f32], columns: usize) -> Vec<f32> {
    let rows = matrix.len() / columns;
    let mut out = vec![0.0; matrix.len()];
    for (at, row) in matrix.chunks(columns).enumerate() {
        for (column, value) in row.iter().enumerate() {
            out[column * rows + at] = *value;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_those_of_the_definition() {
        for (rows, inner, columns) in [(1, 1, 1), (2, 4, 3), (5, 6, 7), (9, 13, 2)] {
            let left: Vec<f32> = (0..rows * inner).map(|at| (at % 7) as f32 - 3.0).collect();
            let right: Vec<f32> = (0..inner * columns).map(|at| (at % 5) as f32 - 2.0).collect();
            let expected: Vec<f32> = (0..rows * columns)
                .map(|at| (0..inner).map(|k| left[at / columns * inner + k] * right[k * columns + at % columns]).sum())
                .collect();
            assert_eq!(multiply(&left, &right, inner), expected, "{rows} {inner} {columns}");
            assert_eq!(transposed(&transposed(&left, inner), rows), left);
        }
    }
}
