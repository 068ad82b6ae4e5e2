//! The settings that have an order from narrow to wide, and are told by a name.

use super::parse::Raw;
use super::settings::{Standing, lay};
use crate::policy::{Mode, SandboxLevel};

/// Sets or narrows the highest mode.
pub(super) fn lay_mode(present: &mut Mode, standing: Standing, value: &Raw) -> Result<(), String> {
    match value {
        Raw::Text(name) => match name.parse() {
            Ok(mode) => lay(present, mode, standing),
            // In doubt the narrowest holds.
            Err(error) => {
                *present = Mode::ReadOnly;
                Err(format!("is wrong: {error}; until then it counts as read-only"))
            }
        },
        Raw::Integer(_) | Raw::Texts(_) | Raw::Other(_) => {
            *present = Mode::ReadOnly;
            Err(format!("is {}, not the name of a mode; until it is one it counts as read-only", value.describe()))
        }
    }
}

/// Sets the weakest level of the sandbox, or demands more.
pub(super) fn lay_level(present: &mut SandboxLevel, standing: Standing, value: &Raw) -> Result<(), String> {
    let why = match value {
        Raw::Text(name) => match name.parse::<SandboxLevel>() {
            // Narrower is stronger here.
            Ok(level) => match standing {
                Standing::Narrows(above) if level < *present => {
                    return Err(format!("is {level}, but may only demand more: {present} holds; lower it in {above}"));
                }
                Standing::Sets | Standing::Narrows(_) => {
                    *present = level;
                    return Ok(());
                }
            },
            Err(error) => format!("is wrong: {error}"),
        },
        Raw::Integer(_) | Raw::Texts(_) | Raw::Other(_) => format!("is {}, not the name of a level", value.describe()),
    };
    // In doubt the strongest is demanded.
    *present = SandboxLevel::Full;
    Err(format!("{why}; until it is one, the sandbox has to be full"))
}
