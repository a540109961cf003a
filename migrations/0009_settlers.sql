-- Several settlers share the rows; which row comes first depends on how long its bids may settle.
ALTER TABLE settlement
    -- the last second (Unix time) in which all of its bids may settle: the earliest goes first
    ADD COLUMN deadline_s  bigint NOT NULL DEFAULT 9223372036854775807,
    -- the last second in which any of them may: past it the row is given up
    ADD COLUMN last_s      bigint NOT NULL DEFAULT 9223372036854775807,
    -- an ended row whose reveal was public is looked at up to this block: a reorg may bring it back
    ADD COLUMN watch_until bigint;
CREATE INDEX settlement_watched ON settlement (chain_id, id) WHERE watch_until IS NOT NULL;

-- A reveal goes to a private node first. Both are the chain's head when the transaction was first
-- given there, written before it was.
ALTER TABLE tx_attempt
    ADD COLUMN private_block bigint,
    ADD COLUMN public_block  bigint;
UPDATE tx_attempt SET public_block = sent_at_block;

CREATE INDEX commitment_of_settlement ON commitment (settlement_id, id);
-- a gap in a settler's nonces is looked for before every transaction
CREATE INDEX tx_attempt_waiting ON tx_attempt (settler, nonce) WHERE status IN ('written', 'broadcast');

-- Which settlers are at work, with how many lanes: what an auction can count on.
CREATE TABLE settler (
    chain_id bigint      NOT NULL,
    settler  bytea       NOT NULL,
    lanes    integer     NOT NULL,
    seen_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT settler_pk PRIMARY KEY (chain_id, settler)
);
