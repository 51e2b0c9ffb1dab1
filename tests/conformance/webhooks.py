"""A notification of ours, verified by the PyPI library of Standard Webhooks."""

import json
import sys

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

given = json.loads(sys.argv[1])
hook = Webhook(given["secret"])
event = hook.verify(given["body"], given["headers"])
assert event["type"] == "order.paid" and event["id"] == given["headers"]["webhook-id"], event

for name, change in {
    "another body": lambda g: g.update(body=g["body"].replace("order.paid", "order.Paid")),
    "another id": lambda g: g["headers"].update({"webhook-id": "evt_other"}),
    "another time": lambda g: g["headers"].update({"webhook-timestamp": str(int(g["headers"]["webhook-timestamp"]) - 1)}),
}.items():
    spoiled = json.loads(json.dumps(given))
    change(spoiled)
    try:
        hook.verify(spoiled["body"], spoiled["headers"])
    except WebhookVerificationError:
        continue
    raise SystemExit(f"{name} was accepted")
print("standardwebhooks (PyPI): one notification and three forgeries, all verified")
