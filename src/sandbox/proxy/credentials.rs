//! What a command shows to use its proxy: a name and a password that no other command has.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

const USER: &str = "tagout";

/// A fresh password, and what is compared with it without its taking longer the more of it fits.
#[derive(Clone)]
pub(super) struct Credentials {
    password: String,
    basic: blake3::Hash,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Credentials")
    }
}

impl Credentials {
    /// Makes some of 192 random bits.
    pub(super) fn fresh() -> io::Result<Self> {
        let mut random = [0_u8; 24];
        File::open("/dev/urandom")?.read_exact(&mut random)?;
        let password: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let basic = hash(STANDARD.encode(format!("{USER}:{password}")).as_bytes());
        Ok(Self { password, basic })
    }

    /// As a URL has them before the host.
    pub(super) fn in_url(&self) -> String {
        format!("{USER}:{}", self.password)
    }

    /// Whether the value of a `Proxy-Authorization` header holds them (RFC 7617 section 2).
    pub(super) fn fit_header(&self, value: &[u8]) -> bool {
        let scheme = value.get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"basic "));
        let token = value.get(6..).unwrap_or_default().trim_ascii();
        // The comparison of hashes takes the same time for all.
        scheme && hash(token) == self.basic
    }

    /// Whether they are this name and password (RFC 1929 section 2).
    pub(super) fn fit(&self, user: &[u8], password: &[u8]) -> bool {
        let both = [user, b":", password].concat();
        user == USER.as_bytes() && hash(&both) == hash(self.in_url().as_bytes())
    }
}

fn hash(bytes: &[u8]) -> blake3::Hash {
    blake3::hash(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_very_same_fit() {
        let (mine, other) = (Credentials::fresh().unwrap(), Credentials::fresh().unwrap());
        let header = |credentials: &Credentials| format!("Basic {}", STANDARD.encode(credentials.in_url()));
        assert!(mine.fit_header(header(&mine).as_bytes()) && mine.fit(b"tagout", mine.password.as_bytes()));
        assert!(mine.fit_header(header(&mine).replace("Basic", "bAsIc").as_bytes()));
        assert!(!mine.fit_header(header(&other).as_bytes()) && !mine.fit(b"tagout", other.password.as_bytes()));
        assert!(!mine.fit(b"tagout:", mine.password.as_bytes()) && !mine.fit(b"", b"") && !mine.fit(b"x", b"y"));
        let whole = header(&mine);
        let (cut, token) = (whole.get(..whole.len() - 4).unwrap(), whole.get(6..).unwrap());
        for wrong in [cut, token, "Bearer x", "Basic ", "", "Bäsic"] {
            assert!(!mine.fit_header(wrong.as_bytes()), "{wrong:?}");
        }
        assert!(!format!("{mine:?}").contains(&mine.password));
    }
}
