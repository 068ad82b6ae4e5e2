//! Tables of what is a secret and what is not, and laws.

use proptest::prelude::*;

use super::{redact, redact_words, secrets};

const KEY: [u8; 32] = [7; 32];
/// A part of each secret below.
const S: &str = "hunter2";

/// A text with a secret, and a part of the secret; `LONG` is one that looks drawn by chance.
const SECRETS: &[(&str, &str)] = &[
    ("https://me:hunter2@example.com/x", "hunter2"),
    ("postgres://app:hunter2@db:5432/prod?sslmode=off", "hunter2"),
    ("redis://:hunter2@cache", "hunter2"),
    ("amqp://u:p/hunter2@host/", "hunter2"),
    ("https://u:p@hunter2@host/", "hunter2"),
    ("git clone 'https://oauth2:hunter2@gitlab.com/a/b.git'", "hunter2"),
    ("https://LONG@github.com/a/b", "LONG"),
    ("--password=hunter2", "hunter2"),
    ("--db-password=hunter2", "hunter2"),
    ("-Dspring.datasource.password=hunter2", "hunter2"),
    ("PASSWORD=hunter2 make", "hunter2"),
    ("export DB_PASSWORD='hunter2 with blanks'", "hunter2"),
    ("export DB_PASSWORD='two hunter2'", "hunter2"),
    ("PGPASSWORD=hunter2", "hunter2"),
    ("MYSQL_PWD=hunter2", "hunter2"),
    ("--passphrase=hunter2", "hunter2"),
    ("client_secret=hunter2", "hunter2"),
    ("clientSecret: hunter2", "hunter2"),
    ("{\"password\": \"hunter2\"}", "hunter2"),
    ("{\\\"password\\\":\\\"hunter2\\\"}", "hunter2"),
    ("{'api_key': 'hunter2'}", "hunter2"),
    ("password: hunter2", "hunter2"),
    ("API_KEY=hunter2", "hunter2"),
    ("apiKey=hunter2", "hunter2"),
    ("--token=hunter2", "hunter2"),
    ("GITHUB_TOKEN=hunter2", "hunter2"),
    ("NPM_AUTH_TOKEN=hunter2 npm publish", "hunter2"),
    ("AWS_SECRET_ACCESS_KEY=hunter2", "hunter2"),
    ("curl https://x/?access_token=hunter2&y=1", "hunter2"),
    ("token: hunter2hunter2", "hunter2"),
    ("Authorization: Basic aHVudGVyMg==", "aHVudGVyMg"),
    ("Authorization: Bearer hunter2", "hunter2"),
    ("-H \"authorization: token hunter2\"", "hunter2"),
    ("Cookie: sid=hunter2; theme=dark", "hunter2"),
    ("X-Api-Key: hunter2", "hunter2"),
    ("PRIVATE-TOKEN: hunter2", "hunter2"),
    ("sent Bearer LONG to it", "LONG"),
    ("ghp_LONG", "LONG"),
    ("push with gho_LONG.", "LONG"),
    ("github_pat_11ABC_LONG", "LONG"),
    ("glpat-hunter2hunter2hunter2", "hunter2"),
    ("sk-LONG", "LONG"),
    ("sk-ant-api03-LONG", "LONG"),
    ("sk_live_LONG", "LONG"),
    ("AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"),
    ("xoxb-123456789012-hunter2", "hunter2"),
    ("npm_LONG", "LONG"),
    ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJodW50ZXIyIn0.c2lnbmF0dXJlMTIz", "eyJzdWIi"),
    ("AIzaSyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q", "SyA1b2C3"),
    ("https://hooks.slack.com/services/T000/B000/hunter2", "hunter2"),
    ("-----BEGIN RSA PRIVATE KEY-----\nhunter2\n-----END RSA PRIVATE KEY-----\n", "hunter2"),
    ("x\n-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2 cut", "hunter2"),
    ("session=LONG", "LONG"),
    ("SIGNING_KEY=LONG", "LONG"),
    ("key=LONG", "LONG"),
    ("_authToken=hunter2", "hunter2"),
    ("//registry.npmjs.org/:_authToken=hunter2", "hunter2"),
    ("storepass=1 storePassword=hunter2", "hunter2"),
];

