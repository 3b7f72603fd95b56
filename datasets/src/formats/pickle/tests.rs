//! Tests of the pickle reader: every protocol that is read, damaged pickles, and pickles that would run code.

use proptest::prelude::*;

use super::*;

/// `{'data': array([[1, 2, 250], [0, 10, 39]], uint8), 'labels': [1, 300, -2, 70000], 'mean': array([0.5])}`, as Python
/// 3.11 with numpy 2.4 writes it in protocol 2, 3 and 4.
const PYTHON_3: [&[u8]; 3] = [
    b"\x80\x02}q\x00(X\x04\x00\x00\x00dataq\x01cnumpy._core.multiarray\n_reconstruct\nq\x02cnumpy\nndarray\nq\x03K\x00\
      \x85q\x04c_codecs\nencode\nq\x05X\x01\x00\x00\x00bq\x06X\x06\x00\x00\x00latin1q\x07\x86q\x08Rq\x09\x87q\nRq\x0b(K\
      \x01K\x02K\x03\x86q\x0ccnumpy\ndtype\nq\x0dX\x02\x00\x00\x00u1q\x0e\x89\x88\x87q\x0fRq\x10(K\x03X\x01\x00\x00\x00|\
      q\x11NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tq\x12b\x89h\x05X\x07\x00\x00\x00\x01\x02\xc3\xba\x00\n'q\x13h\x07\
      \x86q\x14Rq\x15tq\x16bX\x06\x00\x00\x00labelsq\x17]q\x18(K\x01M,\x01J\xfe\xff\xff\xffJp\x11\x01\x00eX\x04\x00\x00\
      \x00meanq\x19h\x02h\x03K\x00\x85q\x1ah\x09\x87q\x1bRq\x1c(K\x01K\x01\x85q\x1dh\x0dX\x02\x00\x00\x00f8q\x1e\x89\x88\
      \x87q\x1fRq (K\x03X\x01\x00\x00\x00<q!NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tq\"b\x89h\x05X\x09\x00\x00\x00\
      \x00\x00\x00\x00\x00\x00\xc3\xa0?q#h\x07\x86q$Rq%tq&bu.",
    b"\x80\x03}q\x00(X\x04\x00\x00\x00dataq\x01cnumpy._core.multiarray\n_reconstruct\nq\x02cnumpy\nndarray\nq\x03K\x00\
      \x85q\x04C\x01bq\x05\x87q\x06Rq\x07(K\x01K\x02K\x03\x86q\x08cnumpy\ndtype\nq\x09X\x02\x00\x00\x00u1q\n\x89\x88\x87\
      q\x0bRq\x0c(K\x03X\x01\x00\x00\x00|q\x0dNNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tq\x0eb\x89C\x06\x01\x02\xfa\x00\
      \n'q\x0ftq\x10bX\x06\x00\x00\x00labelsq\x11]q\x12(K\x01M,\x01J\xfe\xff\xff\xffJp\x11\x01\x00eX\x04\x00\x00\x00mean\
      q\x13h\x02h\x03K\x00\x85q\x14h\x05\x87q\x15Rq\x16(K\x01K\x01\x85q\x17h\x09X\x02\x00\x00\x00f8q\x18\x89\x88\x87q\
      \x19Rq\x1a(K\x03X\x01\x00\x00\x00<q\x1bNNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tq\x1cb\x89C\x08\x00\x00\x00\x00\
      \x00\x00\xe0?q\x1dtq\x1ebu.",
    b"\x80\x04\x95\x09\x01\x00\x00\x00\x00\x00\x00}\x94(\x8c\x04data\x94\x8c\x16numpy._core.multiarray\x94\x8c\
      \x0c_reconstruct\x94\x93\x94\x8c\x05numpy\x94\x8c\x07ndarray\x94\x93\x94K\x00\x85\x94C\x01b\x94\x87\x94R\x94(K\
      \x01K\x02K\x03\x86\x94h\x05\x8c\x05dtype\x94\x93\x94\x8c\x02u1\x94\x89\x88\x87\x94R\x94(K\x03\x8c\x01|\x94NNNJ\xff\
      \xff\xff\xffJ\xff\xff\xff\xffK\x00t\x94b\x89C\x06\x01\x02\xfa\x00\n'\x94t\x94b\x8c\x06labels\x94]\x94(K\x01M,\x01J\
      \xfe\xff\xff\xffJp\x11\x01\x00e\x8c\x04mean\x94h\x04h\x07K\x00\x85\x94h\x09\x87\x94R\x94(K\x01K\x01\x85\x94h\x0e\
      \x8c\x02f8\x94\x89\x88\x87\x94R\x94(K\x03\x8c\x01<\x94NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00t\x94b\x89C\x08\
      \x00\x00\x00\x00\x00\x00\xe0?\x94t\x94bu.",
];

