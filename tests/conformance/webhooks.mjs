// A notification of ours, verified by the npm library of Standard Webhooks.
import { createRequire } from "node:module";
import assert from "node:assert";

const require = createRequire(process.env.SLUICE_NODE_MODULES + "/");
const { Webhook } = require("standardwebhooks");

const given = JSON.parse(process.argv[2]);
const hook = new Webhook(given.secret);
const event = hook.verify(given.body, given.headers);
assert.equal(event.type, "order.paid");
assert.equal(event.id, given.headers["webhook-id"]);
assert.throws(() => hook.verify(given.body + " ", given.headers));
assert.throws(() => hook.verify(given.body, { ...given.headers, "webhook-id": "evt_other" }));
console.log("standardwebhooks (npm): one notification and two forgeries, all verified");
