-- Signed intents. The id is the EIP-712 digest, so posting the same intent twice is one row.
CREATE TABLE intent (
    id                 bytea         NOT NULL CONSTRAINT intent_pk PRIMARY KEY,
    chain_id           bigint        NOT NULL,
    owner              bytea         NOT NULL,
    receiver           bytea         NOT NULL,
    sell_token         bytea         NOT NULL,
    buy_token          bytea         NOT NULL,
    sell_amount        numeric(78,0) NOT NULL CONSTRAINT intent_sell_amount_positive CHECK (sell_amount > 0),
    buy_amount         numeric(78,0) NOT NULL CONSTRAINT intent_buy_amount_positive CHECK (buy_amount > 0),
    nonce              numeric(78,0) NOT NULL,
    valid_to           bigint        NOT NULL,
    kind               smallint      NOT NULL,
    partially_fillable boolean       NOT NULL,
    app_data           bytea         NOT NULL,
    -- 65 bytes r,s,v for an EOA; whatever the owner's contract wants for ERC-1271
    signature          bytea         NOT NULL,
    erc1271            boolean       NOT NULL,
    status             text          NOT NULL DEFAULT 'open'
        CONSTRAINT intent_status_known CHECK (status IN ('open', 'matched', 'committed', 'filled', 'cancelled', 'expired')),
    -- filled so far, in the unit of the exact side; only from logs
    filled             numeric(78,0) NOT NULL DEFAULT 0,
    -- the auction that holds it now: cut and undecided, or won and unsettled
    auction_id         bigint,
    -- a cancellation that came too late is applied the moment the intent leaves its auction unfilled
    cancel_requested   boolean       NOT NULL DEFAULT false,
    -- block and transaction of the log that set committed, filled or the on-chain cancelled
    evidence           jsonb,
    created_at_ms      bigint        NOT NULL,
    -- order of arrival, for cursors
    arrival            bigint        GENERATED ALWAYS AS IDENTITY
);
-- two live intents of one owner never share a nonce
CREATE UNIQUE INDEX intent_nonce_free ON intent (chain_id, owner, nonce)
    WHERE status IN ('open', 'matched', 'committed');
CREATE INDEX intent_open ON intent (chain_id, arrival) WHERE status = 'open';
CREATE INDEX intent_expiry ON intent (valid_to) WHERE status = 'open';
CREATE INDEX intent_by_owner ON intent (owner, arrival);
CREATE INDEX intent_by_arrival ON intent (arrival);
CREATE INDEX intent_by_auction ON intent (auction_id) WHERE auction_id IS NOT NULL;

-- What happened to an intent and why, for its owner: public.
CREATE TABLE timeline (
    id        bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT timeline_pk PRIMARY KEY,
    intent_id bytea  NOT NULL CONSTRAINT timeline_intent_known REFERENCES intent (id),
    at_ms     bigint NOT NULL DEFAULT (extract(epoch FROM clock_timestamp()) * 1000)::bigint,
    kind      text   NOT NULL,
    detail    jsonb  NOT NULL
);
CREATE INDEX timeline_of_intent ON timeline (intent_id, id);
