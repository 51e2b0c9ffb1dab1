#: setup
GATEWAY={{GATEWAY}}
PHONE=http://127.0.0.1:9100     # "The payer's phone" that sluice demo printed
KEY_ID=k_demo
SECRET=the-secret-that-sluice-demo-printed

#: call
call() { # METHOD PATH [BODY]
  timestamp=$(date +%s)
  nonce=$(openssl rand -hex 16)
  signature=$(printf '%s\n%s\n%s\n%s\n%s\n' "$1" "$2" "$timestamp" "$nonce" "${3-}" |
    openssl dgst -sha256 -hmac "$SECRET" -r | cut -d' ' -f1)
  curl -sS --fail-with-body -w '\n' -X "$1" "$GATEWAY$2" ${3:+-H 'Content-Type: application/json' --data-raw "$3"} \
    -H "Authorization: SLUICE-HMAC-SHA256 key_id=\"$KEY_ID\",timestamp=\"$timestamp\",nonce=\"$nonce\",signature=\"$signature\""
}

#: whoami
call GET /v1/whoami

#: listMethods
call GET /v1/methods

#: createOrder
PLACED=$(call POST /v1/orders '{"merchant_order_no":"SO-1001","amount":1280,"subject":"一箱苹果","method":"wechat_native"}')
ORDER=$(printf '%s' "$PLACED" | sed 's/.*"id":"\(P[0-9A-Z]*\)".*/\1/')
echo "$PLACED"

#: scan
CODE=$(printf '%s' "$PLACED" | sed 's/.*"content":"\([^"]*\)".*/\1/')
curl -sS --fail-with-body -w '\n' "$PHONE/payers/scan" --data-raw "{\"content\":\"$CODE\"}"

#: syncOrder
call POST "/v1/orders/$ORDER/sync"

#: getOrder
call GET "/v1/orders/$ORDER?expand=attempts,refunds,events"

#: listOrders
call GET "/v1/orders?status=paid&limit=20"

#: listEvents
call GET "/v1/orders/$ORDER/events"

#: createRefund
REFUNDED=$(call POST "/v1/orders/$ORDER/refunds" '{"merchant_refund_no":"RF-1001","amount":300,"reason":"退一个坏苹果"}')
REFUND=$(printf '%s' "$REFUNDED" | sed 's/.*"id":"\(R[0-9A-Z]*\)".*/\1/')
echo "$REFUNDED"

#: getRefund
call GET "/v1/refunds/$REFUND"

#: findRefund
call GET "/v1/refunds?merchant_refund_no=RF-1001"

#: listRefundsOfOrder
call GET "/v1/orders/$ORDER/refunds"

#: renewAction
OPEN=$(call POST /v1/orders '{"merchant_order_no":"SO-1002","amount":990,"subject":"一箱梨","method":"wechat_native"}')
OPEN=$(printf '%s' "$OPEN" | sed 's/.*"id":"\(P[0-9A-Z]*\)".*/\1/')
call POST "/v1/orders/$OPEN/action"

#: closeOrder
call POST "/v1/orders/$OPEN/close"

#: barcode
AUTH_CODE=$(curl -sS "$PHONE/payers/auth-code" --data-raw '{"wallet":"alipay","behaviour":"pay"}' | sed 's/.*"auth_code":"\([0-9]*\)".*/\1/')
TILL=$(call POST /v1/orders "{\"merchant_order_no\":\"SO-1003\",\"amount\":500,\"subject\":\"柜台\",\"method\":\"auto_barcode\",\"auth_code\":\"$AUTH_CODE\"}")
TILL=$(printf '%s' "$TILL" | sed 's/.*"id":"\(P[0-9A-Z]*\)".*/\1/')
call GET "/v1/orders/$TILL"

#: reverseOrder
call POST "/v1/orders/$TILL/reverse"

#: getStatement
call GET "/v1/statements?month=$(TZ=CST-8 date +%Y-%m)"
