//! Python pickles of arrays and numbers, read as data.
//!
//! A pickle is a program for a stack machine that can call any Python function. This reader knows only the few
//! instructions that a dictionary of arrays, lists and numbers needs (protocols 2 to 4). It knows four functions by
//! name, as kinds of values: the ones that write numpy's arrays. It calls no function, and refuses every other name.

mod machine;

use std::borrow::Cow;
use std::path::Path;

use self::machine::Machine;
use crate::Error;
use crate::formats::numpy::{Array, Element};

/// A value on the stack.
#[derive(Debug, Clone, Copy)]
enum Value<'a> {
    /// Python's None, or a number with a fraction: the reader needs neither.
    Opaque,
    /// An integer; truth values are 0 and 1.
    Integer(i64),
    /// Bytes, or text in UTF-8.
    String(&'a [u8]),
    Function(Function),
    /// A place in the list of objects.
    Object(usize),
}

/// The functions with which arrays are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Function {
    /// Makes an empty array of the class that is its first argument.
    Reconstruct,
    /// The class of arrays.
    NdArray,
    /// Makes a type of elements.
    DType,
    /// Makes bytes from text.
    Encode,
}

/// A value that instructions can change, or that is not a part of the file.
#[derive(Debug)]
enum Object<'a> {
    Tuple(Vec<Value<'a>>),
    List(Vec<Value<'a>>),
    Dictionary(Vec<(Value<'a>, Value<'a>)>),
    /// Bytes that protocol 2 writes as text.
    Encoded(Vec<u8>),
    /// A type of elements: its name without the byte order, and the byte order.
    DType(&'a [u8], u8),
    /// An array: shape, place of its type, and bytes. `None` until its state is set.
    Array(Option<(Vec<usize>, usize, Value<'a>)>),
}

/// The contents of a pickle: a dictionary.
#[derive(Debug)]
pub(crate) struct Pickle<'a> {
    path: &'a Path,
    objects: Vec<Object<'a>>,
    entries: Vec<(Value<'a>, Value<'a>)>,
}

impl<'a> Pickle<'a> {
    /// Reads a file that holds a dictionary.
    pub(crate) fn read(path: &'a Path, bytes: &'a [u8]) -> Result<Pickle<'a>, Error> {
        let (mut objects, result) = Machine::new(path, bytes).run()?;
        if let Value::Object(place) = result
            && let Object::Dictionary(entries) = &mut objects[place]
        {
            let entries = std::mem::take(entries);
            return Ok(Pickle { path, objects, entries });
        }
        Err(Error::format(path, "the whole file", "another kind of value", "a dictionary"))
    }

    /// The array called `name`.
    pub(crate) fn array(&self, name: &str) -> Result<Array<'_>, Error> {
        let Value::Object(place) = self.entry(name)? else {
            return Err(self.fault(name, "another kind of value", "an array"));
        };
        let Object::Array(Some((shape, dtype, bytes))) = &self.objects[place] else {
            return Err(self.fault(name, "another kind of object", "an array"));
        };
        let type_name = match &self.objects[*dtype] {
            Object::DType(name, order) => format!("{}{}", char::from(*order), String::from_utf8_lossy(name)),
            _ => "unknown".to_string(),
        };
        let Some(element) = Element::parse(&type_name) else {
            let found = format!("elements of type {type_name:?}");
            return Err(self.fault(name, &found, "integers of 1, 2, 4 or 8 bytes, or truth values"));
        };
        let bytes = contents(&self.objects, *bytes).unwrap_or_default();
        Array::new(shape.clone(), element, Cow::Borrowed(bytes)).ok_or_else(|| {
            let found = format!("{} bytes", bytes.len());
            self.fault(name, &found, &format!("the bytes that the shape {shape:?} needs"))
        })
    }

    /// The integers of the list or array called `name`.
    pub(crate) fn integers(&self, name: &str) -> Result<Vec<i128>, Error> {
        let Value::Object(place) = self.entry(name)? else {
            return Err(self.fault(name, "another kind of value", "a list of integers"));
        };
        let Object::List(values) = &self.objects[place] else {
            return Ok(self.array(name)?.values().collect());
        };
        let integer = |(i, value): (usize, &Value)| match value {
            Value::Integer(integer) => Ok(i128::from(*integer)),
            _ => Err(self.fault(name, &format!("something else at index {i}"), "an integer")),
        };
        values.iter().enumerate().map(integer).collect()
    }

    fn entry(&self, name: &str) -> Result<Value<'a>, Error> {
        // With equal keys the last one counts, as in Python.
        let is_named = |key: Value| contents(&self.objects, key) == Some(name.as_bytes());
        let entry = self.entries.iter().rev().find(|(key, _)| is_named(*key));
        let missing = || self.fault(name, "no such entry", "one in the dictionary");
        entry.map(|(_, value)| *value).ok_or_else(missing)
    }

    fn fault(&self, name: &str, found: &str, expected: &str) -> Error {
        Error::format(self.path, format!("entry {name:?}"), found, expected)
    }
}

/// The bytes of a string.
fn contents<'b>(objects: &'b [Object<'_>], value: Value<'b>) -> Option<&'b [u8]> {
    match value {
        Value::String(bytes) => Some(bytes),
        Value::Object(place) => match &objects[place] {
            Object::Encoded(bytes) => Some(bytes),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests;
