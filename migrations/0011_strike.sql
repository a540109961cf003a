-- From here on an auction's record is of version 4, for another contract: what was cut before hashes
-- differently and was signed for another address. It must not be read as if it were of this release.
DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM auction) THEN
        RAISE EXCEPTION 'this database holds auctions of an earlier release and its contract: keep it for their audits, and give this release an empty one';
    END IF;
END
$$;

-- An owner whose balance or allowance was short when a winning bid was revealed (design C8): for a
-- while its intents are filled alone, so that it costs nobody but itself a fill. Written with the
-- results of the settlement that showed it, taken back with them where a reorg does; old ones go when
-- new ones come.
CREATE TABLE strike (
    chain_id      bigint      NOT NULL,
    owner         bytea       NOT NULL CONSTRAINT strike_owner_length CHECK (length(owner) = 20),
    settlement_id bigint      NOT NULL CONSTRAINT strike_settlement_known REFERENCES settlement (id),
    -- Postgres' clock, as leases: whoever reads it compares with the same
    struck_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT strike_pk PRIMARY KEY (chain_id, owner, settlement_id)
);
-- the fresh ones are few: a cut begins with them, and not with its intents
CREATE INDEX strike_fresh ON strike (chain_id, struck_at);
CREATE INDEX strike_of_settlement ON strike (settlement_id);
