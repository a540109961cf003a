//! Free ports on loopback.

use std::{collections::BTreeSet, io, net::TcpListener, sync::Mutex};

static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());

/// A port that nobody listens on and that this process has not given out before.
///
/// # Errors
/// If the system has none.
pub fn free() -> io::Result<u16> {
    loop {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut given = GIVEN.lock().map_err(|e| io::Error::other(e.to_string()))?;
        if given.insert(port) {
            return Ok(port);
        }
    }
}
