//! The limits of a command: from the settings, and back to the setting that raises one.

use std::time::Duration;

use crate::config::RunSettings;
use crate::ports::{Limit, LimitReached, Limits};

/// Open files of one process: many times what a build opens, and few enough that the memory the kernel keeps for them is
/// seen in time.
const OPEN_FILES: u64 = 8_192;

/// The most that a command may use.
#[must_use]
pub fn limits(settings: &RunSettings) -> Limits {
    Limits {
        wall: Duration::from_secs(settings.timeout_seconds),
        cpu: Duration::from_secs(settings.cpu_seconds),
        memory_bytes: settings.memory_bytes,
        processes: settings.processes,
        open_files: OPEN_FILES,
        file_bytes: settings.file_bytes,
        disk_bytes: settings.disk_bytes,
        disk_files: settings.disk_files,
        output_bytes: settings.output_limit_bytes,
    }
}

/// A limit that was reached, for people, with the setting that raises it.
#[must_use]
pub fn describe_limit(reached: &LimitReached) -> String {
    let settings = match reached.limit {
        Limit::WallTime => "run.timeout_seconds",
        Limit::CpuTime => "run.cpu_seconds",
        Limit::Memory => "run.memory_bytes",
        Limit::Processes => "run.processes",
        Limit::FileSize => "run.file_bytes",
        // Where what is written is kept in memory, both hold.
        Limit::Disk => "run.disk_bytes and run.memory_bytes",
        Limit::Files => "run.disk_files",
        Limit::Output => "run.output_limit_bytes",
    };
    format!("{reached} (raise {settings})")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;

    #[test]
    fn a_limit_is_named_with_the_setting_that_raises_it() {
        let limits = limits(&Settings::of_machine(24 << 30).run);
        let told = |limit, most| describe_limit(&LimitReached { limit, most });
        assert_eq!(told(Limit::Memory, limits.memory_bytes), "memory limit of 3.0 GiB (raise run.memory_bytes)");
        assert_eq!(told(Limit::WallTime, limits.wall.as_secs()), "time limit of 600 s (raise run.timeout_seconds)");
        assert_eq!(told(Limit::Processes, limits.processes), "process limit of 1024 (raise run.processes)");
    }
}
