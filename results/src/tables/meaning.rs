//! Values of Parquet that polars was built without: decimals, half floats, dates and times.
//!
//! polars reads what a file stores for them: integers or bytes. This module converts these to numbers and to text.

use polars_core::prelude::{Column, DataType, PolarsError};
use polars_parquet_format::{ConvertedType, FieldRepetitionType, LogicalType, SchemaElement, TimeUnit, Type};

/// Seconds of a day.
const DAY: i64 = 86_400;

/// What the stored values of a column stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Themselves.
    Itself,
    /// Decimal numbers: integers, or their bytes with the highest first, divided by ten to this power.
    Decimal(i32),
    /// Floats of 16 bits, in two bytes with the lowest first.
    Half,
    /// Dates: days since 1970-01-01.
    Date,
    /// Times: this many units a second, counted from the start of 1970.
    Time(i64),
}

impl Meaning {
    /// Reads the annotation of a column, and leaves only one that polars knows.
    ///
    /// # Errors
    /// The type of a column that is neither numbers nor text.
    pub(super) fn take(element: &mut SchemaElement) -> Result<Self, String> {
        if element.num_children.unwrap_or(0) > 0 || element.repetition_type == Some(FieldRepetitionType::REPEATED) {
            return Err("lists or structures".to_owned());
        }
        let (logical, converted) = (element.logical_type.take(), element.converted_type.take());
        let scale = element.scale.take();
        element.precision = None;
        let meaning = match (&logical, converted) {
            (Some(LogicalType::DECIMAL(decimal)), _) => Self::Decimal(decimal.scale),
            (None, Some(ConvertedType::DECIMAL)) => Self::Decimal(scale.unwrap_or(0)),
            (Some(LogicalType::FLOAT16(_)), _) => Self::Half,
            (Some(LogicalType::DATE(_)), _) | (None, Some(ConvertedType::DATE)) => Self::Date,
            (Some(LogicalType::TIMESTAMP(time)), _) => Self::Time(match time.unit {
                TimeUnit::MILLIS(_) => 1_000,
                TimeUnit::MICROS(_) => 1_000_000,
                TimeUnit::NANOS(_) => 1_000_000_000,
            }),
            (None, Some(ConvertedType::TIMESTAMP_MILLIS)) => Self::Time(1_000),
            (None, Some(ConvertedType::TIMESTAMP_MICROS)) => Self::Time(1_000_000),
            _ => Self::Itself,
        };
        let is_unsigned = |bits: i8, old: ConvertedType| match &logical {
            Some(LogicalType::INTEGER(integer)) => !integer.is_signed && integer.bit_width == bits,
            _ => converted == Some(old),
        };
        element.converted_type = match (element.type_, meaning) {
            (Some(Type::INT32), _) if is_unsigned(32, ConvertedType::UINT_32) => Some(ConvertedType::UINT_32),
            (Some(Type::INT64), _) if is_unsigned(64, ConvertedType::UINT_64) => Some(ConvertedType::UINT_64),
            (Some(Type::BYTE_ARRAY), Self::Itself) => Some(ConvertedType::UTF8),
            (Some(Type::BYTE_ARRAY | Type::FIXED_LEN_BYTE_ARRAY), Self::Decimal(_)) => None,
            (Some(Type::FIXED_LEN_BYTE_ARRAY), Self::Half) if element.type_length == Some(2) => None,
            (Some(Type::BYTE_ARRAY | Type::FIXED_LEN_BYTE_ARRAY), _) => return Err("bytes".to_owned()),
            (Some(Type::INT96), _) => return Err("times of 96 bits".to_owned()),
            (Some(Type::INT32 | Type::INT64), _) | (Some(_), Self::Itself) => None,
            _ => return Err("a type that its annotation does not fit".to_owned()),
        };
        Ok(meaning)
    }

    /// The values of a column as numbers. Dates and times are counts of their unit.
    ///
    /// # Errors
    /// The type of a column that holds no numbers, or the value that is too long.
    pub(super) fn numbers(self, column: &Column) -> Result<Vec<Option<f64>>, String> {
        let failed = |error: PolarsError| error.to_string();
        let is_binary = *column.dtype() == DataType::Binary;
        match self {
            Self::Half if is_binary => {
                let value = |bytes: &[u8]| bytes.first_chunk().map(|bytes| half(u16::from_le_bytes(*bytes)));
                Ok(column.binary().map_err(failed)?.iter().map(|cell| cell.and_then(value)).collect())
            }
            Self::Decimal(scale) if is_binary => {
                let value = |bytes: &[u8]| integer(bytes).map(|value| decimal(value, scale));
                column.binary().map_err(failed)?.iter().map(|cell| cell.map(value).transpose()).collect()
            }
            Self::Decimal(scale) => {
                let column = column.cast(&DataType::Int64).map_err(failed)?;
                let value = |value: i64| decimal(value.into(), scale);
                Ok(column.i64().map_err(failed)?.iter().map(|cell| cell.map(value)).collect())
            }
            _ if !column.dtype().is_primitive_numeric() => Err(column.dtype().to_string()),
            _ => {
                let column = column.cast(&DataType::Float64).map_err(failed)?;
                Ok(column.f64().map_err(failed)?.iter().collect())
            }
        }
    }

