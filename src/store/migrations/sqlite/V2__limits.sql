-- Limits: append-only entries, and the counters that add them up. A window's counters lie together; a counter of a rolling window or of
-- a lifetime begins at 0. Amounts are fen, or orders where the rule counts orders.

CREATE TABLE limit_counters (
  limit_name TEXT NOT NULL,
  window_start INTEGER NOT NULL,
  subject TEXT NOT NULL,
  holder TEXT NOT NULL,
  reserved INTEGER NOT NULL,
  confirmed INTEGER NOT NULL,
  overrun INTEGER NOT NULL,
  cap INTEGER NOT NULL,
  edge INTEGER NOT NULL,
  PRIMARY KEY (limit_name, window_start, subject, holder),
  CHECK (reserved >= 0 AND confirmed >= 0 AND overrun >= 0 AND reserved + confirmed - overrun <= cap)
) WITHOUT ROWID;

-- Keyed by the order, which is time-ordered; the key allows every movement once.
CREATE TABLE limit_entries (
  order_id TEXT NOT NULL,
  attempt_seq INTEGER NOT NULL,
  step TEXT NOT NULL,
  refund_seq INTEGER NOT NULL,
  limit_name TEXT NOT NULL,
  holder TEXT NOT NULL,
  window_start INTEGER NOT NULL,
  subject TEXT NOT NULL,
  at INTEGER NOT NULL,
  counts_at INTEGER,
  reserved INTEGER NOT NULL,
  confirmed INTEGER NOT NULL,
  over_reserved INTEGER NOT NULL,
  over_confirmed INTEGER NOT NULL,
  PRIMARY KEY (order_id, attempt_seq, step, refund_seq, limit_name, holder, window_start)
) WITHOUT ROWID;
-- What leaves a rolling window, by the time it leaves.
CREATE INDEX limit_entries_rolling ON limit_entries (limit_name, subject, holder, counts_at) WHERE counts_at IS NOT NULL;
CREATE TRIGGER limit_entries_no_update BEFORE UPDATE ON limit_entries BEGIN SELECT RAISE(ABORT, 'limit entries are append-only'); END;
CREATE TRIGGER limit_entries_no_delete BEFORE DELETE ON limit_entries BEGIN SELECT RAISE(ABORT, 'limit entries are append-only'); END;

-- Every counter beside the sum of its entries: a row with `drift` = 1 is wrong.
CREATE VIEW limit_drift AS
  SELECT coalesce(c.limit_name, e.limit_name) AS limit_name, coalesce(c.window_start, e.window_start) AS window_start,
    coalesce(c.subject, e.subject) AS subject, coalesce(c.holder, e.holder) AS holder,
    coalesce(c.reserved, 0) AS reserved, coalesce(c.confirmed, 0) AS confirmed, coalesce(c.overrun, 0) AS overrun,
    coalesce(e.reserved, 0) AS entries_reserved, coalesce(e.confirmed, 0) AS entries_confirmed, coalesce(e.overrun, 0) AS entries_overrun,
    coalesce(c.reserved, 0) <> coalesce(e.reserved, 0) OR coalesce(c.confirmed, 0) <> coalesce(e.confirmed, 0)
      OR coalesce(c.overrun, 0) <> coalesce(e.overrun, 0) AS drift
  FROM limit_counters c FULL JOIN (
    SELECT e.limit_name, e.window_start, e.subject, e.holder, sum(e.reserved) AS reserved,
      sum(CASE WHEN e.counts_at IS NULL OR e.counts_at > coalesce(k.edge, 0) THEN e.confirmed ELSE 0 END) AS confirmed,
      sum(e.over_reserved + CASE WHEN e.counts_at IS NULL OR e.counts_at > coalesce(k.edge, 0) THEN e.over_confirmed ELSE 0 END) AS overrun
    FROM limit_entries e LEFT JOIN limit_counters k
      ON k.limit_name = e.limit_name AND k.window_start = e.window_start AND k.subject = e.subject AND k.holder = e.holder
    GROUP BY e.limit_name, e.window_start, e.subject, e.holder
  ) e ON c.limit_name = e.limit_name AND c.window_start = e.window_start AND c.subject = e.subject AND c.holder = e.holder;
