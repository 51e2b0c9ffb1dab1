// The bridge that the app puts into the pages it shows: asks for a password, and tells the page what an app would tell.
(function () {
  'use strict';
  var app = '{app}';
  function ask(content, told) {
    var box = document.createElement('form');
    box.id = 'app-asks';
    box.style.cssText = 'position:fixed;inset:auto 0 0 0;background:#fff;border-top:2px solid #0b57d0;padding:1rem;text-align:center;z-index:9';
    box.innerHTML = '<p><b>沙箱应用 Sandbox app</b></p><label>支付密码（任意六位） Password, any six digits' +
      '<input type="password" inputmode="numeric" pattern="[0-9]{6}" required autocomplete="off"></label>' +
      '<p><button value="pay">付款 Pay</button> <button value="decline" formnovalidate>拒绝 Decline</button> ' +
      '<button value="cancel" formnovalidate>取消 Cancel</button></p>';
    box.addEventListener('submit', function (event) {
      event.preventDefault();
      var outcome = event.submitter ? event.submitter.value : 'pay';
      box.remove();
      if (outcome === 'cancel') { told('cancel'); return; }
      var body = new URLSearchParams({ content: content, outcome: outcome, back: '' });
      fetch('/act', { method: 'POST', body: body }).then(function (answer) {
        told(answer.ok && outcome === 'pay' ? 'ok' : 'fail');
      }).catch(function () { told('fail'); });
    });
    document.body.appendChild(box);
    box.querySelector('input').focus();
  }
  if (app === 'wechat') {
    window.WeixinJSBridge = { invoke: function (verb, params, then) {
      ask(params.package, function (word) { then({ err_msg: 'get_brand_wcpay_request:' + word }); });
    } };
  }
  if (app === 'alipay') {
    window.AlipayJSBridge = { call: function (verb, params, then) {
      ask(params.tradeNO, function (word) { then({ resultCode: { ok: '9000', fail: '4000', cancel: '6001' }[word] }); });
    } };
  }
})();
