// What all three protocols trade in: the same two tokens, the same users, the same amounts.
import type { Address, PrivateKeyAccount } from "viem";
import { uniswap } from "./artifacts.js";
import { type Chain, type Contract, account } from "./chain.js";

export const USERS = 50;
export const AMOUNT = 10n ** 18n;
/** What a buyer wants at least; the fill is better than that. */
export const LIMIT = AMOUNT - AMOUNT / 100n;
const PLENTY = 10n ** 24n;
const MAX = 2n ** 256n - 1n;

export interface Market {
  chain: Chain;
  admin: Address;
  a: Contract;
  b: Contract;
  users: PrivateKeyAccount[];
}

/** One swap: who gives what for what. */
export interface Swap {
  user: PrivateKeyAccount;
  sell: Contract;
  buy: Contract;
}

export async function openMarket(chain: Chain): Promise<Market> {
  const admin = account("admin").address;
  await chain.fund(admin);
  // solmate's ERC-20, which none of the three was written for
  const token = (name: string): Promise<Contract> =>
    chain.deploy(admin, uniswap("MockERC20"), [name, name, 18]);
  const market: Market = { chain, admin, a: await token("A"), b: await token("B"), users: [] };
  for (let n = 0; n < USERS; n += 1) {
    const user = account(`user ${n}`);
    market.users.push(user);
    await hold(market, user.address);
  }
  return market;
}

/** Gives an account gas and both tokens. */
export async function hold({ chain, admin, a, b }: Market, owner: Address): Promise<void> {
  await chain.fund(owner);
  for (const token of [a, b]) await chain.send(admin, token, "mint", [owner, PLENTY]);
}

/** Unlimited approval of both tokens, once and for all. */
export async function approve(
  { chain, a, b }: Market,
  owners: readonly Address[],
  spender: Address,
): Promise<void> {
  for (const owner of owners) {
    for (const token of [a, b]) await chain.send(owner, token, "approve", [spender, MAX]);
  }
}

export const usersOf = (market: Market): Address[] => market.users.map((user) => user.address);

/** `n` users who want what the next one has: 0 and 1 trade with each other, 2 and 3, … */
export function matchedSwaps({ users, a, b }: Market, n: number): Swap[] {
  return users
    .slice(0, n)
    .map((user, at) => (at % 2 === 0 ? { user, sell: a, buy: b } : { user, sell: b, buy: a }));
}

/** `n` users who all want the same from the solver. */
export function inventorySwaps({ users, a, b }: Market, n: number): Swap[] {
  return users.slice(0, n).map((user) => ({ user, sell: a, buy: b }));
}
