(function () {
  'use strict';
  var main = document.querySelector('main'), note = document.getElementById('note'), lang = document.documentElement.lang.slice(0, 2);
  function page(more) { return location.pathname + '?lang=' + lang + more; }
  // Our own state decides what is shown: asked every second, then ever more seldom, and at once when the payer comes back.
  var asked = 0, timer = 0, busy = false;
  function again() { timer = setTimeout(ask, asked < 60 ? 1000 : asked < 90 ? 2000 : asked < 120 ? 4000 : 8000); }
  function ask() {
    clearTimeout(timer);
    if (busy) { return; }
    busy = true;
    asked += 1;
    fetch(main.dataset.poll, { cache: 'no-store' }).then(function (answer) { return answer.json(); }).then(function (told) {
      note.textContent = '';
      if (told.state && told.state !== main.dataset.state) { location.replace(page('')); }
    }).catch(function () { note.textContent = main.dataset.offline; }).then(function () { busy = false; again(); });
  }
  if (main.dataset.poll) {
    again();
    document.addEventListener('visibilitychange', function () { if (!document.hidden) { ask(); } });
  }
  var until = document.querySelector('[data-until]');
  function tick() {
    var left = Math.max(0, Math.round((Number(until.dataset.until) - Date.now()) / 1000)), s = left % 60;
    until.textContent = ' (' + Math.floor(left / 60) + ':' + (s < 10 ? '0' : '') + s + ')';
  }
  if (until) { tick(); setInterval(tick, 1000); }
  var copy = document.getElementById('copy');
  if (copy && navigator.clipboard) {
    copy.hidden = false;
    copy.addEventListener('click', function () {
      navigator.clipboard.writeText(copy.dataset.link).then(function () { copy.textContent = copy.dataset.done; });
    });
  }
  var late = document.querySelector('[data-late]');
  if (late) { late.hidden = true; setTimeout(function () { late.hidden = false; }, 5000); }
  // An app's bridge: whatever it answers, the page asks us. Only "cancelled" brings the payer back to pay.
  var go = document.getElementById('bridge');
  if (!go) { return; }
  var name = go.dataset.bridge, params = JSON.parse(go.dataset.params);
  function call() {
    if (name === 'AlipayJSBridge') {
      window[name].call('tradePay', params, function (told) {
        var code = String(told && told.resultCode);
        location.assign(page(code === '6001' || code === '99' ? '&said=cancelled' : '&confirm=1'));
      });
    } else {
      window[name].invoke('getBrandWCPayRequest', params, function () { location.assign(page('&confirm=1')); });
    }
  }
  function pay() {
    if (window[name]) { call(); } else { document.addEventListener(name + 'Ready', call, { once: true }); }
  }
  go.hidden = false;
  go.addEventListener('click', pay);
  if (go.dataset.auto) { pay(); }
})();
