//! The learning curve of a training: its loss and errors after each completed epoch.

/// One completed epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Epoch {
    /// Mean training loss over its batches.
    pub train_loss: f64,
    /// Mean training error over its batches.
    pub train_error: f64,
    /// Validation error after it, if it was measured.
    pub validation_error: Option<f64>,
}

/// Training losses and errors as text, LOSS,ERROR for each epoch. The numbers come back to the bit.
pub fn curve_text(epochs: &[Epoch]) -> String {
    let pair = |epoch: &Epoch| format!("{},{}", epoch.train_loss, epoch.train_error);
    epochs.iter().map(pair).collect::<Vec<_>>().join(" ")
}

/// Reads the text that [`curve_text`] wrote.
///
/// # Errors
/// The first epoch that is no finite loss and error; the error says what was expected.
pub fn parse_curve(text: &str) -> Result<Vec<Epoch>, String> {
    let parse = |(index, pair): (usize, &str)| {
        let numbers = pair.split_once(',').and_then(|(loss, error)| Some((loss.parse().ok()?, error.parse().ok()?)));
        match numbers {
            Some((train_loss, train_error))
                if (0.0..f64::INFINITY).contains(&train_loss) && (0.0..=1.0).contains(&train_error) =>
            {
                Ok(Epoch { train_loss, train_error, validation_error: None })
            }
            _ => {
                Err(format!("epoch {index}: expected a loss from 0 and an error in [0, 1], LOSS,ERROR; found `{pair}`"))
            }
        }
    };
    text.split_whitespace().enumerate().map(parse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_comes_back_to_the_bit_and_a_wrong_one_is_refused_by_epoch() {
        let epoch = |train_loss, train_error| Epoch { train_loss, train_error, validation_error: None };
        let curve = vec![epoch(0.1 + 0.2, 1.0), epoch(1e-300, 0.0), epoch(4.605_170_185_988_092, 1.0 / 3.0)];
        assert_eq!(parse_curve(&curve_text(&curve)), Ok(curve));
        assert_eq!(parse_curve(""), Ok(Vec::new()));
        for wrong in ["x", "1.5", "1.5,2", "-1,0.5", "inf,0.5", "NaN,0.5", "1,0.5,3"] {
            let error = parse_curve(&format!("1,0.5 {wrong}")).unwrap_err();
            assert!(
                error.starts_with("epoch 1: expected a loss from 0") && error.ends_with(&format!("`{wrong}`")),
                "{error}"
            );
        }
    }
}
