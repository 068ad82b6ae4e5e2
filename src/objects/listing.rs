//! What an object store answers in XML, as far as it is needed: names and times of objects, and the code of an error. It
//! is a stranger's, so that only what has just the expected form is taken.

use super::date;
use crate::ports::ListedObject;

/// Most characters of an error's code that are passed on.
const LONGEST_CODE: usize = 60;

/// The objects in the answer to a list whose keys begin with `prefix`, without that. Others are passed over.
pub(super) fn objects(xml: &str, prefix: &str) -> Vec<ListedObject> {
    let listed = |part: &str| {
        let name = element(part, "Key")?.strip_prefix(prefix)?.to_owned();
        Some(ListedObject { name, written_ms: date::read(element(part, "LastModified")?)? })
    };
    xml.split("<Contents>").skip(1).filter_map(listed).collect()
}

/// The code of an error, such as `NoSuchKey`.
pub(super) fn code(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    let code = element(text, "Code")?;
    let plain = code.len() <= LONGEST_CODE && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (plain && !code.is_empty()).then(|| code.to_owned())
}

/// What stands in the first element of this name.
fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    rest.split_once('<').map(|(text, _)| text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_listed_is_read_and_nonsense_is_passed_over() {
        let xml = "<?xml version=\"1.0\"?><ListBucketResult><Name>b</Name><Prefix>p/</Prefix>\
                   <Contents><Key>p/one</Key><LastModified>2013-05-24T00:00:00.000Z</LastModified></Contents>\
                   <Contents><Key>q/two</Key><LastModified>2013-05-24T00:00:00.000Z</LastModified></Contents>\
                   <Contents><Key>p/three</Key><LastModified>yesterday</LastModified></Contents>\
                   <Contents><Key>p/four</Key></Contents><Contents><Key>p/five";
        let found = objects(xml, "p/");
        assert_eq!(found, [ListedObject { name: "one".to_owned(), written_ms: 1_369_353_600_000 }]);
        assert_eq!(objects("", ""), []);
        assert_eq!(code(b"<Error><Code>NoSuchKey</Code>").as_deref(), Some("NoSuchKey"));
        for wrong in [&b""[..], b"<Code>", b"<Code>no such\nkey</Code>", b"<Code></Code>", b"\xff<Code>x</Code>"] {
            assert_eq!(code(wrong), None);
        }
    }
}
