//! The public stream: one tail of Redis per process, fanned out to every subscriber.
//!
//! A subscriber reads history from Postgres until it is level with the tail, then lives off a
//! bounded buffer of its own. Whatever way an event comes, it is passed on only if its number is
//! the next one: so there is neither a gap nor a duplicate where history and tail meet.

mod frame;
mod hub;
mod shuffle;
mod snapshot;
mod subscription;

pub(crate) use frame::Frame;
pub(crate) use hub::{Hub, follow};
pub(crate) use subscription::{Item, Subscription, hello, standing, unknown};
