//! Who acts, and what it may do at most.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Something that a step of work may or may not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u16)]
pub enum Power {
    /// Read and search the workspace.
    Read = 1,
    /// Stage changes for review.
    Propose = 1 << 1,
    /// Run commands in the sandbox.
    Run = 1 << 2,
    /// Have a command, or tagout, reach a host.
    Reach = 1 << 3,
    /// Send code to a model.
    Send = 1 << 4,
    /// Read what lies outside the workspace.
    ReadOutside = 1 << 5,
    /// Run commands on the host.
    RunOnHost = 1 << 6,
    /// Write changes to the workspace.
    Apply = 1 << 7,
    /// Change a mode, a rule or trust.
    Administer = 1 << 8,
}

impl Power {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Read,
        Self::Propose,
        Self::Run,
        Self::Reach,
        Self::Send,
        Self::ReadOutside,
        Self::RunOnHost,
        Self::Apply,
        Self::Administer,
    ];
}

/// A set of powers. There is no way to add one to a set: what is derived from a set has no more than it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Powers(u16);

impl Powers {
    /// Every power: those of the person.
    pub const ALL: Self = Self::of(&Power::ALL);

    const fn of(powers: &[Power]) -> Self {
        let (mut bits, mut rest) = (0, powers);
        while let [first, others @ ..] = rest {
            bits |= *first as u16;
            rest = others;
        }
        Self(bits)
    }

    /// Whether `power` is among them.
    #[must_use]
    pub fn has(self, power: Power) -> bool {
        self.0 & power as u16 != 0
    }

    /// What a child has that works as `role` for one who has these: what both have.
    #[must_use]
    pub fn delegate(self, role: Role) -> Self {
        Self(self.0 & role.powers().0)
    }
}

/// A bounded set of powers that a step of work runs with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The person at the editor or the command line.
    User,
    /// Reads.
    Scout,
    /// Stages changes.
    Author,
    /// Runs commands.
    Runner,
    /// Checks what others made.
    Reviewer,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 5] = [Self::User, Self::Scout, Self::Author, Self::Runner, Self::Reviewer];

    /// What it may do at most.
    #[must_use]
    pub fn powers(self) -> Powers {
        const SCOUT: Powers = Powers::of(&[Power::Read]);
        const AUTHOR: Powers = Powers::of(&[Power::Read, Power::Propose, Power::Send]);
        const RUNNER: Powers = Powers::of(&[Power::Read, Power::Propose, Power::Run, Power::Reach, Power::RunOnHost]);
        const REVIEWER: Powers = Powers::of(&[Power::Read, Power::Run]);
        match self {
            Self::User => Powers::ALL,
            Self::Scout => SCOUT,
            Self::Author => AUTHOR,
            Self::Runner => RUNNER,
            Self::Reviewer => REVIEWER,
        }
    }

    /// The name as rules and people write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Scout => "scout",
            Self::Author => "author",
            Self::Runner => "runner",
            Self::Reviewer => "reviewer",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// A name that is no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no role: use user, scout, author, runner or reviewer")]
pub struct UnknownRole(String);

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(name: &str) -> Result<Self, UnknownRole> {
        Self::ALL.into_iter().find(|role| role.name() == name).ok_or_else(|| UnknownRole(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn role() -> impl Strategy<Value = Role> {
        prop::sample::select(Role::ALL.to_vec())
    }

    proptest! {
        #[test]
        fn no_child_has_a_power_that_its_parent_lacks(roles in prop::collection::vec(role(), 0..6)) {
            let mut powers = Powers::ALL;
            for role in roles {
                let child = powers.delegate(role);
                for power in Power::ALL {
                    prop_assert_eq!(child.has(power), powers.has(power) && role.powers().has(power));
                }
                powers = child;
            }
        }
    }

    #[test]
    fn only_the_person_writes_and_administers() {
        for role in Role::ALL.into_iter().filter(|role| *role != Role::User) {
            for power in [Power::Apply, Power::Administer, Power::ReadOutside] {
                assert!(!role.powers().has(power), "{role} {power:?}");
            }
        }
        for role in Role::ALL {
            assert_eq!(role.name().parse(), Ok(role));
        }
    }
}
