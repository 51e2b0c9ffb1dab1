-- Limits: append-only entries, and the counters that add them up. A window's counters lie together; a counter of a rolling window or of
-- a lifetime begins at 0. Amounts are fen, or orders where the rule counts orders.

CREATE TABLE limit_counters (
  limit_name TEXT COLLATE "C" NOT NULL,
  window_start BIGINT NOT NULL,
  subject TEXT COLLATE "C" NOT NULL,
  holder TEXT COLLATE "C" NOT NULL,
  reserved BIGINT NOT NULL,
  confirmed BIGINT NOT NULL,
  overrun BIGINT NOT NULL,
  cap BIGINT NOT NULL,
  edge BIGINT NOT NULL,
  PRIMARY KEY (limit_name, window_start, subject, holder),
  CHECK (reserved >= 0 AND confirmed >= 0 AND overrun >= 0 AND reserved + confirmed - overrun <= cap)
) WITH (fillfactor = 50);

-- Keyed by the order, which is time-ordered; the key allows every movement once.
CREATE TABLE limit_entries (
  order_id TEXT COLLATE "C" NOT NULL,
  attempt_seq BIGINT NOT NULL,
  step TEXT COLLATE "C" NOT NULL,
  refund_seq BIGINT NOT NULL,
  limit_name TEXT COLLATE "C" NOT NULL,
  holder TEXT COLLATE "C" NOT NULL,
  window_start BIGINT NOT NULL,
  subject TEXT COLLATE "C" NOT NULL,
  at BIGINT NOT NULL,
  counts_at BIGINT,
  reserved BIGINT NOT NULL,
  confirmed BIGINT NOT NULL,
  over_reserved BIGINT NOT NULL,
  over_confirmed BIGINT NOT NULL,
  PRIMARY KEY (order_id, attempt_seq, step, refund_seq, limit_name, holder, window_start)
);
-- What leaves a rolling window, by the time it leaves.
CREATE INDEX limit_entries_rolling ON limit_entries (limit_name, subject, holder, counts_at) WHERE counts_at IS NOT NULL;
CREATE TRIGGER limit_entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON limit_entries
  FOR EACH STATEMENT EXECUTE FUNCTION append_only('the log of limit entries');

-- Every counter beside the sum of its entries: a row with `drift` = 1 is wrong.
CREATE VIEW limit_drift AS
  SELECT coalesce(c.limit_name, e.limit_name) AS limit_name, coalesce(c.window_start, e.window_start) AS window_start,
    coalesce(c.subject, e.subject) AS subject, coalesce(c.holder, e.holder) AS holder,
    coalesce(c.reserved, 0) AS reserved, coalesce(c.confirmed, 0) AS confirmed, coalesce(c.overrun, 0) AS overrun,
    coalesce(e.reserved, 0) AS entries_reserved, coalesce(e.confirmed, 0) AS entries_confirmed, coalesce(e.overrun, 0) AS entries_overrun,
    (coalesce(c.reserved, 0) <> coalesce(e.reserved, 0) OR coalesce(c.confirmed, 0) <> coalesce(e.confirmed, 0)
      OR coalesce(c.overrun, 0) <> coalesce(e.overrun, 0))::int::bigint AS drift
  FROM limit_counters c FULL JOIN (
    SELECT e.limit_name, e.window_start, e.subject, e.holder, sum(e.reserved)::bigint AS reserved,
      sum(CASE WHEN e.counts_at IS NULL OR e.counts_at > coalesce(k.edge, 0) THEN e.confirmed ELSE 0 END)::bigint AS confirmed,
      sum(e.over_reserved + CASE WHEN e.counts_at IS NULL OR e.counts_at > coalesce(k.edge, 0) THEN e.over_confirmed ELSE 0 END)::bigint AS overrun
    FROM limit_entries e LEFT JOIN limit_counters k
      ON k.limit_name = e.limit_name AND k.window_start = e.window_start AND k.subject = e.subject AND k.holder = e.holder
    GROUP BY e.limit_name, e.window_start, e.subject, e.holder
  ) e ON c.limit_name = e.limit_name AND c.window_start = e.window_start AND c.subject = e.subject AND c.holder = e.holder;
