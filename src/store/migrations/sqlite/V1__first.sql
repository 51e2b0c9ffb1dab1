-- Hot tables are keyed by the order's id, which is time-ordered: new rows go to the right edge and no index takes random keys but
-- the merchants' own numbers (claims), whose order is theirs. Wide rows live in ordinary tables: in one WITHOUT ROWID a row of more than
-- about a kilobyte would spill into a page of its own.

CREATE TABLE orders (
  id TEXT PRIMARY KEY,
  merchant_id TEXT NOT NULL,
  merchant_order_no TEXT NOT NULL,
  fingerprint BLOB NOT NULL,
  livemode INTEGER NOT NULL,
  amount INTEGER NOT NULL CHECK (amount > 0),
  method TEXT NOT NULL,
  facts TEXT NOT NULL,
  sealed BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  status TEXT NOT NULL,
  account TEXT NOT NULL,
  channel TEXT NOT NULL,
  winner INTEGER,
  intent TEXT,
  failure TEXT,
  paid_at INTEGER,
  closed_at INTEGER,
  version INTEGER NOT NULL,
  last_seq INTEGER NOT NULL,
  suspended INTEGER NOT NULL DEFAULT 0,
  wake_at INTEGER,
  CHECK ((status = 'paid') = (winner IS NOT NULL))
);
CREATE INDEX orders_of_merchant ON orders (merchant_id, id);
CREATE INDEX orders_due ON orders (wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX orders_suspended ON orders (id) WHERE suspended = 1;

CREATE TABLE attempts (
  order_id TEXT NOT NULL,
  seq INTEGER NOT NULL,
  account TEXT NOT NULL,
  channel TEXT NOT NULL,
  status TEXT NOT NULL,
  amount INTEGER NOT NULL,
  captured INTEGER NOT NULL,
  refunded INTEGER NOT NULL,
  refunding INTEGER NOT NULL,
  late INTEGER NOT NULL,
  at INTEGER NOT NULL,
  next_at INTEGER,
  queries INTEGER NOT NULL,
  undo TEXT,
  undo_sent_at INTEGER,
  ended_at INTEGER,
  suspended INTEGER NOT NULL,
  notes TEXT NOT NULL,
  PRIMARY KEY (order_id, seq),
  CHECK (refunded >= 0 AND refunding >= 0 AND refunded + refunding <= captured AND captured <= amount),
  CHECK ((status = 'succeeded') = (captured > 0))
);

CREATE TABLE refunds (
  order_id TEXT NOT NULL,
  seq INTEGER NOT NULL,
  attempt_seq INTEGER NOT NULL,
  merchant_refund_no TEXT,
  fingerprint BLOB NOT NULL,
  amount INTEGER NOT NULL CHECK (amount > 0),
  status TEXT NOT NULL,
  pending_reason TEXT NOT NULL,
  origin TEXT NOT NULL,
  at INTEGER NOT NULL,
  sent_at INTEGER,
  sends INTEGER NOT NULL,
  next_at INTEGER,
  queries INTEGER NOT NULL,
  version INTEGER NOT NULL,
  succeeded_at INTEGER,
  notes TEXT NOT NULL,
  PRIMARY KEY (order_id, seq)
);

-- The trail: append-only.
CREATE TABLE events (
  order_id TEXT NOT NULL,
  seq INTEGER NOT NULL,
  at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  data TEXT NOT NULL,
  inner TEXT,
  PRIMARY KEY (order_id, seq)
);

-- The outbox.
CREATE TABLE notices (
  event_id TEXT PRIMARY KEY,
  order_id TEXT NOT NULL,
  merchant_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  at INTEGER NOT NULL,
  data TEXT NOT NULL,
  status TEXT NOT NULL,
  tries INTEGER NOT NULL,
  next_at INTEGER,
  last TEXT
);
CREATE INDEX notices_due ON notices (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX notices_waiting ON notices (merchant_id, next_at) WHERE next_at IS NOT NULL;
CREATE INDEX notices_parked ON notices (merchant_id, event_id) WHERE status = 'parked';

-- Merchants' own numbers: each names one order or refund for ever.
CREATE TABLE claims (
  merchant_id TEXT NOT NULL,
  kind INTEGER NOT NULL,
  number TEXT NOT NULL,
  target TEXT NOT NULL,
  fingerprint BLOB NOT NULL,
  PRIMARY KEY (merchant_id, kind, number)
) WITHOUT ROWID;

-- Used nonces, by five minutes of their signed time, so that they are dropped by range.
CREATE TABLE nonces (
  bucket INTEGER NOT NULL,
  key_id TEXT NOT NULL,
  nonce TEXT NOT NULL,
  PRIMARY KEY (bucket, key_id, nonce)
) WITHOUT ROWID;

-- Administration: merchants, keys, bindings, stores, account states, channel keys. Secrets in doc are sealed.
CREATE TABLE records (
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  doc TEXT NOT NULL,
  PRIMARY KEY (kind, id)
) WITHOUT ROWID;

-- Append-only: no statement of ours updates or deletes here, and the triggers refuse anybody's.
CREATE TABLE audit (
  seq INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  who TEXT NOT NULL,
  role TEXT NOT NULL,
  act TEXT NOT NULL,
  about TEXT NOT NULL,
  detail TEXT NOT NULL
);
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER events_no_update BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'the trail is append-only'); END;
