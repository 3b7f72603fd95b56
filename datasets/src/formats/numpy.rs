//! Arrays of numbers as numpy stores them: the types of their elements, and `.npz` files.

use std::borrow::Cow;
use std::io::{Cursor, Read};
use std::path::Path;

use zip::ZipArchive;

use crate::Error;

/// Longest array header that is read, in bytes; numpy pads a header to 128.
const MAX_HEADER: usize = 4096;

/// Largest array that is read, in bytes. All 1,281,167 images of ImageNet32x32 are 3.9 GB.
pub(crate) const MAX_BYTES: usize = 4 << 30;

/// First bytes of a zip archive with files.
const ZIP: &[u8] = b"PK\x03\x04";

/// The kind of an array's elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Signed,
    Unsigned,
    /// Truth values: a byte of 0 or 1.
    Bool,
    Float,
}

/// The type of an array's elements: integers of 1, 2, 4 or 8 bytes, truth values, or floats of 4 or 8 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Element {
    kind: Kind,
    bytes: usize,
    is_big_endian: bool,
}

impl Element {
    /// Parses numpy's name of a type of integers or truth values: byte order, kind and length, such as `|u1`, `<i8` or
    /// `|b1`.
    pub(crate) fn parse(name: &str) -> Option<Element> {
        Element::parse_any(name).filter(|element| element.kind != Kind::Float)
    }

    /// As [`Self::parse`], for floats too.
    fn parse_any(name: &str) -> Option<Element> {
        let &[order, kind, length] = name.as_bytes() else {
            return None;
        };
        let bytes = usize::from(length.wrapping_sub(b'0'));
        let kind = match (kind, bytes) {
            (b'i', 1 | 2 | 4 | 8) => Kind::Signed,
            (b'u', 1 | 2 | 4 | 8) => Kind::Unsigned,
            (b'b', 1) => Kind::Bool,
            (b'f', 4 | 8) => Kind::Float,
            _ => return None,
        };
        b"<>|=".contains(&order).then_some(Element { kind, bytes, is_big_endian: order == b'>' })
    }

    /// The bits of an element.
    fn bits(self, bytes: &[u8]) -> u64 {
        let append = |value: u64, &byte: &u8| value << 8 | u64::from(byte);
        if self.is_big_endian { bytes.iter().fold(0, append) } else { bytes.iter().rev().fold(0, append) }
    }

    fn value(self, bytes: &[u8]) -> i128 {
        let value = self.bits(bytes);
        let unused = 64 - 8 * self.bytes as u32;
        if self.kind == Kind::Signed { i128::from((value << unused) as i64 >> unused) } else { i128::from(value) }
    }
}

/// An array of numbers in C order: the last index varies fastest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Array<'a> {
    pub(crate) shape: Vec<usize>,
    element: Element,
    bytes: Cow<'a, [u8]>,
}

