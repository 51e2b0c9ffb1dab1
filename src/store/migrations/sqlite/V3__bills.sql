-- Reconciliation: the newest run of each account's day, and what it found. Cold tables: a few rows a day.

CREATE TABLE bill_runs (
  account TEXT NOT NULL,
  day TEXT NOT NULL,
  at INTEGER NOT NULL,
  state TEXT NOT NULL,
  why TEXT,
  row_count INTEGER NOT NULL,
  matched INTEGER NOT NULL,
  PRIMARY KEY (account, day)
) WITHOUT ROWID;

-- The key makes a rerun find the same ones. Amounts are fen; gap: what the bill gives the merchant beyond our books.
CREATE TABLE discrepancies (
  account TEXT NOT NULL,
  day TEXT NOT NULL,
  kind TEXT NOT NULL,
  number TEXT NOT NULL,
  id TEXT NOT NULL,
  channel_order_no TEXT NOT NULL,
  ours INTEGER,
  theirs INTEGER,
  gap INTEGER NOT NULL,
  evidence TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('open', 'carried', 'settled')),
  first_seen INTEGER NOT NULL,
  last_seen INTEGER NOT NULL,
  settled_by TEXT,
  settled_at INTEGER,
  reason TEXT,
  proposed_by TEXT,
  proposed_at INTEGER,
  proposed_reason TEXT,
  PRIMARY KEY (account, day, kind, number),
  CHECK ((status = 'settled') = (settled_by IS NOT NULL))
);
CREATE UNIQUE INDEX discrepancies_id ON discrepancies (id);
CREATE INDEX discrepancies_unsettled ON discrepancies (day) WHERE status <> 'settled';

-- Which refunds a day's bill should list. By time, so that new ones go to the right edge.
CREATE INDEX refunds_sent ON refunds (sent_at) WHERE sent_at IS NOT NULL;
