//! The market's loop on real stores and a real node, a step at a time.

mod conclude;
mod counting;
mod faults;
mod gate;
mod house;
mod outages;
mod prices;
mod race;
mod runner_up;
mod simulation;
mod windows;
