-- One winning batch on its way to the chain. The worker leases rows by (lease_token,
-- lease_until) and never holds a transaction across a network call.
CREATE TABLE settlement (
    id          bigint   GENERATED ALWAYS AS IDENTITY CONSTRAINT settlement_pk PRIMARY KEY,
    chain_id    bigint   NOT NULL,
    auction_id  bigint   NOT NULL,
    -- 1 = the auction's own decision, 2 = the runner-up
    attempt     smallint NOT NULL CONSTRAINT settlement_attempt_range CHECK (attempt BETWEEN 1 AND 255),
    status      text     NOT NULL DEFAULT 'planned'
        CONSTRAINT settlement_status_known CHECK (status IN
            ('planned', 'commit_sent', 'committed', 'reveal_sent', 'revealed', 'final', 'expired', 'failed')),
    -- the packed batch, byte for byte what is hashed and revealed
    batch       bytea    NOT NULL,
    -- the bids in settlement order with their fills: what the receipt's logs are read against
    bids        jsonb    NOT NULL,
    -- what those logs said, bid by bid: what a reorg has to undo
    results     jsonb,
    -- why it ended in expired or failed, a stable code
    reason      text,
    lease_token bigint   NOT NULL DEFAULT 0,
    lease_until timestamptz NOT NULL DEFAULT '-infinity',
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT settlement_attempt_once UNIQUE (chain_id, auction_id, attempt),
    CONSTRAINT settlement_auction_known FOREIGN KEY (chain_id, auction_id) REFERENCES auction (chain_id, id)
);
CREATE INDEX settlement_unfinished ON settlement (chain_id, id) WHERE status NOT IN ('final', 'expired', 'failed');

-- A lane of a settler that holds a settlement's commitment, from before the commit is sent
-- until the commitment is consumed or expired.
CREATE TABLE commitment (
    id            bigint  GENERATED ALWAYS AS IDENTITY CONSTRAINT commitment_pk PRIMARY KEY,
    settlement_id bigint  NOT NULL CONSTRAINT commitment_settlement_known REFERENCES settlement (id),
    settler       bytea   NOT NULL,
    lane          bigint  NOT NULL,
    salt          bytea   NOT NULL,
    commitment    bytea   NOT NULL,
    -- whether a reveal with this salt was ever broadcast: then the salt is spent
    revealed      boolean NOT NULL DEFAULT false,
    live          boolean NOT NULL DEFAULT true,
    CONSTRAINT commitment_salt_once UNIQUE (salt)
);
CREATE UNIQUE INDEX commitment_lane_free ON commitment (settler, lane) WHERE live;
CREATE UNIQUE INDEX commitment_one_live ON commitment (settlement_id) WHERE live;

-- Every transaction, written before it is broadcast. The raw bytes are kept: a hash alone
-- cannot be broadcast again. Replacements share (settler, nonce).
CREATE TABLE tx_attempt (
    id            bigint   GENERATED ALWAYS AS IDENTITY CONSTRAINT tx_attempt_pk PRIMARY KEY,
    settlement_id bigint   NOT NULL CONSTRAINT tx_attempt_settlement_known REFERENCES settlement (id),
    commitment_id bigint   NOT NULL CONSTRAINT tx_attempt_commitment_known REFERENCES commitment (id),
    kind          text     NOT NULL CONSTRAINT tx_attempt_kind_known CHECK (kind IN ('commit', 'reveal')),
    settler       bytea    NOT NULL,
    nonce         bigint   NOT NULL,
    replacement   smallint NOT NULL DEFAULT 0,
    raw           bytea    NOT NULL,
    hash          bytea    NOT NULL,
    status        text     NOT NULL DEFAULT 'written'
        CONSTRAINT tx_attempt_status_known CHECK (status IN ('written', 'broadcast', 'mined', 'reverted', 'replaced', 'dropped')),
    -- the chain's head when it was written: how long it has been waiting
    sent_at_block bigint   NOT NULL,
    block_number  bigint,
    block_hash    bytea,
    gas_used      bigint,
    created_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT tx_attempt_hash_once UNIQUE (hash),
    CONSTRAINT tx_attempt_nonce_once UNIQUE (settler, nonce, replacement)
);
CREATE INDEX tx_attempt_of_settlement ON tx_attempt (settlement_id, id);

-- The nonce ledger: the next nonce each settler will sign. A library's cached nonce advances
-- before the broadcast and never comes back, so ours is a row.
CREATE TABLE settler_nonce (
    chain_id bigint NOT NULL,
    settler  bytea  NOT NULL,
    next     bigint NOT NULL,
    CONSTRAINT settler_nonce_pk PRIMARY KEY (chain_id, settler)
);
