"""Answers each question on standard input as oslo.policy does: allow, deny or error."""

import json
import os
import sys
import warnings

import requests
from oslo_config import cfg
from oslo_policy import opts
from oslo_policy import policy

warnings.simplefilter("ignore")


class Response:
    def __init__(self, url):
        self.text = "True" if url.endswith("yes") else "False"

    def close(self):
        pass


requests.post = lambda url, **_: Response(url)


def default(entry):
    old = entry.get("old")
    if old:
        old = policy.DeprecatedRule(old["name"], old["check"], deprecated_reason="r", deprecated_since="s")
    return policy.RuleDefault(entry["name"], entry["check"], deprecated_rule=old, scope_types=entry["scopes"] or None)


PATH = os.path.abspath("policy.yaml")
CONF = cfg.ConfigOpts()
CONF(args=[], default_config_files=[], default_config_dirs=[])
opts._register(CONF)
CONF.set_override("policy_dirs", [], group="oslo_policy")


def answer(case):
    with open(PATH, "w") as file:
        json.dump(case["rules"], file)
    CONF.set_override("enforce_new_defaults", case["enforce_new_defaults"], group="oslo_policy")
    enforcer = policy.Enforcer(CONF, policy_file=PATH)
    enforcer.register_defaults([default(entry) for entry in case["defaults"]])
    try:
        return "allow" if enforcer.enforce(case["rule"], case["target"], case["credentials"]) else "deny"
    except Exception:
        return "error"


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))))
