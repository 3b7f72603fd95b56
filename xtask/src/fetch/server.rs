//! A server for the tests: one file on a port of this machine, with the faults that a server can have.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// The file of the server, and its behaviour.
#[derive(Clone, Default)]
pub struct Behaviour {
    pub body: Vec<u8>,
    /// Identifies this state of the file; a resumed download asks for it. The server sends none if this is empty.
    pub etag: &'static str,
    /// Sends the whole file whatever part is asked for.
    pub ignores_ranges: bool,
    /// Sends the requested part even if it is from another file, and does not say which file that is.
    pub ignores_conditions: bool,
    /// Closes the connection after this many bytes of the body.
    pub cut_after: Option<usize>,
    /// Falls silent instead of closing the connection, until the client closes it.
    pub stalls: bool,
    /// Announces this length instead of the true one.
    pub announced: Option<usize>,
    /// Announces no length at all.
    pub unannounced: bool,
    /// Answers with this instead of the file, such as `404 Not Found`.
    pub status: Option<&'static str>,
    /// Sends requests for any other path here.
    pub redirect_to: Option<&'static str>,
}

/// A running server. It ends with the test's process.
pub struct Server {
    pub url: String,
    behaviour: Arc<Mutex<Behaviour>>,
    /// The first byte that each request asked for.
    starts: Arc<Mutex<Vec<usize>>>,
}

impl Server {
    pub fn start(behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let url = format!("http://{}/file", listener.local_addr().expect("it is bound"));
        let behaviour = Arc::new(Mutex::new(behaviour));
        let starts = Arc::default();
        let (of_thread, log) = (Arc::clone(&behaviour), Arc::clone(&starts));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let behaviour = of_thread.lock().expect("no test panics with it").clone();
                // The server does not care about a client that is gone.
                let _ = answer(stream.expect("it listens"), &behaviour, &log);
            }
        });
        Self { url, behaviour, starts }
    }

    /// Changes the behaviour of the server from now on.
    pub fn change(&self, change: impl FnOnce(&mut Behaviour)) {
        change(&mut self.behaviour.lock().expect("the server does not panic with it"));
    }

    /// The first byte that each request since the last call asked for.
    pub fn starts(&self) -> Vec<usize> {
        std::mem::take(&mut *self.starts.lock().expect("the server does not panic with it"))
    }
}

fn answer(mut stream: TcpStream, behaviour: &Behaviour, starts: &Mutex<Vec<usize>>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let request = lines.next().unwrap_or(Ok(String::new()))?;
    let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
    let (mut from, mut condition) = (None, None);
    for line in lines {
        let line = line?;
        let Some((name, value)) = line.split_once(": ") else {
            break;
        };
        match name.to_ascii_lowercase().as_str() {
            "range" => from = value.trim_start_matches("bytes=").trim_end_matches('-').parse().ok(),
            "if-range" => condition = Some(value.to_owned()),
            _ => {}
        }
    }
    starts.lock().expect("no test panics with it").push(from.unwrap_or(0));
    if let Some(place) = behaviour.redirect_to.filter(|place| path != *place) {
        return write!(
            stream,
            "HTTP/1.1 302 Found\r\nLocation: {place}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
    }
    if let Some(status) = behaviour.status {
        return write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    }
    let total = behaviour.body.len();
    let holds = behaviour.ignores_conditions || condition.is_none_or(|condition| condition == behaviour.etag);
    let from = from.filter(|_| holds && !behaviour.ignores_ranges);
    match from {
        None => write!(stream, "HTTP/1.1 200 OK\r\n")?,
        Some(from) if from >= total => {
            return write!(
                stream,
                "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            );
        }
        Some(from) => {
            write!(stream, "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {from}-{}/{total}\r\n", total - 1)?
        }
    }
    let body = &behaviour.body[from.unwrap_or(0)..];
    if !behaviour.unannounced {
        write!(stream, "Content-Length: {}\r\n", behaviour.announced.unwrap_or(body.len()))?;
    }
    if !behaviour.etag.is_empty() && !behaviour.ignores_conditions {
        write!(stream, "ETag: {}\r\n", behaviour.etag)?;
    }
    write!(stream, "Connection: close\r\n\r\n")?;
    stream.write_all(&body[..behaviour.cut_after.unwrap_or(body.len()).min(body.len())])?;
    if behaviour.stalls {
        stream.read_to_end(&mut Vec::new())?;
    }
    Ok(())
}
