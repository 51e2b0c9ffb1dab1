(function () {
  'use strict';
  var form = document.getElementById('pay'), keys = document.getElementById('keys'), sum = document.getElementById('amount');
  // A page that comes back from the browser's memory is an old load: its order may be paid by now.
  window.addEventListener('pageshow', function (event) { if (event.persisted) { location.reload(); } });
  if (!form) { return; }
  keys.hidden = false;
  // Our own keys take the place of the telephone's.
  if (window.matchMedia('(pointer: coarse)').matches) { sum.setAttribute('inputmode', 'none'); }
  keys.addEventListener('click', function (event) {
    var key = event.target.dataset.key;
    if (key === undefined) { return; }
    var next = key === '' ? sum.value.slice(0, -1) : sum.value + key;
    if (/^[0-9]{0,8}([.][0-9]{0,2})?$/.test(next) || key === '') { sum.value = next; }
  });
  form.addEventListener('submit', function () {
    setTimeout(function () { form.querySelector('.act').disabled = true; }, 0);
  });
})();
