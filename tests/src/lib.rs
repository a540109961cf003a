#![doc = include_str!("../README.md")]

pub mod anvil;
pub mod bench;
pub mod client;
pub mod dev;
pub mod fixture;
pub mod instances;
pub mod market;
pub mod orders;
pub mod ports;
pub mod postgres;
pub mod process;
pub mod redis;
pub mod repo;
pub mod rpc;
pub mod stack;
pub mod wait;