/// `{'data': array([[1, 2, 250], [0, 10, 39]], uint8), 'labels': [1, 300]}` as Python 2 writes it in protocol 2.
const PYTHON_2: &[u8] =
    b"\x80\x02}q\x00(U\x04dataq\x01cnumpy.core.multiarray\n_reconstruct\nq\x02cnumpy\nndarray\nq\x03K\x00\x85U\x01b\x87R\
      (K\x01K\x02K\x03\x86cnumpy\ndtype\nq\x04U\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\
      \x00tb\x89U\x06\x01\x02\xfa\x00\n'tbU\x06labelsq\x05]q\x06(K\x01M,\x01eu.";

fn read(bytes: &[u8]) -> Result<Pickle<'_>, Error> {
    Pickle::read(Path::new("a.pickle"), bytes)
}

fn error(bytes: &[u8]) -> String {
    read(bytes).unwrap_err().to_string()
}

/// `bytes` with the first `old` replaced.
fn replaced(bytes: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let at = bytes.windows(old.len()).position(|window| window == old).unwrap();
    [&bytes[..at], new, &bytes[at + old.len()..]].concat()
}

#[test]
fn arrays_and_lists_of_every_protocol_are_read() {
    for bytes in PYTHON_3.into_iter().chain([PYTHON_2]) {
        let pickle = read(bytes).unwrap();
        let data = pickle.array("data").unwrap();
        assert_eq!(data.shape, [2, 3]);
        assert_eq!(data.as_bytes(), Some(&[1, 2, 250, 0, 10, 39][..]));
        let labels = pickle.integers("labels").unwrap();
        assert_eq!(labels[..2], [1, 300]);
        assert_eq!(pickle.integers("data").unwrap(), [1, 2, 250, 0, 10, 39]);
    }
    for bytes in PYTHON_3 {
        let pickle = read(bytes).unwrap();
        assert_eq!(pickle.integers("labels").unwrap(), [1, 300, -2, 70_000]);
        let message = pickle.array("mean").unwrap_err().to_string();
        assert!(message.contains("entry \"mean\": found elements of type \"<f8\""), "{message}");
    }
}

#[test]
fn cut_or_added_bytes_are_an_error() {
    for bytes in PYTHON_3.into_iter().chain([PYTHON_2]) {
        for length in 0..bytes.len() {
            let message = error(&bytes[..length]);
            assert!(message.starts_with("a.pickle: byte "), "{message}");
        }
        let message = error(&[bytes, b"."].concat());
        assert!(message.contains("found 1 bytes after the end, expected nothing more"), "{message}");
    }
}

#[test]
fn other_names_are_refused_and_nothing_is_called() {
    let check = |bytes: &[u8], expected: &str| {
        let message = error(bytes);
        assert!(message.contains(expected), "{expected} in {message}");
    };
    check(b"\x80\x02cposix\nsystem\n(U\x04trueq\x01tR.", "byte 2: found the name \"posix.system\"");
    check(b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93.", "found the name \"builtins.eval\"");
    check(b"\x80\x02cnumpy.core.multiarray\nscalar\n.", "\"numpy.core.multiarray.scalar\"");
    check(b"\x80\x02cnumpy\nndarray\n)R.", "found another call, expected a call that makes an array");
    check(b"\x80\x02cnumpy.core.multiarray\n_reconstruct\n)R.", "found another call");
    // INST, OBJ, NEWOBJ, NEWOBJ_EX, EXT1, PERSID and BINPERSID, the other ways to call.
    for instruction in *b"io\x81\x92\x82PQ" {
        let message = error(&[0x80, 2, instruction]);
        let expected = format!("byte 2: found the instruction 0x{instruction:02x}");
        assert!(message.contains(&expected), "{message}");
    }
}

