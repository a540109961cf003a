-- What the logs of our contract told beside the settlement worker's own reveals, and how far they
-- were read. Everything here can be taken back block by block.

-- Blocks up to which a contract's logs are applied: the newest row is the progress, those before it
-- (`chain.finality_blocks` of them) show where the chain went another way. Written in the
-- transaction that applies the logs.
CREATE TABLE log_mark (
    chain_id bigint NOT NULL,
    contract bytea  NOT NULL,
    number   bigint NOT NULL,
    hash     bytea  NOT NULL,
    -- only logs with a lower index are applied; NULL: all of the block's
    logs     bigint,
    CONSTRAINT log_mark_pk PRIMARY KEY (chain_id, contract, number)
);

-- Nonces that owners took away, kept as long as their blocks can be taken back: an intent that was
-- being posted meanwhile is found by them a little later.
CREATE TABLE nonce_invalidation (
    chain_id     bigint        NOT NULL,
    contract     bytea         NOT NULL,
    block_number bigint        NOT NULL,
    block_hash   bytea         NOT NULL,
    tx_hash      bytea         NOT NULL,
    log_index    bigint        NOT NULL,
    owner        bytea         NOT NULL,
    word         numeric(78,0) NOT NULL,
    mask         numeric(78,0) NOT NULL,
    CONSTRAINT nonce_invalidation_pk PRIMARY KEY (chain_id, contract, block_number, log_index)
);

-- Fills of our intents by reveals that this deployment's worker did not send. The key makes a log
-- that is read twice count once.
CREATE TABLE other_fill (
    chain_id     bigint        NOT NULL,
    contract     bytea         NOT NULL,
    block_number bigint        NOT NULL,
    block_hash   bytea         NOT NULL,
    tx_hash      bytea         NOT NULL,
    bid_id       bytea         NOT NULL,
    intent_id    bytea         NOT NULL CONSTRAINT other_fill_intent_known REFERENCES intent (id),
    sold         numeric(78,0) NOT NULL,
    bought       numeric(78,0) NOT NULL,
    CONSTRAINT other_fill_pk PRIMARY KEY (chain_id, contract, block_number, tx_hash, bid_id, intent_id)
);

-- What failed bids cost their solvers' bonds: for the standing of solvers.
CREATE TABLE solver_penalty (
    chain_id     bigint        NOT NULL,
    contract     bytea         NOT NULL,
    block_number bigint        NOT NULL,
    block_hash   bytea         NOT NULL,
    tx_hash      bytea         NOT NULL,
    bid_id       bytea         NOT NULL,
    solver       bytea         NOT NULL,
    amount       numeric(78,0) NOT NULL,
    burned       numeric(78,0) NOT NULL,
    -- what the owners may claim: [{"owner", "amount"}]
    shares       jsonb         NOT NULL,
    CONSTRAINT solver_penalty_pk PRIMARY KEY (chain_id, contract, block_number, tx_hash, bid_id)
);
CREATE INDEX solver_penalty_of_solver ON solver_penalty (chain_id, solver, block_number);

-- Transaction and block of the log that took the intent's nonce away. An intent in an auction
-- keeps it until the auction lets it go; one in none is `cancelled` by it at once.
ALTER TABLE intent ADD COLUMN invalidated jsonb;
CREATE INDEX intent_invalidated ON intent (chain_id, ((invalidated -> 'block' ->> 'number')::bigint))
    WHERE invalidated IS NOT NULL;

-- Whose reveal a log tells of is asked for every reveal that is read.
CREATE INDEX commitment_by_value ON commitment (commitment);
