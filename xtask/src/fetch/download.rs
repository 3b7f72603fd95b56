//! Downloads one file, and resumes an earlier download if the file on the server is still the same.
//!
//! `archive.part` holds the bytes that have arrived so far, and `archive.part.json` identifies their file. The download starts
//! again if there is no such identity. It also does if the server no longer has that file or cannot send a part of it.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use ureq::http::{Response, StatusCode};
use ureq::{Agent, Body};

use super::{bytes_bar, open_to_write};
use crate::checks::tables::write_atomically;
use crate::outln;
use crate::terminal::redacted;

/// Time that a server may be silent in the middle of a download. Its tests need not wait as long.
const PATIENCE: Duration = Duration::from_secs(if cfg!(test) { 2 } else { 60 });

/// The identity of a file on a server.
#[derive(PartialEq)]
struct Origin {
    /// The address without its secrets, because everyone may read the file that stores it.
    url: String,
    etag: Option<String>,
    last_modified: Option<String>,
}

impl Origin {
    fn of(url: &str, response: &Response<Body>) -> Self {
        Self { url: redacted(url), etag: header(response, "ETag"), last_modified: header(response, "Last-Modified") }
    }

    /// The identity that an earlier call stored; `None` if there is none or it is not whole.
    fn read(path: &Path) -> Option<Self> {
        let stored: Value = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
        let text = |key: &str| stored[key].as_str().map(str::to_owned);
        Some(Self { url: text("url")?, etag: text("etag"), last_modified: text("last_modified") })
    }

    fn write(&self, path: &Path) -> Result<()> {
        let stored = json!({"url": self.url, "etag": self.etag, "last_modified": self.last_modified});
        write_atomically(path, stored.to_string().as_bytes())
    }

    /// A value by which a server can tell whether it still has the same file, byte for byte. A weak ETag does not promise that.
    fn validator(&self) -> Option<&str> {
        let strong = self.etag.as_deref().filter(|etag| !etag.starts_with("W/"));
        strong.or(self.last_modified.as_deref())
    }
}

/// Downloads `url` into the folder `work`, which must exist, and returns the path of the file of `expected` bytes.
///
/// # Errors
/// A server that cannot be reached or has no such file, or a connection that breaks. Another number of bytes, or a folder that
/// cannot be written.
pub fn download(url: &str, expected: u64, work: &Path) -> Result<PathBuf> {
    let archive = work.join("archive");
    if archive.is_file() {
        return Ok(archive);
    }
    let partial_path = work.join("archive.part");
    let origin_path = work.join("archive.part.json");
    let context = || format!("{}: cannot be written", partial_path.display());
    let mut partial = open_to_write(&partial_path)?;

    let here = partial.metadata().with_context(context)?.len();
    let earlier =
        Origin::read(&origin_path).filter(|origin| origin.url == redacted(url) && (1..=expected).contains(&here));
    if earlier.is_none() || here < expected {
        let validator = earlier.as_ref().and_then(Origin::validator);
        let mut response = request(url, validator.map(|validator| (here, validator)))?;
        let resumes = earlier.is_some_and(|earlier| continues(&response, &earlier, here, expected));
        if matches!(response.status(), StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE) && !resumes {
            response = request(url, None)?;
        }
        let start = if resumes { here } else { 0 };
        if !resumes {
            check_whole(url, &response, expected)?;
            partial.set_len(0).with_context(context)?;
            Origin::of(url, &response).write(&origin_path)?;
        }
        partial.seek(SeekFrom::Start(start)).with_context(context)?;
        receive(url, response, &mut partial, start, expected).with_context(|| url.to_owned())?;
    }
    partial.sync_all().with_context(context)?;
    fs::rename(&partial_path, &archive).with_context(|| format!("{}: cannot be made", archive.display()))?;
    Ok(archive)
}

/// Requests a file, or its bytes from a position on if the file still matches the validator.
fn request(url: &str, from: Option<(u64, &str)>) -> Result<Response<Body>> {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .timeout_connect(Some(Duration::from_secs(30)))
        .timeout_recv_response(Some(PATIENCE))
        .timeout_per_read(Some(PATIENCE))
        .build();
    // A file that is compressed for the transfer would have other positions and another length.
    let mut request = Agent::from(config).get(url).header("Accept-Encoding", "identity");
    if let Some((position, validator)) = from {
        request = request.header("Range", format!("bytes={position}-"));
        request = request.header("If-Range", validator);
    }
    let cause = |error| match error {
        // The text of the other kind begins with `io: `.
        ureq::Error::Io(cause) => anyhow::Error::from(cause),
        other => other.into(),
    };
    request.call().map_err(cause).with_context(|| format!("{url}: the server does not answer"))
}

/// Whether a response is the rest of the file whose first bytes are here.
fn continues(response: &Response<Body>, earlier: &Origin, here: u64, expected: u64) -> bool {
    let range = format!("bytes {here}-{}/{expected}", expected - 1);
    let now = Origin::of(&earlier.url, response);
    // A server need not repeat its earlier answer, but it must not contradict it.
    let agrees = |now: &Option<String>, earlier: &Option<String>| now.is_none() || now == earlier;
    response.status() == StatusCode::PARTIAL_CONTENT
        && header(response, "Content-Range").as_deref() == Some(&range)
        && agrees(&now.etag, &earlier.etag)
        && agrees(&now.last_modified, &earlier.last_modified)
}

fn check_whole(url: &str, response: &Response<Body>, expected: u64) -> Result<()> {
    let status = response.status();
    ensure!(status == StatusCode::OK, "{url}: the server answered {status}, expected the archive");
    let announced = header(response, "Content-Length").and_then(|length| length.parse::<u64>().ok());
    if let Some(announced) = announced {
        ensure!(
            announced == expected,
            "{url}: the server announces {announced} bytes, expected the archive of {expected}"
        );
    }
    Ok(())
}

/// Writes the bytes that arrive, until the file is complete.
fn receive(url: &str, response: Response<Body>, partial: &mut File, start: u64, expected: u64) -> Result<()> {
    outln!("{url}: {expected} bytes, {start} already downloaded");
    let bar = bytes_bar(expected);
    bar.set_position(start);
    // Without this, the speed would count the bytes that were here before.
    bar.reset_eta();
    let mut body = response.into_body().into_reader();
    let mut buffer = vec![0; 1 << 16];
    let mut here = start;
    loop {
        let n = match body.read(&mut buffer) {
            Ok(n) => n,
            Err(error) => {
                return Err(error).with_context(|| {
                    format!(
                        "the connection broke after {here} of {expected} bytes; the same command resumes the download"
                    )
                });
            }
        };
        if n == 0 {
            break;
        }
        here += n as u64;
        if here > expected {
            // If a file is too long, no part of it is worth keeping.
            partial.set_len(0).context("the part cannot be removed")?;
            bail!("the server sends more than the expected {expected} bytes");
        }
        partial.write_all(&buffer[..n]).context("the downloaded bytes cannot be written")?;
        bar.set_position(here);
    }
    bar.finish_and_clear();
    ensure!(
        here == expected,
        "the download ended after {here} of {expected} bytes; the same command resumes the download"
    );
    Ok(())
}

fn header(response: &Response<Body>, name: &str) -> Option<String> {
    Some(response.headers().get(name)?.to_str().ok()?.to_owned())
}