#[test]
fn inconsistent_contents_are_named() {
    let check = |bytes: &[u8], expected: &str| {
        let message = error(bytes);
        assert!(message.contains(expected), "{expected} in {message}");
    };
    check(b"\x80\x05.", "byte 0: found pickle protocol 5, expected 2, 3 or 4");
    check(b"\x80\x02]K\x01s.", "found an empty stack");
    check(b"\x80\x02}K\x01K\x02a.", "expected a list to append to");
    check(b"\x80\x02](K\x01u.", "a key without a value");
    check(b"\x80\x02].", "the whole file: found another kind of value, expected a dictionary");
    check(b"\x80\x02}(.", "found an empty stack");
    check(b"\x80\x02}e.", "found no mark");
    check(b"\x80\x02h\x07.", "found the key 7");
    check(b"\x80\x02\x8a\x09aaaaaaaaa.", "an integer of 9 bytes");
    check(b"\x80\x02X\xff\xff\xff\xff", "0 bytes after an instruction that needs 4294967295");
    check(b"\x80\x02\x8e\xff\xff\xff\xff\xff\xff\xff\xff", "0 bytes after an instruction that needs");
    check(&replaced(PYTHON_2, b"\x89U\x06", b"\x88U\x06"), "an array in Fortran order");
    check(&replaced(PYTHON_2, b"K\x02K\x03\x86", b"K\x02N\x86"), "found another shape");

    let shape = replaced(PYTHON_2, b"K\x02K\x03\x86", b"K\x02J\xff\xff\xff\x7f\x86");
    let message = read(&shape).unwrap().array("data").unwrap_err().to_string();
    assert!(message.contains("found 6 bytes, expected the bytes that the shape [2, 2147483647]"), "{message}");
    let pickle = read(PYTHON_2).unwrap();
    let message = pickle.array("labels").unwrap_err().to_string();
    assert!(message.contains("entry \"labels\": found another kind of object, expected an array"), "{message}");
    let message = pickle.array("other").unwrap_err().to_string();
    assert!(message.contains("entry \"other\": found no such entry"), "{message}");
    let labels = replaced(PYTHON_2, b"(K\x01M", b"(NM");
    let message = read(&labels).unwrap().integers("labels").unwrap_err().to_string();
    assert!(message.contains("found something else at index 0, expected an integer"), "{message}");
}

#[test]
fn stack_marks_objects_and_memo_are_bounded() {
    let check = |repeated: &[u8], expected: &str| {
        let message = error(&[&b"\x80\x02"[..], &repeated.repeat(70_000)].concat());
        assert!(message.contains(expected), "{expected} in {message}");
    };
    check(b"N", "found more than 65536 values on the stack");
    check(b"(", "found more than 65536 marks");
    check(b"(]t", "found more than 65536 objects");
    check(b"(N\x94t", "found more than 65536");
    // 1,000 bytes of text, converted to bytes a hundred times.
    let once = [&b"\x80\x02c_codecs\nencode\nq\x00X\xe8\x03\x00\x00"[..], &[b'a'; 1000], b"q\x01"].concat();
    let again = b"h\x00h\x01U\x06latin1\x86R".repeat(100);
    let message = error(&[once, again].concat());
    assert!(message.contains("more text to convert to bytes than the file holds"), "{message}");
}

#[test]
fn a_tuple_is_not_copied_for_each_instruction_that_reads_it() {
    let mut bytes = b"\x80\x02cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|".to_vec();
    bytes.extend([b'N'; 60_000]);
    bytes.extend(b"tq\x01b");
    // The same state many times. With copies this takes a minute.
    bytes.extend(b"h\x01b".repeat(300_000));
    bytes.extend(b"}.");
    assert!(error(&bytes[..bytes.len() - 2]).contains("a longer file"));
    assert!(read(&bytes).unwrap().entries.is_empty());
}

proptest! {
    #[test]
    fn damaged_bytes_never_panic(
        which in 0_usize..3,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = PYTHON_3[which].to_vec();
        for (index, byte) in changes {
            let length = bytes.len();
            bytes[index.index(length)] = byte;
        }
        if let Ok(pickle) = read(&bytes) {
            for name in ["data", "labels", "mean"] {
                let _ = (pickle.array(name).is_ok(), pickle.integers(name).is_ok());
            }
        }
    }
}
