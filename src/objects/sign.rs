//! Signatures of requests by Amazon's version 4 ("Authenticating Requests: Using the Authorization Header", Amazon S3 API
//! reference): a keyed hash of method, path, query, headers and body. The key itself is never sent.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use super::date;

/// Bytes of a block of SHA-256 (FIPS 180-4).
const BLOCK: usize = 64;

/// Who signs. Never printed.
pub(super) struct Keys {
    pub(super) id: String,
    pub(super) secret: String,
    pub(super) token: Option<String>,
}

/// What is signed. Path and query are percent-encoded, the query's parameters in order.
pub(super) struct Unsigned<'a> {
    pub(super) method: &'a str,
    pub(super) host: &'a str,
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    /// Names in lower case.
    pub(super) headers: Vec<(&'a str, &'a str)>,
    pub(super) body: &'a [u8],
}

impl Keys {
    /// The headers that sign the request, at `seconds` since the Unix epoch, besides those that it has.
    pub(super) fn sign(&self, unsigned: &Unsigned<'_>, region: &str, seconds: i64) -> Vec<(&'static str, String)> {
        let (moment, body) = (date::basic(seconds), hex(&Sha256::digest(unsigned.body)));
        let day = moment.get(..8).unwrap_or_default();
        let mut own = vec![("x-amz-content-sha256", body.clone()), ("x-amz-date", moment.clone())];
        own.extend(self.token.clone().map(|token| ("x-amz-security-token", token)));
        let mut headers: Vec<(&str, &str)> = own.iter().map(|(name, value)| (*name, value.as_str())).collect();
        headers.extend(unsigned.headers.iter().copied().chain([("host", unsigned.host)]));
        headers.sort_unstable();
        let names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
        let (names, mut canonical) = (names.join(";"), String::new());
        for (name, value) in &headers {
            let _ = writeln!(canonical, "{name}:{}", value.trim());
        }
        let Unsigned { method, path, query, .. } = unsigned;
        let request = format!("{method}\n{path}\n{query}\n{canonical}\n{names}\n{body}");
        let scope = format!("{day}/{region}/s3/aws4_request");
        let signed = format!("AWS4-HMAC-SHA256\n{moment}\n{scope}\n{}", hex(&Sha256::digest(request.as_bytes())));
        let start = keyed(format!("AWS4{}", self.secret).as_bytes(), day.as_bytes());
        let key = [region, "s3", "aws4_request"].iter().fold(start, |key, part| keyed(&key, part.as_bytes()));
        let signature = hex(&keyed(&key, signed.as_bytes()));
        let id = &self.id;
        let said = format!("AWS4-HMAC-SHA256 Credential={id}/{scope},SignedHeaders={names},Signature={signature}");
        own.push(("authorization", said));
        own
    }
}

/// HMAC-SHA256 (RFC 2104).
fn keyed(key: &[u8], message: &[u8]) -> [u8; 32] {
    let short: [u8; 32];
    let key = if key.len() > BLOCK {
        short = Sha256::digest(key).into();
        &short[..]
    } else {
        key
    };
    let mut padded = [0_u8; BLOCK];
    padded.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    let inner = Sha256::new().chain_update(padded.map(|byte| byte ^ 0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(padded.map(|byte| byte ^ 0x5c)).chain_update(inner).finalize().into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 24 May 2013, the day of Amazon's examples.
    const THEN: i64 = 1_369_353_600;

    fn signature(unsigned: &Unsigned<'_>) -> String {
        let keys = Keys {
            id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned(),
            token: None,
        };
        let headers = keys.sign(unsigned, "us-east-1", THEN);
        headers.last().unwrap().1.rsplit_once("Signature=").unwrap().1.to_owned()
    }

    #[test]
    fn requests_are_signed_as_in_amazons_own_examples() {
        let plain = || Unsigned {
            method: "GET",
            host: "examplebucket.s3.amazonaws.com",
            path: "/test.txt",
            query: "",
            headers: vec![("range", "bytes=0-9")],
            body: b"",
        };
        assert_eq!(signature(&plain()), "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
        let put = Unsigned {
            method: "PUT",
            path: "/test%24file.text",
            headers: vec![("date", "Fri, 24 May 2013 00:00:00 GMT"), ("x-amz-storage-class", "REDUCED_REDUNDANCY")],
            body: b"Welcome to Amazon S3.",
            ..plain()
        };
        assert_eq!(signature(&put), "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
        let list = Unsigned { path: "/", query: "max-keys=2&prefix=J", headers: Vec::new(), ..plain() };
        assert_eq!(signature(&list), "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
    }

    #[test]
    fn keyed_hashes_are_those_of_rfc_4231() {
        let two = keyed(b"Jefe", b"what do ya want for nothing?");
        assert_eq!(hex(&two), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        let six = keyed(&[0xaa; 131], b"Test Using Larger Than Block-Size Key - Hash Key First");
        assert_eq!(hex(&six), "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    }

    #[test]
    fn a_token_is_signed_and_sent() {
        let keys = Keys { id: "a".into(), secret: "b".into(), token: Some("c".into()) };
        let unsigned = Unsigned { method: "GET", host: "h", path: "/", query: "", headers: Vec::new(), body: b"" };
        let headers = keys.sign(&unsigned, "r", THEN);
        assert!(headers.contains(&("x-amz-security-token", "c".to_owned())), "{headers:?}");
        assert!(
            headers
                .last()
                .unwrap()
                .1
                .contains("SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token,")
        );
    }
}
