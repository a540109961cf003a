mod brute_force;
mod exported;
mod records;
mod scores;
mod speed;
mod validity;
mod winners;
