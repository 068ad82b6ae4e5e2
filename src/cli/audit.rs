//! `tagout audit`

use std::io::Write;
use std::ops::ControlFlow;

use super::arguments::{AuditArguments, AuditCommand, ExportFormat};
use super::{DONE, Screen, days_ago, since};
use crate::engine::Workbench;
use crate::ports::{Failure, FailureKind, Keep, json_line, otlp_logs};

pub(super) fn run(arguments: &AuditArguments, workbench: &Workbench, screen: &Screen) -> Result<u8, Failure> {
    let root = (workbench.open_root)(&arguments.workspace.root)?;
    match &arguments.command {
        AuditCommand::Verify => {
            let audit = workbench.ledger.verify(&root)?;
            audit.notes.iter().for_each(|note| screen.note(&format!("tagout: {note}")));
            audit.faults.iter().for_each(|fault| screen.note(&format!("tagout: {fault}")));
            audit.sound()?;
            screen.line(&format!("{} records, each as it was written", audit.records));
        }
        AuditCommand::Export { format, since_days } => {
            let mut failed = None;
            let mut out = std::io::stdout().lock();
            workbench.ledger.each(&root, since(workbench, *since_days), &mut |entry| {
                let line = match format {
                    ExportFormat::Json => json_line(entry),
                    ExportFormat::Otlp => Ok(otlp_logs(entry, env!("CARGO_PKG_VERSION")).to_string()),
                };
                let written = line
                    .and_then(|line| writeln!(out, "{line}").map_err(|error| Failure::io("standard output", &error)));
                match written {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(failure) => {
                        failed = Some(failure);
                        ControlFlow::Break(())
                    }
                }
            })?;
            failed.map_or(Ok(()), Err)?;
        }
        AuditCommand::Rotate { keep_records, keep_days } => {
            let oldest = keep_days.map_or(i64::MIN, |days| days_ago(workbench, days));
            let keep = Keep { records: *keep_records, since_ms: oldest };
            if keep.records == 0 {
                let what = "no record would stay";
                return Err(Failure::new(FailureKind::InvalidInput, what).hint("keep one record at least"));
            }
            match workbench.rotation.rotate(&root, keep)? {
                Some(rotated) => screen.line(&format!(
                    "records {} to {} are in {}",
                    rotated.first,
                    rotated.last,
                    rotated.file.display()
                )),
                None => screen.line("there is nothing to move"),
            }
        }
    }
    Ok(DONE)
}
