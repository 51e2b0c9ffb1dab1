-- What a merchant's statement cannot find by the ids of a few days' orders. None of these takes part in an ordinary payment: what is paid
-- within a day of its making, and in time, stands in neither of the first two.

-- Orders paid more than a day after they were made, by the time they were paid.
CREATE INDEX orders_paid_old ON orders (paid_at) WHERE paid_at - created_at > 86400000;

-- Money that came after the end of its order, or a second time. Keyed by what never changes.
CREATE INDEX attempts_late ON attempts (order_id, seq) WHERE late = 1;

-- Which refunds were done on a day. By time, so that new ones go to the right edge.
CREATE INDEX refunds_done ON refunds (succeeded_at) WHERE succeeded_at IS NOT NULL;
