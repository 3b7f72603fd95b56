//! Printing for all programs: [`outln!`](crate::outln), [`errln!`](crate::errln) and their kin.
//!
//! xtask includes this file by its path, because it links no other package.
//!
//! A program goes on when nobody reads its output, so a closed pipe ends no run. Any other fault of standard output,
//! such as a full disk, is an error at the end; see [`check`]. Files and servers supply a part of the text. Its control
//! characters could control the terminal, and its addresses could hold passwords. Both are replaced.

use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::sync::Mutex;

/// The first fault of standard output, apart from a closed pipe.
static FAULT: Mutex<Option<io::Error>> = Mutex::new(None);

/// Prints on standard output, in place of `print!`.
#[macro_export]
macro_rules! out {
    ($($text:tt)*) => { $crate::terminal::out(format_args!($($text)*)) };
}

/// Prints a line on standard output, in place of `println!`.
#[macro_export]
macro_rules! outln {
    () => { $crate::terminal::out(format_args!("\n")) };
    ($($text:tt)*) => { $crate::terminal::out(format_args!("{}\n", format_args!($($text)*))) };
}

/// Prints on standard error, in place of `eprint!`.
#[macro_export]
macro_rules! err {
    ($($text:tt)*) => { $crate::terminal::err(format_args!($($text)*)) };
}

/// Prints a line on standard error, in place of `eprintln!`.
#[macro_export]
macro_rules! errln {
    ($($text:tt)*) => { $crate::terminal::err(format_args!("{}\n", format_args!($($text)*))) };
}

/// Prints on standard output; see [`outln!`](crate::outln).
pub fn out(text: fmt::Arguments<'_>) {
    let mut stream = io::stdout().lock();
    let written = stream.write_all(printable(text).as_bytes()).and_then(|()| stream.flush());
    if let Some(fault) = written.err().filter(|fault| fault.kind() != ErrorKind::BrokenPipe) {
        FAULT.lock().expect("no thread panicked").get_or_insert(fault);
    }
}

/// Prints on standard error; see [`errln!`](crate::errln). A fault of it cannot be reported anywhere.
pub fn err(text: fmt::Arguments<'_>) {
    let _ = io::stderr().write_all(printable(text).as_bytes());
}

/// Checks at the end of a program that its standard output was written, unless the reader left.
///
/// # Errors
/// The first fault.
pub fn check() -> io::Result<()> {
    match FAULT.lock().expect("no thread panicked").take() {
        Some(fault) => Err(io::Error::new(fault.kind(), format!("standard output: cannot be written: {fault}"))),
        None => Ok(()),
    }
}

fn printable(text: fmt::Arguments<'_>) -> String {
    redacted(&escape(&text.to_string(), &['\n', '\t']))
}

/// The text without control characters, in one line. They are escaped as in JSON.
pub fn escaped(text: &str) -> String {
    escape(text, &[])
}

fn escape(text: &str, kept: &[char]) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character.is_control() && !kept.contains(&character) {
            true => shown.push_str(&format!("\\u{:04x}", u32::from(character))),
            false => shown.push(character),
        }
    }
    shown
}

/// The text without the secrets of its addresses: `http://***@host/path?***` stands for an address with a password and
/// a query. The name of an object, `s3://BUCKET/KEY`, holds no secret.
pub fn redacted(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        let is_end = |c: char| c.is_whitespace() || c.is_control() || "\"<>`\\".contains(c);
        let (mut address, more) = after.split_at(after.find(is_end).unwrap_or(after.len()));
        shown.push_str(before);
        shown.push_str("://");
        let mut query = "";
        if !before.ends_with("s3") {
            if let Some((path, _)) = address.split_once('?') {
                (address, query) = (path, "?***");
            }
            if let Some((_, host)) = address.rsplit_once('@') {
                shown.push_str("***@");
                address = host;
            }
        }
        shown.push_str(address);
        shown.push_str(query);
        rest = more;
    }
    shown + rest
}

/// Whether the end of the terminal, which sends SIGHUP, would end this process. Under `nohup` it would not. Systems
/// other than Linux have no such file; the signal keeps its effect there.
pub fn ends_with_terminal() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // The lowest bit stands for SIGHUP.
    ignored.is_some_and(|mask| mask & 1 == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(escaped("a\u{1b}[31mb\r\n\u{9b}τ"), "a\\u001b[31mb\\u000d\\u000a\\u009bτ");
        assert_eq!(printable(format_args!("a\n\tb\u{7}\n")), "a\n\tb\\u0007\n");
    }

    #[test]
    fn secrets_of_addresses_are_hidden() {
        for (text, expected) in [
            ("https://me:pass@host:1/a?key=1#b: refused", "https://***@host:1/a?*** refused"),
            ("bad uri: http://me:p/a@ss@host/", "bad uri: http://***@host/"),
            ("{\"a\":\"http://h/?t=1\",\"b\":2}", "{\"a\":\"http://h/?***\",\"b\":2}"),
            ("s3://bucket/a@b?c and http://host/ and more", "s3://bucket/a@b?c and http://host/ and more"),
            ("http://u@a http://v@b", "http://***@a http://***@b"),
            ("no address: a@b?c", "no address: a@b?c"),
        ] {
            assert_eq!(redacted(text), expected);
        }
    }
}
