//! The market's loop on real stores and a real node, a step at a time.

mod backlog;
mod conclude;
mod counting;
mod faults;
mod floor;
mod gate;
mod house;
mod outages;
mod prices;
mod race;
mod runner_up;
mod simulation;
mod stakes;
mod strikes;
mod windows;
