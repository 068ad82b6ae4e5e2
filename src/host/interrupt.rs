//! The user's wish to stop, as signals bring it.

use crate::ports::Cancel;

/// A flag that SIGINT, SIGTERM and SIGHUP raise from now on, in the place of ending the process at once: what is
/// under way stops at its next safe point, and a write that has begun comes to its end.
#[must_use]
pub fn cancel_on_interrupt() -> Cancel {
    let cancel = Cancel::default();
    let raised = cancel.clone();
    if let Err(error) = ctrlc::set_handler(move || raised.cancel()) {
        tracing::warn!("signals end the program at once: {error}");
    }
    cancel
}
