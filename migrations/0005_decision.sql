-- What a decision writes is on the way from the close to the settlement, so it is kept small.

-- The opening record says which intents were cut, with what their owners could pay: a row for each
-- of them said it again, and nobody read it.
DROP TABLE auction_intent;

-- The outcome holds every verdict. A copy on the bid's own row rewrote a thousand rows, bodies and
-- all, before the decision could be committed.
ALTER TABLE bid DROP COLUMN verdict;

-- Whether what follows from the outcome is done: the intents that won nothing let go, and every
-- intent told. It is done right after the outcome is committed, or by the next leader.
ALTER TABLE auction ADD COLUMN wound_up boolean NOT NULL DEFAULT false;
UPDATE auction SET wound_up = true WHERE status <> 'open';
CREATE INDEX auction_left_behind ON auction (chain_id, id) WHERE NOT wound_up;

-- Bids that did not settle when the winners were run before publishing, for the standing of their
-- solvers; the evidence is in the auction's outcome. `alone`: by itself, not only beside others.
CREATE TABLE simulation_drop (
    chain_id   bigint   NOT NULL,
    auction_id bigint   NOT NULL,
    bid_id     bytea    NOT NULL,
    solver     bytea    NOT NULL,
    -- as the contract finds it: 0 nobody's, 1 the solver's, 2 an owner's
    fault      smallint NOT NULL,
    alone      boolean  NOT NULL,
    CONSTRAINT simulation_drop_pk PRIMARY KEY (chain_id, auction_id, bid_id)
);
CREATE INDEX simulation_drop_of_solver ON simulation_drop (chain_id, solver, auction_id);

-- An intent enters and leaves auctions again and again. Without an index on the auction, and with
-- some room on its page, that touches none of the others (a HOT update): a third of the cost.
DROP INDEX intent_by_auction;
ALTER TABLE intent SET (fillfactor = 80);

-- Records of hundreds of kilobytes are written in every auction: lz4, where this server has it,
-- compresses them in a tenth of the time.
DO $$
BEGIN
    ALTER TABLE auction ALTER COLUMN opening SET COMPRESSION lz4;
    ALTER TABLE auction ALTER COLUMN outcome SET COMPRESSION lz4;
    ALTER TABLE event ALTER COLUMN body SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN
    NULL;
END $$;
