-- An attempt has a method of its own: where the payer chooses on our page, its order has none.

ALTER TABLE attempts ADD COLUMN method TEXT NOT NULL DEFAULT '';
UPDATE attempts SET method = (SELECT orders.method FROM orders WHERE orders.id = attempts.order_id);
