-- Leases, the outbox and the clock they share. Lease times are the database's own clock, so
-- that no machine's clock decides who leads.

-- One row per role. `token` grows with every change of holder: the fence. The first statement
-- of every fenced transaction reads its row FOR SHARE, taking over is an UPDATE of it, so a
-- thawed holder and its successor cannot both commit.
CREATE TABLE lease (
    role       text        NOT NULL CONSTRAINT lease_pk PRIMARY KEY,
    holder     text        NOT NULL,
    token      bigint      NOT NULL CONSTRAINT lease_token_positive CHECK (token > 0),
    expires_at timestamptz NOT NULL
);

-- Everything the stream ever said or will say. Written in the transaction of the change it
-- tells of. `seq` is given by the relay, in its own fenced transaction, to rows that have none:
-- ids commit out of order, so "id above the last" would lose events.
CREATE TABLE event (
    id         bigint      GENERATED ALWAYS AS IDENTITY CONSTRAINT event_pk PRIMARY KEY,
    chain_id   bigint      NOT NULL,
    kind       text        NOT NULL,
    body       jsonb       NOT NULL,
    at_ms      bigint      NOT NULL DEFAULT (extract(epoch FROM clock_timestamp()) * 1000)::bigint,
    seq        bigint,
    CONSTRAINT event_seq_once UNIQUE (chain_id, seq)
);
CREATE INDEX event_unsequenced ON event (id) WHERE seq IS NULL;

-- The stream's epoch: changes only when this database's own history goes back (a restore).
CREATE TABLE stream_epoch (
    chain_id bigint NOT NULL CONSTRAINT stream_epoch_pk PRIMARY KEY,
    epoch    bigint NOT NULL
);
