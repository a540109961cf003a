mod brute_force;
mod records;
mod scores;
mod speed;
mod validity;
mod winners;
