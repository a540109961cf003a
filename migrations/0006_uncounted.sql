-- Reference scores and what is told of each intent's best bid follow from a decision and do not
-- change it: they are counted after the outcome is committed, and written before it is published.
ALTER TABLE auction ADD COLUMN uncounted boolean NOT NULL DEFAULT false;
CREATE INDEX auction_uncounted ON auction (chain_id, id) WHERE uncounted;

-- Signatures and digests do not compress; fills do.
ALTER TABLE settlement ALTER COLUMN batch SET STORAGE EXTERNAL;
DO $$
BEGIN
    ALTER TABLE settlement ALTER COLUMN bids SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN
    NULL;
END $$;
