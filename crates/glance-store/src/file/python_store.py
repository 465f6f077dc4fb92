"""One operation of glance_store's filesystem driver: FOLDER add ID FILE | get URL FILE | delete URL."""

import sys

import glance_store
from glance_store import backend
from oslo_config import cfg

folder, operation, *words = sys.argv[1:]
conf = cfg.CONF
glance_store.register_opts(conf)
conf([], project="store-test", default_config_files=[])
conf.set_override("stores", ["file"], group="glance_store")
conf.set_override("filesystem_store_datadir", folder, group="glance_store")
backend.create_stores(conf)

if operation == "add":
    with open(words[1], "rb") as source:
        size = source.seek(0, 2)
        source.seek(0)
        url, *_ = backend.add_to_backend(conf, words[0], source, size, "file")
    print(url)
elif operation == "get":
    chunks, size = backend.get_from_backend(words[0])
    with open(words[1], "wb") as target:
        for chunk in chunks:
            target.write(chunk)
    print(size)
else:
    backend.delete_from_backend(words[0])
