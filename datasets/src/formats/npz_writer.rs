//! Writes arrays as numpy stores them, and `.npz` files of them.

use std::io::{Cursor, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// Why writing cannot fail.
const IN_MEMORY: &str = "a file in memory takes all bytes";

/// An array in numpy's format, from numpy's name of its type, its shape as in Python without brackets, and its bytes in C order.
pub(crate) fn npy(descr: &str, shape: &str, bytes: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}\n");
    let length = (header.len() as u16).to_le_bytes();
    [&b"\x93NUMPY\x01\x00"[..], &length, header.as_bytes(), bytes].concat()
}

/// A zip archive of these arrays, compressed. It holds no time, so equal arrays give equal bytes.
pub(crate) fn npz(arrays: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in arrays {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        let options = options.large_file(u32::try_from(bytes.len()).is_err());
        writer.start_file(format!("{name}.npy"), options).expect(IN_MEMORY);
        writer.write_all(bytes).expect(IN_MEMORY);
    }
    writer.finish().expect(IN_MEMORY).into_inner()
}
