-- The second attempt of an auction some of whose winners failed on chain.

-- Set with the results of a first attempt that left intents unfilled, cleared by the transaction that
-- decides over them or lets them go. As long as it is set they stay matched and in flight.
ALTER TABLE settlement ADD COLUMN runner_up_due boolean NOT NULL DEFAULT false;
ALTER TABLE settlement ADD CONSTRAINT settlement_runner_up_of_first
    CHECK (NOT runner_up_due OR (attempt = 1 AND status = 'revealed'));
CREATE INDEX settlement_runner_up_due ON settlement (chain_id, auction_id) WHERE runner_up_due;

-- What was decided then, with all that it takes to decide it again.
ALTER TABLE auction ADD COLUMN runner_up jsonb;
DO $$
BEGIN
    ALTER TABLE auction ALTER COLUMN runner_up SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN
    NULL;
END $$;
