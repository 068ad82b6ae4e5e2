//! Between `file:` URIs and paths (RFC 8089), byte for byte: nothing is normalised, nothing is guessed.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// The absolute path that `uri` names; `None` for another scheme, another host, a path that is not absolute,
/// a broken escape or a NUL byte.
#[must_use]
pub fn path_of(uri: &str) -> Option<PathBuf> {
    let (scheme, rest) = uri.split_once(':')?;
    if !scheme.eq_ignore_ascii_case("file") {
        return None;
    }
    let path = match rest.strip_prefix("//") {
        Some(with_host) => {
            let (host, _) = with_host.split_once('/')?;
            if !host.is_empty() && !host.eq_ignore_ascii_case("localhost") {
                return None;
            }
            with_host.get(host.len()..)?
        }
        None => rest,
    };
    let path = path.split(['?', '#']).next().unwrap_or(path);
    let bytes = decode(path.as_bytes())?;
    (bytes.first() == Some(&b'/') && !bytes.contains(&0)).then(|| PathBuf::from(OsString::from_vec(bytes)))
}

/// The `file:` URI of an absolute path.
#[must_use]
pub fn uri_of(path: &Path) -> String {
    let mut uri = "file://".to_owned();
    escape(path.as_os_str().as_bytes(), &mut uri);
    uri
}

/// Adds `path` as the path of a URI has it (RFC 3986, "Percent-Encoding").
pub fn escape(path: &[u8], uri: &mut String) {
    for byte in path {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'.' | b'_' | b'~' => uri.push(char::from(*byte)),
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
}

fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => hex(*rest.next()?)? * 16 + hex(*rest.next()?)?,
            plain => *plain,
        });
    }
    Some(bytes)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// A path for people, whatever its bytes.
#[must_use]
pub fn shown(path: &Path) -> String {
    OsStr::to_string_lossy(path.as_os_str()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_what_editors_write() {
        for (uri, path) in [
            ("file:///a/b.rs", "/a/b.rs"),
            ("FILE://localhost/a", "/a"),
            ("file:/a", "/a"),
            ("file:///a%20b/%23%25%C3%A9.rs", "/a b/#%é.rs"),
            ("file:///c%3A/x", "/c:/x"),
        ] {
            assert_eq!(path_of(uri).as_deref(), Some(Path::new(path)), "{uri}");
        }
    }

    #[test]
    fn refuses_what_names_no_file_here() {
        for uri in [
            "untitled:Untitled-1",
            "file://host/a",
            "file:a",
            "file://",
            "file:///a%2",
            "file:///a%zz",
            "file:///a%00b",
            "",
        ] {
            assert_eq!(path_of(uri), None, "{uri}");
        }
    }

    proptest! {
        #[test]
        fn every_path_comes_back(bytes in proptest::collection::vec(1u8.., 0..40)) {
            let path = PathBuf::from(OsString::from_vec([b"/".as_slice(), &bytes].concat()));
            let uri = uri_of(&path);
            let kept = |byte: u8| byte.is_ascii_alphanumeric() || b":/-._~%".contains(&byte);
            prop_assert!(uri.bytes().all(kept), "{}", uri);
            prop_assert_eq!(path_of(&uri), Some(path));
        }
    }
}