    /// The values of a column as text.
    ///
    /// # Errors
    /// As [`Self::numbers`].
    pub(super) fn texts(self, column: &Column) -> Result<Vec<Option<String>>, String> {
        let failed = |error: PolarsError| error.to_string();
        let dated = |text: &dyn Fn(i64) -> String| -> Result<Vec<Option<String>>, String> {
            let column = column.cast(&DataType::Int64).map_err(failed)?;
            Ok(column.i64().map_err(failed)?.iter().map(|cell| cell.map(text)).collect())
        };
        match self {
            Self::Date => dated(&date_text),
            Self::Time(per_second) => dated(&|value| time_text(value, per_second)),
            Self::Half | Self::Decimal(_) => {
                let numbers = self.numbers(column)?.into_iter();
                Ok(numbers.map(|cell| cell.map(|number| number.to_string())).collect())
            }
            Self::Itself => {
                let column = column.cast(&DataType::String).map_err(failed)?;
                Ok(column.str().map_err(failed)?.iter().map(|cell| cell.map(str::to_owned)).collect())
            }
        }
    }
}

/// The integer of some bytes with the highest first, in two's complement.
fn integer(bytes: &[u8]) -> Result<i128, String> {
    if bytes.len() > 16 {
        return Err(format!("a decimal of {} bytes", bytes.len()));
    }
    let start = if bytes.first().is_some_and(|byte| byte >> 7 == 1) { -1 } else { 0 };
    Ok(bytes.iter().fold(start, |value, &byte| value << 8 | i128::from(byte)))
}

/// The nearest number to a decimal one.
fn decimal(value: i128, scale: i32) -> f64 {
    format!("{value}e{}", -i64::from(scale)).parse().expect("an integer and an exponent are a number")
}

/// The number that 16 bits stand for: one of sign, five of exponent, ten of fraction (IEEE 754).
fn half(bits: u16) -> f64 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023) / 1024.0);
    sign * match exponent {
        0 => fraction * 2_f64.powi(-14),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1.0 + fraction) * 2_f64.powi(exponent - 15),
    }
}

/// The date that lies this many days after 1970-01-01, such as `2017-08-17`.
fn date_text(days: i64) -> String {
    // Howard Hinnant's `civil_from_days`: years begin in March, and 400 of them are an era.
    let days = days.saturating_add(719_468);
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let year = year + 400 * era + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

/// The time that lies this many units after the start of 1970, such as `2017-08-17T12:30:00.250`.
fn time_text(value: i64, per_second: i64) -> String {
    let (seconds, rest) = (value.div_euclid(per_second), value.rem_euclid(per_second));
    let second = seconds.rem_euclid(DAY);
    let digits = per_second.ilog10() as usize;
    let fraction = if rest == 0 { String::new() } else { format!(".{rest:0digits$}") };
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{}T{hour:02}:{minute:02}:{second:02}{fraction}", date_text(seconds.div_euclid(DAY)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_the_nearest_numbers() {
        assert_eq!(decimal(-7808, 2), -78.08);
        assert_eq!(decimal(3, -2), 300.0);
        assert_eq!(decimal(1, i32::MAX), 0.0);
        assert_eq!(integer(&[0xff, 0x85]), Ok(-123));
        assert_eq!(integer(&[1, 0, 0]), Ok(65_536));
        assert_eq!(integer(&[]), Ok(0));
        assert_eq!(integer(&[0x80; 16]), Ok(i128::from_be_bytes([0x80; 16])));
        assert!(integer(&[0; 17]).is_err());
    }

    #[test]
    fn half_floats_are_those_of_ieee_754() {
        for (bits, expected) in [
            (0x0000, 0.0),
            (0x0001, 2_f64.powi(-24)),
            (0x0400, 2_f64.powi(-14)),
            (0x3555, 0.333_251_953_125),
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65_504.0),
            (0xfc00, f64::NEG_INFINITY),
        ] {
            assert_eq!(half(bits), expected, "{bits:x}");
        }
        assert!(half(0x7e00).is_nan());
    }

    #[test]
    fn dates_and_times_are_those_of_the_calendar() {
        for (days, expected) in [
            (0, "1970-01-01"),
            (-1, "1969-12-31"),
            (11_016, "2000-02-29"),
            (17_395, "2017-08-17"),
            (47_540, "2100-02-28"),
            (47_541, "2100-03-01"),
            (-719_528, "0000-01-01"),
        ] {
            assert_eq!(date_text(days), expected);
        }
        assert_eq!(time_text(-1, 1_000), "1969-12-31T23:59:59.999");
        assert_eq!(time_text(17_395 * DAY * 1_000_000 + 45_000_000_250, 1_000_000), "2017-08-17T12:30:00.000250");
        assert_eq!(time_text(0, 1_000_000_000), "1970-01-01T00:00:00");
        for days in [i64::MIN, i64::MAX] {
            assert!(date_text(days).contains('-'));
        }
    }
}
