//! Which roles a process takes.

use std::{fmt, str::FromStr};

/// A set of roles, not empty. Text: `api,auction,settlement` in any order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roles {
    /// REST, streams, intake.
    pub api: bool,
    /// The auction's loop.
    pub auction: bool,
    /// The settlement worker.
    pub settlement: bool,
}

/// The text names no set of roles.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRoles {
    /// A name that is none.
    #[error("{0:?} is no role: take some of api, auction, settlement")]
    Unknown(String),
    /// A role twice.
    #[error("{0} is named twice")]
    Twice(String),
    /// No role at all.
    #[error("name at least one of api, auction, settlement")]
    Empty,
}

impl Roles {
    /// Every role.
    pub const ALL: Self = Self { api: true, auction: true, settlement: true };

    /// Whether this process writes events or streams them, so that it must be able to relay.
    #[must_use]
    pub const fn relays(self) -> bool {
        self.api || self.auction
    }
}

impl FromStr for Roles {
    type Err = InvalidRoles;

    fn from_str(text: &str) -> Result<Self, InvalidRoles> {
        let mut roles = Self { api: false, auction: false, settlement: false };
        for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            let role = match name {
                "api" => &mut roles.api,
                "auction" => &mut roles.auction,
                "settlement" => &mut roles.settlement,
                other => return Err(InvalidRoles::Unknown(other.to_owned())),
            };
            if std::mem::replace(role, true) {
                return Err(InvalidRoles::Twice(name.to_owned()));
            }
        }
        if roles.api || roles.auction || roles.settlement {
            Ok(roles)
        } else {
            Err(InvalidRoles::Empty)
        }
    }
}

impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let roles = [(self.api, "api"), (self.auction, "auction"), (self.settlement, "settlement")];
        let names: Vec<_> =
            roles.into_iter().filter_map(|(has, name)| has.then_some(name)).collect();
        f.write_str(&names.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_any_subset_in_any_order() {
        assert_eq!("settlement, api,auction".parse(), Ok(Roles::ALL));
        let roles: Roles = "api,settlement".parse().unwrap();
        assert_eq!(roles.to_string(), "api,settlement");
        assert!(roles.relays());
        assert!(!"settlement".parse::<Roles>().unwrap().relays());
    }

    #[test]
    fn unknown_repeated_and_missing_roles_are_refused() {
        assert_eq!("audit".parse::<Roles>(), Err(InvalidRoles::Unknown("audit".into())));
        assert_eq!("api,api".parse::<Roles>(), Err(InvalidRoles::Twice("api".into())));
        assert_eq!(" ,".parse::<Roles>(), Err(InvalidRoles::Empty));
    }
}
