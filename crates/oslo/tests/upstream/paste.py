"""Answers what PasteDeploy makes of a paste file: which factories are called, in which order and with which options."""

import importlib.abc
import importlib.machinery
import json
import sys
import types

# What is imported from here on is made up, so everything that is real comes first.
import glance.api
import paste.urlmap
from oslo_config import cfg
from paste import deploy
from paste.deploy import loadwsgi

cfg.CONF.register_opts([cfg.StrOpt("flavor")], group="paste_deploy")
REAL = {"glance.api:root_app_factory": glance.api.root_app_factory, "glance.api:pipeline_factory": glance.api.pipeline_factory}


class Made:
    """What a factory has made: an application, or a filter that waits for one."""

    def __init__(self, part):
        self.part = part
        self.behind = None

    def __call__(self, app):
        self.behind = app
        return self


class Factory:
    """Takes part in nothing, and remembers what it was called with."""

    def __init__(self, name):
        self.name = name

    def __getattr__(self, attribute):
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        return Factory(f"{self.name}.{attribute}")

    def __call__(self, first, *rest, **local):
        if self.name in REAL:
            return REAL[self.name](first, *rest, **local)
        wrapped = None
        if isinstance(first, (Made, paste.urlmap.URLMap)):
            wrapped, first, rest = first, rest[0], rest[1:]
        if rest or not isinstance(first, dict):
            raise TypeError("a composite that nobody knows")
        made = Made({"factory": self.name, "local": local, "global": dict(first)})
        made.behind = wrapped
        return made


class Anything(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Every module exists and has everything."""

    def find_spec(self, fullname, path=None, target=None):
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec):
        module = types.ModuleType(spec.name)
        module.__getattr__ = lambda name: absent(name) if name.startswith("__") else Factory(f"{spec.name}:{name}")
        return module

    def exec_module(self, module):
        pass


def absent(name):
    raise AttributeError(name)


class Entry:
    def __init__(self, name, factory):
        self.name = name
        self.factory = factory

    def load(self):
        return self.factory


def find_entry_point(package, group, name):
    """Every package has an application and a filter of every name; Paste has the map of URLs as a composite."""
    urlmap = package.lower() == "paste" and name == "urlmap"
    if urlmap and group == "paste.composite_factory":
        return Entry(name, paste.urlmap.urlmap_factory)
    if group == "paste.filter_factory" or (group == "paste.app_factory" and not urlmap):
        return Entry(name, Factory(f"egg:{package}#{name}"))
    return None


def tree(app):
    if isinstance(app, paste.urlmap.URLMap):
        return {"urls": {path: tree(below) for (domain, path), below in app.applications}}
    if app.behind is None:
        return {"app": app.part}
    return {"filter": app.part, "behind": tree(app.behind)}


def answer(case):
    cfg.CONF.set_override("flavor", case["flavor"] or None, group="paste_deploy")
    try:
        return tree(deploy.loadapp(f"config:{case['path']}", name=case["name"]))
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


loadwsgi.find_entry_point = find_entry_point
loadwsgi.importlib_metadata = types.SimpleNamespace(
    distribution=lambda name: name, EntryPoint=loadwsgi.importlib_metadata.EntryPoint
)
for name in ("glance", "glance.api"):
    del sys.modules[name]
sys.meta_path.insert(0, Anything())
for text in sys.stdin:
    print(json.dumps(answer(json.loads(text))))