impl<'a> Array<'a> {
    /// An array of these bytes; `None` if their number does not fit the shape.
    pub(crate) fn new(shape: Vec<usize>, element: Element, bytes: Cow<'a, [u8]>) -> Option<Array<'a>> {
        (size_in_bytes(&shape, element) == Some(bytes.len())).then_some(Array { shape, element, bytes })
    }

    /// The elements as unsigned bytes; `None` if they have another type.
    pub(crate) fn as_bytes(&self) -> Option<&[u8]> {
        (self.element.bytes == 1 && self.element.kind == Kind::Unsigned).then_some(&self.bytes[..])
    }

    /// The elements as pixels: bytes as they are, truth values as 0 and 255, floats times 255 and rounded. `path` and `name`
    /// say in errors where the array lies.
    pub(crate) fn into_pixels(self, path: &Path, name: &str) -> Result<Vec<u8>, Error> {
        let Element { kind, bytes, .. } = self.element;
        let number = |element: &[u8]| match (kind, bytes) {
            (Kind::Float, 4) => f64::from(f32::from_bits(self.element.bits(element) as u32)),
            (Kind::Float, _) => f64::from_bits(self.element.bits(element)),
            _ => f64::from(element[0]),
        };
        let expected = match (kind, bytes) {
            (Kind::Unsigned, 1) => return Ok(self.bytes.into_owned()),
            (Kind::Bool, _) => "0 or 1",
            (Kind::Float, _) => "a float from 0 to 1; divide floats from 0 to 255 by 255",
            _ => {
                let expected = "bytes (uint8), truth values, or floats from 0 to 1";
                return Err(Error::format(path, format!("array {name:?}"), "integers of another type", expected));
            }
        };
        let pixel = |(index, element): (usize, &[u8])| {
            let value = number(element);
            let is_pixel = (0.0..=1.0).contains(&value) && (kind == Kind::Float || value.fract() == 0.0);
            let place = || format!("array {name:?}, value {index} (counted from 0)");
            let fault = || Error::format(path, place(), value.to_string(), expected);
            is_pixel.then(|| (255.0 * value).round() as u8).ok_or_else(fault)
        };
        self.bytes.chunks_exact(bytes).enumerate().map(pixel).collect()
    }

    /// The elements in order. The array holds no floats.
    pub(crate) fn values(&self) -> impl Iterator<Item = i128> {
        self.bytes.chunks_exact(self.element.bytes).map(|bytes| self.element.value(bytes))
    }
}

fn size_in_bytes(shape: &[usize], element: Element) -> Option<usize> {
    shape.iter().try_fold(element.bytes, |size, &extent| size.checked_mul(extent))
}

/// Puts elements in Fortran order, in which the first index varies fastest, into C order.
fn in_c_order(shape: &[usize], element: Element, bytes: &[u8]) -> Vec<u8> {
    let strides: Vec<usize> = shape
        .iter()
        .scan(element.bytes, |next, &extent| {
            let stride = *next;
            *next *= extent;
            Some(stride)
        })
        .collect();
    let mut ordered = Vec::with_capacity(bytes.len());
    let (mut index, mut place) = (vec![0; shape.len()], 0);
    while ordered.len() < bytes.len() {
        ordered.extend_from_slice(&bytes[place..place + element.bytes]);
        for axis in (0..shape.len()).rev() {
            index[axis] += 1;
            place += strides[axis];
            if index[axis] < shape[axis] {
                break;
            }
            place -= strides[axis] * shape[axis];
            index[axis] = 0;
        }
    }
    ordered
}

/// Whether a file is a zip archive by its first bytes, as every `.npz` file is.
pub(crate) fn is_zip(bytes: &[u8]) -> bool {
    bytes.starts_with(ZIP)
}

/// An `.npz` file: a zip archive of arrays.
pub(crate) struct Npz<'a> {
    path: &'a Path,
    archive: ZipArchive<Cursor<&'a [u8]>>,
}

impl<'a> Npz<'a> {
    /// Reads the table of contents of a file.
    pub(crate) fn open(path: &'a Path, bytes: &'a [u8]) -> Result<Npz<'a>, Error> {
        match ZipArchive::new(Cursor::new(bytes)) {
            Ok(archive) => Ok(Npz { path, archive }),
            Err(error) => Err(Error::format(path, "the whole file", error.to_string(), "a zip archive")),
        }
    }

    /// Whether the file has an array of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.archive.index_for_name(&format!("{name}.npy")).is_some()
    }

    /// Reads the array of integers called `name`, if `fits` says that its shape is the `expected` one.
    pub(crate) fn array(
        &mut self,
        name: &str,
        expected: &str,
        fits: impl Fn(&[usize]) -> bool,
    ) -> Result<Array<'static>, Error> {
        let kinds = "integers of 1, 2, 4 or 8 bytes or truth values";
        self.array_of(kinds, Element::parse, name, expected, fits)
    }

    /// As [`Self::array`], for floats too.
    pub(crate) fn numbers(
        &mut self,
        name: &str,
        expected: &str,
        fits: impl Fn(&[usize]) -> bool,
    ) -> Result<Array<'static>, Error> {
        let kinds = "integers, truth values, or floats of 4 or 8 bytes";
        self.array_of(kinds, Element::parse_any, name, expected, fits)
    }

    /// Reads an array of elements of these kinds.
    fn array_of(
        &mut self,
        kinds: &str,
        parse: fn(&str) -> Option<Element>,
        name: &str,
        expected: &str,
        fits: impl Fn(&[usize]) -> bool,
    ) -> Result<Array<'static>, Error> {
        let path = self.path;
        let place = format!("array {name:?}");
        let fault = |found: String, expected: &str| Error::format(path, place.clone(), found, expected);
        let unreadable = |error: std::io::Error| fault(error.to_string(), "a whole array");
        let mut file = match self.archive.by_name(&format!("{name}.npy")) {
            Ok(file) => file,
            Err(error) => return Err(fault(error.to_string(), "an array of this name")),
        };

        let mut start = [0; 8];
        file.read_exact(&mut start).map_err(unreadable)?;
        let length_bytes = match start {
            [b'\x93', b'N', b'U', b'M', b'P', b'Y', 1, _] => 2,
            [b'\x93', b'N', b'U', b'M', b'P', b'Y', 2 | 3, _] => 4,
            _ => {
                return Err(fault(format!("the first bytes {start:?}"), "\\x93NUMPY and version 1, 2 or 3"));
            }
        };
        let mut length = [0; 4];
        file.read_exact(&mut length[..length_bytes]).map_err(unreadable)?;
        let length = u32::from_le_bytes(length) as usize;
        if length > MAX_HEADER {
            let most = format!("at most {MAX_HEADER}");
            return Err(fault(format!("a header of {length} bytes"), &most));
        }
        let mut header = vec![0; length];
        file.read_exact(&mut header).map_err(unreadable)?;
        let header = String::from_utf8_lossy(&header);
        let Some((shape, element, is_fortran)) = parse_header(&header, parse) else {
            return Err(fault(format!("the header {:?}", header.trim()), &format!("{kinds}, and a shape")));
        };
        if !fits(&shape) {
            return Err(fault(format!("the shape {shape:?}"), expected));
        }
        let Some(size) = size_in_bytes(&shape, element).filter(|&size| size <= MAX_BYTES) else {
            return Err(fault(format!("the shape {shape:?}"), &format!("at most {MAX_BYTES} bytes")));
        };
        // Memory grows with the bytes that arrive, so that a header alone cannot claim it.
        let mut bytes = Vec::new();
        let more = size as u64 + 1;
        file.take(more).read_to_end(&mut bytes).map_err(unreadable)?;
        let found = match bytes.len() {
            found if found > size => "more".to_string(),
            found => found.to_string(),
        };
        let expected = format!("{size} for the shape {shape:?}");
        if is_fortran && bytes.len() == size {
            bytes = in_c_order(&shape, element, &bytes);
        }
        Array::new(shape, element, bytes.into()).ok_or_else(|| fault(format!("{found} bytes"), &expected))
    }
}

