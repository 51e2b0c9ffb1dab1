-- Reconciliation: the newest run of each account's day, and what it found. Cold tables: a few rows a day.

CREATE TABLE bill_runs (
  account TEXT COLLATE "C" NOT NULL,
  day TEXT COLLATE "C" NOT NULL,
  at BIGINT NOT NULL,
  state TEXT NOT NULL,
  why TEXT,
  row_count BIGINT NOT NULL,
  matched BIGINT NOT NULL,
  PRIMARY KEY (account, day)
);

-- The key makes a rerun find the same ones. Amounts are fen; gap: what the bill gives the merchant beyond our books.
CREATE TABLE discrepancies (
  account TEXT COLLATE "C" NOT NULL,
  day TEXT COLLATE "C" NOT NULL,
  kind TEXT COLLATE "C" NOT NULL,
  number TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  channel_order_no TEXT NOT NULL,
  ours BIGINT,
  theirs BIGINT,
  gap BIGINT NOT NULL,
  evidence TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('open', 'carried', 'settled')),
  first_seen BIGINT NOT NULL,
  last_seen BIGINT NOT NULL,
  settled_by TEXT,
  settled_at BIGINT,
  reason TEXT,
  proposed_by TEXT,
  proposed_at BIGINT,
  proposed_reason TEXT,
  PRIMARY KEY (account, day, kind, number),
  CHECK ((status = 'settled') = (settled_by IS NOT NULL))
);
CREATE UNIQUE INDEX discrepancies_id ON discrepancies (id);
CREATE INDEX discrepancies_unsettled ON discrepancies (day) WHERE status <> 'settled';

-- Which refunds a day's bill should list. By time, so that new ones go to the right edge.
CREATE INDEX refunds_sent ON refunds (sent_at) WHERE sent_at IS NOT NULL;
