"""``WeixinJSBridge`` for a browser that is not WeChat's: what the app puts around a page, by a window of ours."""

import base64
import hashlib
import json

_SCRIPT = """
(function () {
  var base = BASE;
  window.WeixinJSBridge = {
    invoke: function (name, fields, done) {
      if (name !== 'getBrandWCPayRequest') { done({ err_msg: name + ':fail not played here' }); return; }
      var over = false;
      var shown = window.open(base + '/jsapi?' + new URLSearchParams(fields) + '&bridge=1', '_blank');
      function end(how) {
        if (over) { return; }
        over = true;
        clearInterval(watch);
        window.removeEventListener('message', told);
        done({ err_msg: 'get_brand_wcpay_request:' + how });
      }
      function told(said) { if (said.origin === base && said.source === shown) { end(said.data); shown.close(); } }
      var watch = setInterval(function () { if (!shown || shown.closed) { end(shown ? 'cancel' : 'fail'); } }, 300);
      window.addEventListener('message', told);
    }
  };
  document.dispatchEvent(new Event('WeixinJSBridgeReady'));
})();
"""
_TELL = "if(opener){{opener.postMessage('{how}','*')}}"


def script(address: str) -> str:
    """Return the script; ``address`` is that of the stand-in."""
    return _SCRIPT.replace("BASE", json.dumps(address), 1)


def tell(how: str) -> tuple[str, str]:
    """Return the script by which an order's page tells the window that opened it, and its digest for the policy."""
    inside = _TELL.format(how=how)
    digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
    return f"<script>{inside}</script>", f"'sha256-{digest}'"