#[test]
fn secrets_are_taken_out() {
    let long = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8";
    assert!(SECRETS.len() >= 40);
    for (text, secret) in SECRETS {
        let (text, secret) = (text.replace("LONG", long), secret.replace("LONG", long));
        let redacted = redact(&text, &KEY);
        assert!(!redacted.contains(&secret), "{text:?} became {redacted:?}");
        assert!(redacted.contains("«redacted: "), "{text:?} became {redacted:?}");
        assert_eq!(redact(&redacted, &KEY), redacted, "twice is as good as once");
    }
}

const NO_SECRETS: &[&str] = &[
    "",
    "make test",
    "git show 4a7a1a8f6c1d9e0b3a5c7d9e1f2a4b6c8d0e2f4a",
    "4a7a1a8f6c1d9e0b3a5c7d9e1f2a4b6c8d0e2f4a6b8c0d2e4f6a8b0c2d4e6f8a",
    "checksum = \"8a2e1c0b9d7f6e5d4c3b2a19087f6e5d4c3b2a19087f6e5d4c3b2a19087f6e5d\"",
    "sha256:8a2e1c0b9d7f6e5d4c3b2a19087f6e5d4c3b2a19087f6e5d4c3b2a19087f6e5d",
    "key=4a7a1a8f6c1d9e0b3a5c7d9e1f2a4b6c8d0e2f4a",
    "cache-key=linux-cargo-4a7a1a8f6c1d9e0b",
    "550e8400-e29b-41d4-a716-446655440000",
    "session=550e8400-e29b-41d4-a716-446655440000",
    "/home/me/.ssh/id_ed25519.pub",
    "key=/etc/ssl/private/server.key",
    "--token-file=/run/secrets/token",
    "--password-file=/run/secrets/db",
    "PASSWORD_STORE_DIR=/home/me/.password-store",
    "PASSWORD=$DB_PASSWORD",
    "--password=${DB_PASSWORD}",
    "token: ${{ secrets.GITHUB_TOKEN }}",
    "password=",
    "password=********",
    "--password=<password>",
    "max_tokens=100000",
    "--tokenizer=bert-base-uncased",
    "tokens: 12",
    "unexpected token: `}` at line 3",
    "error[E0425]: cannot find value `token` in this scope",
    "crate::token::Token",
    "std::env::var(\"TOKEN\")",
    "https://example.com:8080/a@b",
    "http://[::1]:8080/x@y",
    "https://example.com/a?b=c#d",
    "ssh://git@github.com/a/b.git",
    "git@github.com:a/b.git",
    "postgres://app@db/prod",
    "https://me:$TOKEN@host/",
    "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----",
    "-----BEGIN PGP SIGNATURE-----",
    "task-0123456789abcdefghij0123456789",
    "sk-learn-something-with-2-words-in-it",
    "disk-usage",
    "ghp_short",
    "AKIA",
    "aGVsbG8gd29ybGQgdGhpcyBpcyBhIGZpbGU=",
    "eyJust.a.word",
    "monkey=banana",
    "keyboard=us",
    "key=Enter",
    "--key=value",
    "auth=none",
    "code=200",
    "author: Ada Lovelace",
    "passed: 12, failed: 0",
    "--compass=north",
    "bypass=1",
    "Authorization",
    "authorization: $AUTH",
    "secrets: inherit",
    "bearer of news",
    "cargo:rustc-env=VERGEN_GIT_SHA=4a7a1a8f6c1d9e0b3a5c7d9e1f2a4b6c8d0e2f4a",
    "let password = read();",
];

#[test]
fn what_is_no_secret_stays() {
    assert!(NO_SECRETS.len() >= 40);
    for text in NO_SECRETS.iter().copied() {
        // The last is code: what follows `=` there cannot be told from a secret, and is taken for one.
        let wanted = if text.starts_with("let ") { "«redacted: password" } else { text };
        let redacted = redact(text, &KEY);
        assert!(redacted.contains(wanted) && (redacted == text || text.starts_with("let ")), "{text:?}: {redacted:?}");
    }
}