/// Parses shape, type and whether the order is Fortran's from a header. It is a Python dictionary such as
/// `{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }`. `parse` parses the name of a type.
fn parse_header(header: &str, parse: fn(&str) -> Option<Element>) -> Option<(Vec<usize>, Element, bool)> {
    let value = |key: &str| Some(header.split_once(key)?.1.trim_start().strip_prefix(':')?.trim_start());
    let (name, _) = value("'descr'")?.strip_prefix('\'')?.split_once('\'')?;
    let (shape, _) = value("'shape'")?.strip_prefix('(')?.split_once(')')?;
    let shape: Vec<usize> = shape
        .split(',')
        .map(str::trim)
        .filter(|extent| !extent.is_empty())
        // Python 2 writes long integers as 10L.
        .map(|extent| extent.trim_end_matches('L').parse().ok())
        .collect::<Option<_>>()?;
    let order = value("'fortran_order'")?;
    let is_fortran = order.starts_with("True");
    (is_fortran || order.starts_with("False")).then_some((shape, parse(name)?, is_fortran))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::formats::npz_writer::{npy, npz};

    fn read(bytes: &[u8]) -> Result<Array<'static>, Error> {
        Npz::open(Path::new("a.npz"), bytes)?.array("data", "[n, 2]", |shape| matches!(shape, [_, 2]))
    }

    fn error(array: Vec<u8>) -> String {
        read(&npz(&[("data", array)])).unwrap_err().to_string()
    }

    #[test]
    fn integers_of_every_length_sign_and_order_are_read() {
        let cases: [(&str, [u8; 8], i128); 10] = [
            ("|b1", [1, 0, 0, 0, 0, 0, 0, 0], 1),
            ("|u1", [200, 0, 0, 0, 0, 0, 0, 0], 200),
            ("|i1", [200, 0, 0, 0, 0, 0, 0, 0], -56),
            ("<u2", [1, 2, 0, 0, 0, 0, 0, 0], 513),
            (">u2", [1, 2, 0, 0, 0, 0, 0, 0], 258),
            ("<i4", [254, 255, 255, 255, 0, 0, 0, 0], -2),
            (">i4", [0, 0, 1, 0, 0, 0, 0, 0], 256),
            ("<i8", [255; 8], -1),
            ("<u8", [255; 8], u64::MAX as i128),
            (">i8", [0, 0, 0, 0, 0, 0, 3, 232], 1000),
        ];
        for (name, bytes, expected) in cases {
            let element = Element::parse(name).unwrap();
            assert_eq!(element.value(&bytes[..element.bytes]), expected, "{name}");
        }
        for name in ["", "|u", "<f4", "|u3", "<i16", "?u1", "|b2", "<U5"] {
            assert_eq!(Element::parse(name), None, "{name}");
        }
    }

    #[test]
    fn an_array_is_read_with_its_shape() {
        let array = read(&npz(&[
            ("other", npy("<f4", "", &[0; 4])),
            ("data", npy("<u2", "3, 2", &[1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 1])),
        ]))
        .unwrap();
        assert_eq!(array.shape, [3, 2]);
        assert_eq!(array.values().collect::<Vec<_>>(), [1, 2, 3, 4, 5, 262]);
        assert_eq!(array.as_bytes(), None);
        let bytes = read(&npz(&[("data", npy("|u1", "1L, 2L", &[8, 9]))])).unwrap();
        assert_eq!(bytes.as_bytes(), Some(&[8, 9][..]));
    }

    #[test]
    fn errors_in_arrays_name_place_and_expectation() {
        let check = |array: Vec<u8>, expected: &str| {
            let message = error(array);
            assert!(message.starts_with("a.npz: array \"data\": found "), "{message}");
            assert!(message.contains(expected), "{expected} in {message}");
        };
        let good = npy("|u1", "2, 2", &[1, 2, 3, 4]);
        check(good[..good.len() - 1].to_vec(), "found 3 bytes, expected 4 for the shape [2, 2]");
        check([&good[..], &[0]].concat(), "found more bytes, expected 4");
        check(good[..20].to_vec(), "expected a whole array");
        check(good[..3].to_vec(), "expected a whole array");
        check(npy("|u1", "2, 3", &[0; 6]), "found the shape [2, 3], expected [n, 2]");
        check(npy("<f4", "1, 2", &[0; 8]), "expected integers of 1, 2, 4 or 8 bytes");
        check(npy("|u1", "-1, 2", &[]), "expected integers");
        check(b"\x93NUMPZ\x01\x00".to_vec(), "expected \\x93NUMPY");
        check(b"\x93NUMPY\x02\x00\xff\xff\xff\xff".to_vec(), "found a header of 4294967295 bytes");
        check(npy("|u1", "9223372036854775807, 2", &[]), "expected at most 4294967296 bytes");
        // The claimed size is within the limit, but the bytes are missing: nothing is allocated for them.
        check(npy("|u1", "2000000000, 2", &[7]), "found 1 bytes, expected 4000000000");
        assert_eq!(parse_header("{'descr': '|u1', 'fortran_order': 0, 'shape': (2, 2), }", Element::parse), None);
    }

    #[test]
    fn fortran_order_is_turned_into_c_order() {
        // numpy.asfortranarray of numpy.arange(24).reshape(4, 3, 2), whose C order counts up.
        let stored: Vec<u8> = (0..24).map(|i| (i % 4 * 6 + i / 4 % 3 * 2 + i / 12) as u8).collect();
        let wide: Vec<u8> = stored.iter().flat_map(|&value| [value, 0]).collect();
        for (descr, bytes) in [("|u1", stored), ("<u2", wide)] {
            let mut array = npy(descr, "4, 3, 2", &bytes);
            let place = array.windows(5).position(|window| window == b"False").unwrap();
            array[place..place + 5].copy_from_slice(b"True ");
            let file = npz(&[("data", array)]);
            let found = Npz::open(Path::new("a.npz"), &file).unwrap().array("data", "[4, 3, 2]", |_| true).unwrap();
            assert_eq!(found.values().collect::<Vec<_>>(), (0..24).collect::<Vec<i128>>());
        }
    }

    #[test]
    fn damaged_archives_are_named() {
        let whole = npz(&[("data", npy("|u1", "2, 2", &[1, 2, 3, 4]))]);
        for bytes in [&whole[..whole.len() - 30], b"no archive", b""] {
            let message = read(bytes).unwrap_err().to_string();
            assert!(message.contains("a.npz: the whole file: found "), "{message}");
            assert!(message.contains("expected a zip archive"), "{message}");
        }
        let message = read(&npz(&[("labels", vec![])])).unwrap_err().to_string();
        assert!(message.contains("expected an array of this name"), "{message}");
    }

    proptest! {
        #[test]
        fn damaged_bytes_give_the_requested_shape_or_an_error(
            changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        ) {
            let mut bytes = npz(&[("data", npy("<u2", "2, 2", &[1, 0, 2, 0, 3, 0, 4, 0]))]);
            let length = bytes.len();
            for (index, byte) in changes {
                bytes[index.index(length)] = byte;
            }
            if let Ok(array) = read(&bytes) {
                prop_assert_eq!((array.shape.len(), array.shape[1]), (2, 2));
                prop_assert_eq!(array.values().count(), 2 * array.shape[0]);
            }
        }
    }
}
