//! What is called while deploying, beside what the worker calls.
#![allow(missing_docs, reason = "generated; documented in the Solidity sources")]

alloy_sol_types::sol! {
    interface Settlement {
        function openLane(address settler, uint256 lane) external;
        function setPlainToken(address token, bool plain) external;
        function register() external;
        function deposit(address solver, uint8 fund) external payable;
    }

    interface Filler {
        function bind(address solver) external;
        function approve(address token, uint256 amount) external;
    }

    interface Token {
        function mint(address to, uint256 amount) external;
        function approve(address spender, uint256 amount) external returns (bool);
        function balanceOf(address owner) external view returns (uint256);
    }
}
