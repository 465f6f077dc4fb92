"""Prints every option that Glance and its libraries register, one JSON object a line, sorted by group and name.

Only facts are taken: names, types, bounds, defaults, old names. What an option does here is written in the project.
"""

import json
import logging
import sys
import warnings
from unittest import mock

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)
# The driver needs programs that are on few machines; its list of options does not.
for absent in ("os_brick", "os_brick.initiator", "os_brick.initiator.connector", "os_brick.i18n", "cinderclient", "cinderclient.apiclient",
               "cinderclient.v3"):
    sys.modules.setdefault(absent, mock.MagicMock())

from keystoneauth1 import loading
from oslo_config import cfg, generator, types

NAMESPACES = [
    "glance", "glance.api", "glance.cache", "glance.manage", "glance.scrubber", "glance.store", "glance.multi_store",
    "keystonemiddleware.audit", "keystonemiddleware.auth_token", "oslo.concurrency", "oslo.db", "oslo.limit",
    "oslo.log", "oslo.messaging", "oslo.middleware", "oslo.middleware.basic_auth", "oslo.middleware.cors",
    "oslo.middleware.healthcheck", "oslo.middleware.http_proxy_to_wsgi", "oslo.middleware.sizelimit",
    "oslo.middleware.tracing", "oslo.policy", "oslo.reports", "osprofiler",
]
# Ways to log in, whose options appear in a section once auth_type names them.
PLUGINS = [
    "password", "token", "admin_token", "none", "http_basic", "v2password", "v2token", "v3password", "v3token",
    "v3applicationcredential", "v3oidcclientcredentials", "v3oidcpassword", "v3oidcaccesstoken",
]
KINDS = {
    types.Boolean: "bool", types.Port: "port", types.Integer: "int", types.Float: "float", types.Dict: "dict",
    types.URI: "uri", types.HostAddress: "host", types.MultiString: "multi", types.String: "str",
    str: "str", int: "int", bool: "bool", float: "float",
}


def kind(option):
    if isinstance(option, cfg.MultiOpt):
        return "multi"
    if isinstance(option.type, types.List):
        return "bounded" if option.type.bounds else "list"
    for known, name in KINDS.items():
        if option.type is known or type(option.type) is known:
            return name
    return "str"


def text(option, value):
    """The value as it stands in a file."""
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return ",".join(f"{key}:{item}" for key, item in value.items())
    if isinstance(value, (list, tuple)):
        if kind(option) == "multi":
            return "\n".join(str(item) for item in value)
        joined = ",".join(str(item) for item in value)
        return f"[{joined}]" if kind(option) == "bounded" else joined
    return str(value)


# Defaults that tell of the machine and program that list them.
LOCAL = {("oslo_messaging_rabbit", "hostname"), ("oslo_messaging_rabbit", "processname")}


def described(group, option):
    numbers = isinstance(option.type, (types.Integer, types.Float))
    facts = {
        "group": group,
        "name": option.dest,
        "kind": kind(option),
        "default": None if (group, option.dest) in LOCAL else text(option, option.default),
        "sample": text(option, option.sample_default),
        "choices": [str(choice) for choice in getattr(option.type, "choices", None) or []],
        "ignore_case": bool(getattr(option.type, "ignore_case", False)),
        "min": getattr(option.type, "min", None) if numbers else None,
        "max": getattr(option.type, "max", None) if numbers else None,
        "old": [[old.group, old.name.replace("-", "_") if old.name else option.dest] for old in option.deprecated_opts],
        "deprecated": bool(option.deprecated_for_removal),
        "secret": bool(option.secret),
        "mutable": bool(option.mutable),
    }
    return {name: value for name, value in facts.items() if value not in (None, [], False)}


def listed():
    for _, groups in generator._list_opts(sorted(NAMESPACES)):
        for group, options in groups:
            for option in options:
                yield str(getattr(group, "name", group) or "DEFAULT"), option
    from glance_store._drivers.cinder import store as cinder

    for option in cinder._CINDER_OPTS:
        yield "glance.store.cinder.store", option
        yield "glance_store", option
    for section in ("keystone_authtoken", "oslo_limit"):
        for option in loading.get_auth_common_conf_options():
            yield section, option
        for plugin in PLUGINS:
            for option in loading.get_plugin_loader(plugin).get_options():
                yield section, option._to_oslo_opt()


known = {}
for group, option in listed():
    known.setdefault((group, option.dest), described(group, option))
for key in sorted(known):
    print(json.dumps(known[key]))
