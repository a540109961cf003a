mod brute_force;
mod records;
mod scores;
mod validity;
mod winners;
