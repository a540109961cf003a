-- One row per auction, numbered without gaps per chain. `opening` is the opening record
-- (design A7), `outcome` the decision with every verdict; contents are public once published.
CREATE TABLE auction (
    chain_id      bigint NOT NULL,
    id            bigint NOT NULL,
    status        text   NOT NULL DEFAULT 'open'
        CONSTRAINT auction_status_known CHECK (status IN ('open', 'decided', 'void', 'published')),
    open_hash     bytea  NOT NULL,
    opening       jsonb  NOT NULL,
    -- Redis time, Unix milliseconds
    opened_at_ms  bigint NOT NULL,
    closes_at_ms  bigint NOT NULL,
    bids_root     bytea,
    bid_count     integer,
    outcome       jsonb,
    decided_at_ms bigint,
    CONSTRAINT auction_pk PRIMARY KEY (chain_id, id)
);
-- one window at a time
CREATE UNIQUE INDEX auction_one_open ON auction (chain_id) WHERE status = 'open';

-- The intents cut into an auction, with what their owners could pay at the pinned block.
CREATE TABLE auction_intent (
    chain_id   bigint        NOT NULL,
    auction_id bigint        NOT NULL,
    intent_id  bytea         NOT NULL CONSTRAINT auction_intent_known REFERENCES intent (id),
    fundable   numeric(78,0) NOT NULL,
    CONSTRAINT auction_intent_pk PRIMARY KEY (chain_id, auction_id, intent_id),
    CONSTRAINT auction_intent_auction_known FOREIGN KEY (chain_id, auction_id) REFERENCES auction (chain_id, id)
);

-- Every bid with a place in an auction's stream: the durable twin of the Redis stream.
-- (stream_ms, stream_seq) is its stream id; body is {bid, legs, callback} as signed.
CREATE TABLE bid (
    chain_id      bigint  NOT NULL,
    auction_id    bigint  NOT NULL,
    id            bytea   NOT NULL,
    stream_ms     bigint  NOT NULL,
    stream_seq    bigint  NOT NULL,
    solver        bytea   NOT NULL,
    client_bid_id bytea   NOT NULL,
    body          jsonb   NOT NULL,
    signature     bytea   NOT NULL,
    verdict       jsonb,
    received_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT bid_pk PRIMARY KEY (chain_id, auction_id, id),
    CONSTRAINT bid_place_once UNIQUE (chain_id, auction_id, stream_ms, stream_seq),
    CONSTRAINT bid_client_id_once UNIQUE (chain_id, auction_id, solver, client_bid_id),
    CONSTRAINT bid_auction_known FOREIGN KEY (chain_id, auction_id) REFERENCES auction (chain_id, id)
);
CREATE INDEX bid_of_solver ON bid (chain_id, solver, auction_id);
