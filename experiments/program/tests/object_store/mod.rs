//! A store that speaks the protocol of S3, on this machine: `moto_server` of the package `moto[server]` from PyPI.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

/// A store with one bucket, `bucket`, which stops when this value is dropped.
pub struct ObjectStore {
    server: Child,
    address: String,
}

impl ObjectStore {
    /// Starts the store. Prints a line and returns `None` if the server is not installed.
    pub fn start() -> Option<Self> {
        let mut command = Command::new("moto_server");
        // The server chooses a free port and prints it.
        command.args(["-p", "0"]).stdout(Stdio::null()).stderr(Stdio::piped());
        let Ok(mut server) = command.spawn() else {
            eprintln!("skipped: `moto_server` is not installed");
            return None;
        };
        let mut lines = BufReader::new(server.stderr.take().unwrap()).lines().map(Result::unwrap);
        let address = lines.find_map(|line| Some(line.split_once("http://")?.1.to_owned()));
        // The server prints each request, and would block if nobody read the lines.
        std::thread::spawn(|| lines.for_each(drop));
        let address = address.expect("it says where it listens").trim().to_owned();
        let store = Self { server, address };
        store.request("PUT", "/bucket", b"");
        Some(store)
    }

    /// Lets a command use the store.
    pub fn known_to<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .env("AWS_ENDPOINT_URL", format!("http://{}", self.address))
            .env("AWS_ALLOW_HTTP", "true")
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_REGION", "us-east-1")
    }

    /// Keys of all objects, in order.
    pub fn keys(&self) -> Vec<String> {
        let listing = String::from_utf8(self.request("GET", "/bucket?list-type=2", b"")).unwrap();
        assert!(listing.contains("<IsTruncated>false"), "{listing}");
        let keys = listing.split("<Key>").skip(1);
        keys.map(|text| text.split_once("</Key>").unwrap().0.to_owned()).collect()
    }

    pub fn get(&self, key: &str) -> Vec<u8> {
        self.request("GET", &format!("/bucket/{key}"), b"")
    }

    pub fn put(&self, key: &str, bytes: &[u8]) {
        self.request("PUT", &format!("/bucket/{key}"), bytes);
    }

    pub fn delete(&self, key: &str) {
        self.request("DELETE", &format!("/bucket/{key}"), b"");
    }

    fn request(&self, method: &str, path: &str, body: &[u8]) -> Vec<u8> {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let (address, length) = (&self.address, body.len());
        let head = format!(
            "{method} {path} HTTP/1.0\r\nHost: {address}\r\nAuthorization: AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request\r\n\
             Content-Length: {length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
        let head = String::from_utf8_lossy(&answer[..end]);
        assert!(head.split(' ').nth(1).is_some_and(|status| status.starts_with('2')), "{method} {path}: {head}");
        answer.split_off(end + 4)
    }
}

impl Drop for ObjectStore {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
