//! The stack machine that reads a pickle: a closed set of instructions, each within bounds.

use std::collections::HashMap;
use std::path::Path;

use super::{Function, Object, Value};
use crate::Error;

/// Bounds of the machine, far above the needs of a batch of ImageNet32x32, whose lists are written 1,000 elements at a
/// time.
const MAX_STACK: usize = 1 << 16;
const MAX_OBJECTS: usize = 1 << 16;
const MAX_MEMO: usize = 1 << 16;
const MAX_DIMENSIONS: usize = 8;

/// The state of the machine that reads a pickle.
pub(super) struct Machine<'a> {
    path: &'a Path,
    bytes: &'a [u8],
    /// Position of the next byte.
    at: usize,
    /// Start of the current instruction.
    instruction: usize,
    stack: Vec<Value<'a>>,
    /// Lengths of the stack at which marks were set.
    marks: Vec<usize>,
    memo: HashMap<usize, Value<'a>>,
    objects: Vec<Object<'a>>,
    /// Total length of the text that was converted to bytes. It is no longer than the file.
    encoded: usize,
}

impl<'a> Machine<'a> {
    /// A machine at the start of a file.
    pub(super) fn new(path: &'a Path, bytes: &'a [u8]) -> Machine<'a> {
        Machine {
            path,
            bytes,
            at: 0,
            instruction: 0,
            stack: Vec::new(),
            marks: Vec::new(),
            memo: HashMap::new(),
            objects: Vec::new(),
            encoded: 0,
        }
    }

    /// Follows all instructions; returns the objects that were made, and the result.
    pub(super) fn run(mut self) -> Result<(Vec<Object<'a>>, Value<'a>), Error> {
        loop {
            if let Some(result) = self.step()? {
                return match self.bytes.len() - self.at {
                    0 => Ok((self.objects, result)),
                    more => Err(self.fault(format!("{more} bytes after the end"), "nothing more")),
                };
            }
        }
    }

    fn fault(&self, found: impl Into<String>, expected: &str) -> Error {
        Error::format(self.path, format!("byte {}", self.instruction), found, expected)
    }

    /// Follows one instruction; returns the result if it was the last.
    fn step(&mut self) -> Result<Option<Value<'a>>, Error> {
        self.instruction = self.at;
        match self.take(1)?[0] {
            0x80 => {
                let protocol = self.take(1)?[0];
                if !(2..=4).contains(&protocol) {
                    return Err(self.fault(format!("pickle protocol {protocol}"), "2, 3 or 4"));
                }
            }
            // The length of a frame, which only helps to read ahead.
            0x95 => {
                self.take(8)?;
            }
            b'N' => self.push(Value::Opaque)?,
            b'G' => {
                self.take(8)?;
                self.push(Value::Opaque)?;
            }
            0x88 => self.push(Value::Integer(1))?,
            0x89 => self.push(Value::Integer(0))?,
            b'K' => self.push_integer(1, false)?,
            b'M' => self.push_integer(2, false)?,
            b'J' => self.push_integer(4, true)?,
            0x8a => {
                let length = self.length(1)?;
                if length > 8 {
                    return Err(self.fault(format!("an integer of {length} bytes"), "at most 8"));
                }
                self.push_integer(length, true)?;
            }
            b'U' | b'C' | 0x8c => self.push_string(1)?,
            b'T' | b'B' | b'X' => self.push_string(4)?,
            0x8d | 0x8e => self.push_string(8)?,
            b'}' => self.push_object(Object::Dictionary(Vec::new()))?,
            b']' => self.push_object(Object::List(Vec::new()))?,
            b')' => self.push_object(Object::Tuple(Vec::new()))?,
            length @ 0x85..=0x87 => {
                let mut items = Vec::new();
                for _ in 0x85..=length {
                    items.insert(0, self.pop()?);
                }
                self.push_object(Object::Tuple(items))?;
            }
            b'(' => {
                if self.marks.len() >= MAX_STACK {
                    return Err(self.fault(format!("more than {MAX_STACK} marks"), "fewer"));
                }
                self.marks.push(self.stack.len());
            }
            b't' => {
                let items = self.pop_to_mark()?;
                self.push_object(Object::Tuple(items))?;
            }
            b'a' => {
                let item = self.pop()?;
                self.top_list()?.push(item);
            }
            b'e' => {
                let items = self.pop_to_mark()?;
                self.top_list()?.extend(items);
            }
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.top_dictionary()?.push((key, value));
            }
            b'u' => {
                let items = self.pop_to_mark()?;
                if !items.len().is_multiple_of(2) {
                    return Err(self.fault("a key without a value", "pairs"));
                }
                let pairs = items.chunks_exact(2).map(|pair| (pair[0], pair[1]));
                self.top_dictionary()?.extend(pairs);
            }
            b'q' => {
                let key = self.length(1)?;
                self.memoise(key)?;
            }
            b'r' => {
                let key = self.length(4)?;
                self.memoise(key)?;
            }
            0x94 => self.memoise(self.memo.len())?,
            b'h' => self.recall(1)?,
            b'j' => self.recall(4)?,
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                self.push_function(module, name)?;
            }
            0x93 => {
                let (name, module) = (self.pop_string()?, self.pop_string()?);
                self.push_function(module, name)?;
            }
            b'R' => self.call()?,
            b'b' => self.set_state()?,
            b'.' => return Ok(Some(self.pop()?)),
            other => {
                let expected = "an instruction for a dictionary of arrays, lists and numbers";
                return Err(self.fault(format!("the instruction 0x{other:02x}"), expected));
            }
        }
        Ok(None)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Error> {
        let rest = &self.bytes[self.at..];
        if length > rest.len() {
            let found = format!("{} bytes after an instruction that needs {length}", rest.len());
            return Err(self.fault(found, "a longer file"));
        }
        self.at += length;
        Ok(&rest[..length])
    }

    /// An unsigned integer of the given number of bytes.
    fn length(&mut self, bytes: usize) -> Result<usize, Error> {
        let append = |length: u64, &byte: &u8| length << 8 | u64::from(byte);
        Ok(self.take(bytes)?.iter().rev().fold(0, append) as usize)
    }

    fn line(&mut self) -> Result<&'a [u8], Error> {
        let rest = &self.bytes[self.at..];
        match rest.iter().position(|&byte| byte == b'\n') {
            Some(length) => {
                self.at += length + 1;
                Ok(&rest[..length])
            }
            None => Err(self.fault("a name without an end", "the end of its line")),
        }
    }

    fn push(&mut self, value: Value<'a>) -> Result<(), Error> {
        if self.stack.len() >= MAX_STACK {
            return Err(self.fault(format!("more than {MAX_STACK} values on the stack"), "fewer"));
        }
        self.stack.push(value);
        Ok(())
    }

    fn push_integer(&mut self, bytes: usize, is_signed: bool) -> Result<(), Error> {
        let value = self.length(bytes)? as u64;
        let unused = 64 - 8 * bytes as u32;
        let value = match bytes {
            0 => 0,
            _ if is_signed => (value << unused) as i64 >> unused,
            _ => value as i64,
        };
        self.push(Value::Integer(value))
    }

    /// Pushes a string. Its length comes before it, in `length_bytes` bytes.
    fn push_string(&mut self, length_bytes: usize) -> Result<(), Error> {
        let length = self.length(length_bytes)?;
        let string = self.take(length)?;
        self.push(Value::String(string))
    }

    fn push_object(&mut self, object: Object<'a>) -> Result<(), Error> {
        if self.objects.len() >= MAX_OBJECTS {
            return Err(self.fault(format!("more than {MAX_OBJECTS} objects"), "fewer"));
        }
        self.objects.push(object);
        self.push(Value::Object(self.objects.len() - 1))
    }

    fn push_function(&mut self, module: &[u8], name: &[u8]) -> Result<(), Error> {
        let function = match (module, name) {
            (b"numpy.core.multiarray" | b"numpy._core.multiarray", b"_reconstruct") => Function::Reconstruct,
            (b"numpy", b"ndarray") => Function::NdArray,
            (b"numpy", b"dtype") => Function::DType,
            (b"_codecs", b"encode") => Function::Encode,
            _ => {
                let [module, name] = [module, name].map(String::from_utf8_lossy);
                let expected = "a name that numpy uses for arrays; nothing is executed";
                return Err(self.fault(format!("the name {:?}", format!("{module}.{name}")), expected));
            }
        };
        self.push(Value::Function(function))
    }

    fn pop(&mut self) -> Result<Value<'a>, Error> {
        let bottom = self.marks.last().copied().unwrap_or(0);
        if self.stack.len() <= bottom {
            return Err(self.fault("an empty stack", "a value on it"));
        }
        Ok(self.stack.pop().expect("the stack is longer than its bottom"))
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Value<'a>>, Error> {
        let mark = self.marks.pop().ok_or_else(|| self.fault("no mark", "one on the stack"))?;
        Ok(self.stack.split_off(mark))
    }

    fn pop_string(&mut self) -> Result<&'a [u8], Error> {
        match self.pop()? {
            Value::String(string) => Ok(string),
            _ => Err(self.fault("another kind of value", "a string")),
        }
    }

    /// The items of a tuple, borrowed. A copy for each instruction would make the time quadratic in the length of the
    /// file.
    fn tuple(&self, value: Value<'a>) -> Result<&[Value<'a>], Error> {
        if let Value::Object(place) = value
            && let Object::Tuple(items) = &self.objects[place]
        {
            return Ok(items);
        }
        Err(self.fault("another kind of value", "a tuple"))
    }

    fn top_object(&mut self) -> Result<Option<&mut Object<'a>>, Error> {
        let top = self.pop()?;
        self.stack.push(top);
        Ok(match top {
            Value::Object(place) => Some(&mut self.objects[place]),
            _ => None,
        })
    }

    fn top_list(&mut self) -> Result<&mut Vec<Value<'a>>, Error> {
        let fault = self.fault("another kind of value", "a list to append to");
        match self.top_object()? {
            Some(Object::List(items)) => Ok(items),
            _ => Err(fault),
        }
    }

    fn top_dictionary(&mut self) -> Result<&mut Vec<(Value<'a>, Value<'a>)>, Error> {
        let fault = self.fault("another kind of value", "a dictionary to add to");
        match self.top_object()? {
            Some(Object::Dictionary(entries)) => Ok(entries),
            _ => Err(fault),
        }
    }

    fn memoise(&mut self, key: usize) -> Result<(), Error> {
        if self.memo.len() >= MAX_MEMO {
            return Err(self.fault(format!("more than {MAX_MEMO} stored values"), "fewer"));
        }
        let value = self.pop()?;
        self.stack.push(value);
        self.memo.insert(key, value);
        Ok(())
    }

    fn recall(&mut self, key_bytes: usize) -> Result<(), Error> {
        let key = self.length(key_bytes)?;
        match self.memo.get(&key) {
            Some(&value) => self.push(value),
            None => Err(self.fault(format!("the key {key}"), "the key of a stored value")),
        }
    }

    /// Makes the value that a function would return, from the function and its arguments on the stack.
    fn call(&mut self) -> Result<(), Error> {
        let (arguments, function) = (self.pop()?, self.pop()?);
        let object = match (function, self.tuple(arguments)?) {
            (Value::Function(Function::Reconstruct), [Value::Function(Function::NdArray), ..]) => Object::Array(None),
            (Value::Function(Function::DType), [Value::String(name), ..]) => Object::DType(name, b'|'),
            (Value::Function(Function::Encode), [Value::String(text), Value::String(b"latin1")]) => {
                let text = *text;
                Object::Encoded(self.encode(text)?)
            }
            _ => return Err(self.fault("another call", "a call that makes an array, its type or its bytes")),
        };
        self.push_object(object)
    }

    /// Converts UTF-8 text to Latin-1 bytes.
    fn encode(&mut self, text: &[u8]) -> Result<Vec<u8>, Error> {
        self.encoded += text.len();
        if self.encoded > self.bytes.len() {
            return Err(self.fault("more text to convert to bytes than the file holds", "one conversion of each text"));
        }
        let text = std::str::from_utf8(text).map_err(|error| self.fault(error.to_string(), "text in UTF-8"))?;
        let mut bytes = Vec::with_capacity(text.len());
        for character in text.chars() {
            match u8::try_from(u32::from(character)) {
                Ok(byte) => bytes.push(byte),
                Err(_) => return Err(self.fault(format!("the character {character:?}"), "a character of Latin-1")),
            }
        }
        Ok(bytes)
    }

    /// Sets the state of an array or type. The state is on top of the stack, the array or type below it.
    fn set_state(&mut self) -> Result<(), Error> {
        let state = self.pop()?;
        let Value::Object(place) = self.pop()? else {
            return Err(self.fault("another kind of value", "an array or a type that takes a state"));
        };
        self.objects[place] = match (&self.objects[place], self.tuple(state)?) {
            (Object::DType(name, _), [_, Value::String([order]), ..]) => Object::DType(name, *order),
            (Object::Array(_), [_, shape, Value::Object(dtype), Value::Integer(is_fortran), bytes]) => {
                let shape = self.shape(*shape)?;
                if *is_fortran != 0 && shape.len() > 1 {
                    return Err(self.fault("an array in Fortran order", "C order"));
                }
                Object::Array(Some((shape, *dtype, *bytes)))
            }
            _ => return Err(self.fault("another state", "the state of an array or a type")),
        };
        self.push(Value::Object(place))
    }

    fn shape(&self, value: Value<'a>) -> Result<Vec<usize>, Error> {
        let items = self.tuple(value)?;
        let extent = |item: &Value| match item {
            Value::Integer(extent) => usize::try_from(*extent).ok(),
            _ => None,
        };
        let shape: Option<Vec<usize>> = items.iter().map(extent).collect();
        shape
            .filter(|shape| shape.len() <= MAX_DIMENSIONS)
            .ok_or_else(|| self.fault("another shape", &format!("at most {MAX_DIMENSIONS} whole numbers")))
    }
}
