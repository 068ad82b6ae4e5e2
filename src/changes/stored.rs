//! How a changeset is kept.
//!
//! In formats that name their fields it is a plain structure. In those that only know positions (postcard, on the
//! shelf) the first field tells the form: a name of ten digits begins a changeset as it was kept before it had a
//! lineage, anything else is the name of a later form. The lineage is text with named fields there, so that it can
//! grow without another form.

use std::fmt;

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::ser::SerializeTuple;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Changeset, ChangesetId, FileChange, Lineage, Origin};

/// Name of the form that is written.
const FORM: &str = "changeset 2";
/// Digits in the name of a changeset.
const DIGITS: usize = 10;

#[derive(Serialize)]
struct Named<'a> {
    id: &'a ChangesetId,
    origin: &'a Origin,
    files: &'a [FileChange],
    lineage: &'a Lineage,
}

#[derive(Deserialize)]
struct NamedOwned {
    id: ChangesetId,
    origin: Origin,
    files: Vec<FileChange>,
    #[serde(default)]
    lineage: Lineage,
}

impl Serialize for Changeset {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { id, origin, files, lineage } = self;
        if serializer.is_human_readable() {
            return Named { id, origin, files, lineage }.serialize(serializer);
        }
        let lineage = serde_json::to_string(lineage).map_err(serde::ser::Error::custom)?;
        let mut tuple = serializer.serialize_tuple(5)?;
        tuple.serialize_element(FORM)?;
        tuple.serialize_element(id)?;
        tuple.serialize_element(origin)?;
        tuple.serialize_element(files)?;
        tuple.serialize_element(&lineage)?;
        tuple.end()
    }
}

impl<'de> Deserialize<'de> for Changeset {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let NamedOwned { id, origin, files, lineage } = NamedOwned::deserialize(deserializer)?;
            return Ok(Self { id, origin, files, lineage });
        }
        deserializer.deserialize_tuple(5, Positions)
    }
}

struct Positions;

impl<'de> Visitor<'de> for Positions {
    type Value = Changeset;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a changeset")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Changeset, A::Error> {
        let first: String = next(&mut sequence)?;
        if first.len() == DIGITS && first.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            let (origin, files) = (next(&mut sequence)?, next(&mut sequence)?);
            return Ok(Changeset { id: ChangesetId::from_text(&first), origin, files, lineage: Lineage::default() });
        }
        if first != FORM {
            return Err(A::Error::custom("it was kept by a newer tagout: use that one"));
        }
        let (id, origin, files) = (next(&mut sequence)?, next(&mut sequence)?, next(&mut sequence)?);
        let lineage: String = next(&mut sequence)?;
        let lineage = serde_json::from_str(&lineage).map_err(A::Error::custom)?;
        Ok(Changeset { id, origin, files, lineage })
    }
}

fn next<'de, T: Deserialize<'de>, A: SeqAccess<'de>>(sequence: &mut A) -> Result<T, A::Error> {
    sequence.next_element()?.ok_or_else(|| A::Error::custom("a changeset ends too soon"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::changes::{CheckOutcome, Checked};
    use crate::workspace::{FileKind, FileState, RelativePath};

    fn changeset() -> Changeset {
        let state = |kind, text: &str| Some(FileState { kind, bytes: text.into() });
        let change = |path: &str, before, after| FileChange { path: RelativePath::new(path).unwrap(), before, after };
        let origin = Origin::Rewrite { pattern: "p".into(), replacement: "r".into(), language: "rust".into() };
        Changeset::new(
            origin,
            vec![
                change("a.txt", state(FileKind::Plain, "x\n"), state(FileKind::Executable, "y\n")),
                change("b", None, state(FileKind::Symlink, "a.txt")),
            ],
        )
    }

    /// A row of the shelf as it was written before there was a lineage.
    const OLD: &str = "0a31653265666563313139000170017204727573740205612e747874010002780a010102790a016200010205612e7478740a30313233343536373839";

    #[test]
    fn what_was_kept_before_there_was_a_lineage_is_read() {
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        let row: Vec<u8> = OLD.as_bytes().chunks(2).map(byte).collect();
        let (read, proposal): (Changeset, ChangesetId) = postcard::from_bytes(&row).unwrap();
        assert_eq!((read, proposal.as_str()), (changeset(), "0123456789"));
        for cut in 0..row.len() {
            assert!(postcard::from_bytes::<(Changeset, ChangesetId)>(&row[..cut]).is_err());
        }
    }

    #[test]
    fn everything_that_is_kept_is_read_again() {
        let outcome = CheckOutcome::Failed { first: "no".into() };
        let mut whole = changeset();
        whole.lineage = Lineage { record: Some(7), role: Some("author".into()), ..whole.lineage.derived(&whole.id) };
        whole.lineage.checks.push(Checked { name: "make".into(), outcome, level: Some("full".into()) });
        for changeset in [changeset(), whole] {
            let row = postcard::to_stdvec(&(&changeset, 7_u8)).unwrap();
            assert_eq!(postcard::from_bytes(&row), Ok((changeset.clone(), 7_u8)));
            let text = serde_json::to_string(&changeset).unwrap();
            assert_eq!(serde_json::from_str::<Changeset>(&text).unwrap(), changeset);
        }
        let text = serde_json::to_value(changeset()).unwrap();
        let old: serde_json::Map<_, _> =
            text.as_object().unwrap().clone().into_iter().filter(|(name, _)| name != "lineage").collect();
        assert_eq!(serde_json::from_value::<Changeset>(old.into()).unwrap(), changeset());
    }

    #[test]
    fn a_later_form_is_refused() {
        let row = postcard::to_stdvec(&("changeset 3", "0123456789")).unwrap();
        assert!(postcard::from_bytes::<Changeset>(&row).is_err());
    }
}