#[test]
fn a_password_in_a_word_of_its_own_is_found_by_the_word_before() {
    let words = |line: &str| -> Vec<String> { line.split(' ').map(str::to_owned).collect() };
    for line in [
        "deploy --password hunter2",
        "deploy --api-key hunter2 --force",
        "mysql -u root -phunter2 db",
        "/usr/bin/mysqldump -phunter2",
        "sshpass -p hunter2 ssh host",
        "sshpass -phunter2 ssh host",
        "curl -u me:hunter2 https://host/",
        "curl --user me:hunter2 https://host/",
        "docker login -u me -p hunter2",
        "gh auth login --with-token hunter2",
    ] {
        let redacted = redact_words(&words(line), &KEY);
        assert_eq!(redacted.len(), words(line).len());
        assert!(!redacted.join(" ").contains(S), "{redacted:?}");
        assert_eq!(redact_words(&redacted, &KEY), redacted);
    }
    for line in [
        "mkdir -p hunter2",
        "docker run -p 8080:80 image",
        "ssh -p 2222 host",
        "curl -u me https://host/",
        "deploy --password --force",
        "deploy --password $PASSWORD",
        "cargo test --test secret",
        "cargo publish -p token",
        "grep -rn password src",
        "pytest -k token",
        "mysql -p db",
    ] {
        assert_eq!(redact_words(&words(line), &KEY), words(line));
    }
}

#[test]
fn equal_secrets_are_told_to_be_equal_by_the_same_key_only() {
    let mark = |text: &str, key: &[u8; 32]| redact(text, key).into_owned();
    assert_eq!(mark("password=one", &KEY), mark("password=one", &KEY));
    assert_ne!(mark("password=one", &KEY), mark("password=two", &KEY));
    assert_ne!(mark("password=one", &KEY), mark("password=one", &[8; 32]));
}

#[test]
fn a_large_text_is_read_in_one_go() {
    let text = "password=hunter2 https://a:hunter2@b :: token: = -----BEGIN \n".repeat(10_000);
    let redacted = redact(&text, &KEY);
    assert!(!redacted.contains(S));
    // Texts of beginnings only: were each followed to the end, this would take hours.
    for part in
        ["-----BEGIN PRIVATE KEY-----", "://", "sk-", "eyJ", "key=", "password=", "cookie:", "token:\"", "a.eyJ."]
    {
        let text = part.repeat(200_000 / part.len());
        let redacted = redact(&text, &KEY);
        assert!(redacted.len() < text.len() * 20, "{part}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "(\\PC|password|token|[=: \"'@/-]|://|ghp_|eyJ|\n){0,40}") {
        let once = redact(&text, &KEY);
        prop_assert!(once == text.as_str() || once.contains("«redacted: "));
        let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
        prop_assert_eq!(redact_words(&words, &KEY).len(), words.len());
    }

    #[test]
    fn a_password_is_found_whatever_stands_around_it(
        before in "[a-z \n]{0,20}", after in "[a-z \n]{0,20}", secret in "[A-Za-z0-9+/!%^~_-]{8,40}"
    ) {
        prop_assume!(!before.contains(&secret) && !after.contains(&secret) && !secret.starts_with("xxxx"));
        let text = format!("{before} DB_PASSWORD={secret} {after}");
        prop_assert!(!redact(&text, &KEY).contains(&secret));
    }
}

#[test]
fn a_secret_in_code_is_told_from_code_that_is_about_secrets() {
    let key = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKC\n-----END RSA PRIVATE KEY-----";
    let token = format!("ghp_{}", "a1B2c3D4e5".repeat(3));
    let random = "wJalrXUtnFEMI7MDENGbPxRfiCYEXAMPLEKEY9";
    for (text, held) in [
        (format!("let key = \"{key}\";"), key),
        (format!("# {token}"), token.as_str()),
        (format!("aws_secret_access_key = {random}"), random),
        (format!("password: \"{random}\""), random),
    ] {
        assert!(secrets(&text).contains(held), "{text}: {:?}", secrets(&text));
    }
    for text in [
        "let password = read_password();",
        "token: String,",
        "fn secret(&self) -> Option<Secret>",
        "password = os.environ['DB_PASSWORD']",
        "key: &'static str",
        "",
    ] {
        assert_eq!(secrets(text), std::collections::BTreeSet::new(), "{text}");
    }
}
