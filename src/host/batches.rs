//! How far each batch is: a file of lines for each plan in the state folder, added to durably, held by one process.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::journal::make_private;
use crate::locks::FileLock;
use crate::ports::{BatchLog, Failure, FailureKind};

/// Most bytes of one such file: a few lines for each item.
const LARGEST: u64 = 64 << 20;

/// Opens the lines of the batch `name` in `folder`, for this process alone; a line that was cut short is not there.
///
/// # Errors
/// When another process runs the batch, or the file cannot be read or written.
pub fn open_batch(folder: &Path, name: &str) -> Result<BatchLog, Failure> {
    make_private(folder)?;
    let path = folder.join(format!("{name}.jsonl"));
    let failed =
        |error: &io::Error| Failure::io(path.display(), error).hint("check that tagout may write its state folder");
    let file = OpenOptions::new().create(true).truncate(false).read(true).write(true).mode(0o600).open(&path);
    let Some(file) = file.and_then(FileLock::try_take).map_err(|error| failed(&error))? else {
        let what = "this plan is being run by another tagout";
        return Err(Failure::new(FailureKind::Unavailable, what).hint("wait for it to end"));
    };
    let lines = whole_lines(&file).map_err(|error| failed(&error))?;
    // The folder's entry for the file has to be as durable as the lines in it.
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| failed(&error))?;
    let place = path.clone();
    let append = move |line: &str| {
        let written = (&*file).write_all(format!("{line}\n").as_bytes()).and_then(|()| file.sync_data());
        written.map_err(|error| {
            let hint = "make room: without it a batch that is cut short could not go on where it was";
            Failure::io(place.display(), &error).hint(hint)
        })
    };
    Ok(BatchLog { lines, append: Box::new(append) })
}

/// The whole lines of `file`, which ends with the last one of them afterwards.
fn whole_lines(mut file: &File) -> io::Result<Vec<String>> {
    let mut bytes = Vec::new();
    file.take(LARGEST).read_to_end(&mut bytes)?;
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    file.set_len(whole as u64)?;
    file.seek(io::SeekFrom::End(0))?;
    bytes.truncate(whole);
    Ok(String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn lines_are_there_again_and_half_ones_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("batches");
        let mut log = open_batch(&folder, "x").unwrap();
        assert!(open_batch(&folder, "x").is_err(), "it is held");
        (log.append)("one").unwrap();
        (log.append)("two").unwrap();
        drop(log);
        let path = folder.join("x.jsonl");
        fs::write(&path, [fs::read(&path).unwrap(), b"{\"half".to_vec()].concat()).unwrap();
        let mut log = open_batch(&folder, "x").unwrap();
        assert_eq!(log.lines, ["one", "two"]);
        (log.append)("three").unwrap();
        drop(log);
        assert_eq!(open_batch(&folder, "x").unwrap().lines, ["one", "two", "three"]);
    }
}
