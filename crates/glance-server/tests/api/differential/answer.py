"""Answers requests as Python Glance does: one JSON document a line comes in, one goes out. argv: the configuration folder."""
import datetime
import json
import os
import subprocess
import sys

folder = sys.argv[1]
os.environ["OS_GLANCE_CONFIG_DIR"] = folder
manage = os.path.join(os.path.dirname(sys.executable), "glance-manage")
subprocess.run(
    [manage, "--config-file", os.path.join(folder, "glance-api.conf"), "db_sync"],
    check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
)

answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

from oslo_utils import timeutils  # noqa: E402
import webob  # noqa: E402

from glance.common import wsgi_app  # noqa: E402

application = wsgi_app.init_app()
timeutils.set_time_override(datetime.datetime(2026, 1, 1))

for line in sys.stdin:
    asked = json.loads(line)
    now = datetime.datetime(2026, 1, 1) + datetime.timedelta(seconds=asked["second"])
    timeutils.set_time_override(now)
    request = webob.Request.blank(asked["path"], base_url="http://127.0.0.1:9292")
    request.method = asked["method"]
    for name, value in asked["headers"]:
        request.headers[name] = value
    body = bytes.fromhex(asked["body"])
    if body or asked["method"] in ("POST", "PUT", "PATCH"):
        request.body = body
    try:
        answer = request.get_response(application)
        found = {"status": answer.status_int, "headers": list(answer.headerlist), "body": answer.body.hex()}
    except Exception as error:  # what a server around it would answer
        found = {"status": 500, "headers": [], "body": repr(error).encode().hex()}
    answers.write(json.dumps(found) + "\n")
    answers.flush()
os._exit(0)
