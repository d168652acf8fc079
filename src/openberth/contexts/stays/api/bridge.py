"""The one script of these pages: it hands a signed order to the WeChat app around it, and says how that ended.

What it shows stands on the page already, hidden, in the reader's language. That WeChat says "ok" proves nothing: the
page that follows asks us. Its text never changes, so the policy of the page names it by its digest and lets no other
run.
"""

import base64
import hashlib

SCRIPT = """
(function () {
  var box = document.getElementById('order'), again = document.getElementById('again'), wait;
  function show(word) {
    clearTimeout(wait);
    ['opening', 'cancel', 'fail', 'elsewhere'].forEach(function (id) {
      document.getElementById(id).hidden = id !== word;
    });
    again.hidden = word === 'opening';
  }
  function pay() {
    if (typeof WeixinJSBridge === 'undefined') { show('elsewhere'); return; }
    show('opening');
    WeixinJSBridge.invoke('getBrandWCPayRequest', JSON.parse(box.dataset.fields), function (answer) {
      var said = String(answer && answer.err_msg);
      if (said === 'get_brand_wcpay_request:ok') { location.replace(box.dataset.next); return; }
      show(said === 'get_brand_wcpay_request:cancel' ? 'cancel' : 'fail');
    });
  }
  again.addEventListener('click', pay);
  if (typeof WeixinJSBridge !== 'undefined') { pay(); return; }
  document.addEventListener('WeixinJSBridgeReady', pay, { once: true });
  wait = setTimeout(function () { show('elsewhere'); }, 4000);
})();
"""
DIGEST = "sha256-" + base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
