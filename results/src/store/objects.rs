//! Objects in a store that speaks the protocol of S3.
//!
//! Address and credentials of the store come from the variables of Amazon's own tools: `AWS_ACCESS_KEY_ID`,
//! `AWS_SECRET_ACCESS_KEY` and `AWS_REGION`. `AWS_ENDPOINT_URL` names a store elsewhere. `AWS_ALLOW_HTTP=true` permits
//! a store without TLS. On a machine of Amazon's, the rights of the machine are enough.

use std::collections::HashMap;
use std::future::Future;
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex, OnceLock};

use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey};
use object_store::path::Path as Key;
use object_store::{ClientConfigKey, ObjectStore, ObjectStoreExt};
use tokio::runtime::Runtime;

use crate::terminal::redacted;

/// An object, or a substitute for a folder: all objects whose keys begin alike.
pub(crate) struct Object {
    bucket: Arc<AmazonS3>,
    key: Key,
}

impl Object {
    /// Parses a text `BUCKET/KEY`.
    ///
    /// # Errors
    /// If the bucket is missing, if some stores would refuse the key, or if the settings of the store contradict each other.
    pub fn new(text: &str) -> io::Result<Self> {
        let invalid = |problem: String| io::Error::new(ErrorKind::InvalidInput, problem);
        let (name, key) = text.split_once('/').unwrap_or((text, ""));
        if name.is_empty() {
            return Err(invalid("expected s3://BUCKET/PREFIX".to_owned()));
        }
        let key = Key::parse(key.trim_end_matches('/'));
        let key = key.map_err(|error| invalid(format!("expected s3://BUCKET/PREFIX: {error}")))?;
        let bucket = bucket(name)?;
        Ok(Self { bucket, key })
    }

    pub fn read(&self) -> io::Result<Vec<u8>> {
        wait(async { Ok(self.bucket.get(&self.key).await?.bytes().await?.into()) })
    }

    pub fn exists(&self) -> io::Result<bool> {
        match wait(self.bucket.head(&self.key)) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Writes the object, which appears only once it is complete.
    pub fn write(&self, bytes: &[u8]) -> io::Result<()> {
        wait(self.bucket.put(&self.key, bytes.to_vec().into()))?;
        Ok(())
    }

    pub fn remove(&self) -> io::Result<()> {
        wait(self.bucket.delete(&self.key))
    }

    /// Lists the names one level down, each with whether more lies below it.
    pub fn list(&self) -> io::Result<Vec<(String, bool)>> {
        let listed = wait(self.bucket.list_with_delimiter(Some(&self.key)))?;
        let folders = listed.common_prefixes.iter().map(|key| (key, true));
        let objects = listed.objects.iter().map(|object| (&object.location, false));
        let name = |(key, is_folder): (&Key, bool)| Some((key.filename()?.to_owned(), is_folder));
        Ok(folders.chain(objects).filter_map(name).collect())
    }
}

/// Returns the bucket of a name. It is the same object each time, so it keeps its connections.
fn bucket(name: &str) -> io::Result<Arc<AmazonS3>> {
    static KNOWN: Mutex<Option<HashMap<String, Arc<AmazonS3>>>> = Mutex::new(None);
    let mut known = KNOWN.lock().expect("no thread panicked");
    let known = known.get_or_insert_default();
    if let Some(bucket) = known.get(name) {
        return Ok(bucket.clone());
    }
    let builder = AmazonS3Builder::from_env().with_bucket_name(name);
    // A checkpoint of the paper's size takes longer than the default limit of half a minute for a request.
    let bucket = builder.with_config(AmazonS3ConfigKey::Client(ClientConfigKey::Timeout), "10 minutes").build();
    let bucket =
        Arc::new(bucket.map_err(|error| io::Error::new(ErrorKind::InvalidInput, in_a_line(&error.to_string())))?);
    known.insert(name.to_owned(), bucket.clone());
    Ok(bucket)
}

/// Waits for an answer of the store. Requests that fail because of the network are repeated for up to three minutes.
fn wait<T>(answer: impl Future<Output = object_store::Result<T>>) -> io::Result<T> {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(1).enable_all().build().expect("a thread can be started")
    });
    runtime.block_on(answer).map_err(|error| {
        let kind = match &error {
            object_store::Error::NotFound { .. } => ErrorKind::NotFound,
            object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. } => {
                ErrorKind::PermissionDenied
            }
            _ => ErrorKind::Other,
        };
        io::Error::new(kind, in_a_line(&error.to_string()))
    })
}

/// Describes an error in one line: in the words of the store if the error contains its answer, otherwise in full. The
/// address of the store may hold a password, which is left out.
fn in_a_line(error: &str) -> String {
    let tag = |name: &str| {
        let (_, rest) = error.split_once(&format!("<{name}>"))?;
        Some(rest.split_once(&format!("</{name}>"))?.0)
    };
    match (tag("Code"), tag("Message")) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        _ => redacted(&error.split_whitespace().collect::<Vec<_>>().join(" ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_line_whatever_the_store_answers() {
        let answer = "PUT http://a/b - 404 Not Found: <?xml version=\"1.0\"?>\n<Error><Code>NoSuchBucket</Code><Message>There \
                      is none</Message></Error>\n";
        assert_eq!(in_a_line(answer), "NoSuchBucket: There is none");
        assert_eq!(in_a_line("error sending\n  request"), "error sending request");
        assert_eq!(in_a_line("<Code>cut"), "<Code>cut");
        assert_eq!(in_a_line("PUT\nhttp://me:pass@host/b failed"), "PUT http://***@host/b failed");
    }
}
