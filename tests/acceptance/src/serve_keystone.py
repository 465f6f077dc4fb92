# A real Keystone on SQLite. Arguments: port, folder, lifetime of tokens in seconds, password of the user admin.
import os
import sys
from wsgiref import simple_server

port, folder, lifetime, password = sys.argv[1:]
del sys.argv[1:]  # oslo.config would read them
url = f'http://127.0.0.1:{port}/v3'
is_new = not os.path.exists(f'{folder}/keystone.conf')

if is_new:
    from cryptography.fernet import Fernet

    for keys in 'fernet', 'credential':
        os.makedirs(f'{folder}/{keys}', 0o700)
        for number in '0', '1':
            with open(f'{folder}/{keys}/{number}', 'wb') as key:
                key.write(Fernet.generate_key())
    with open(f'{folder}/keystone.conf', 'w') as configuration:
        configuration.write(f'''
[DEFAULT]
public_endpoint = {url.removesuffix('/v3')}
log_file = {folder}/keystone.log
[database]
connection = sqlite:///{folder}/keystone.sqlite
[cache]
enabled = false
[identity]
password_hash_rounds = 4
[token]
expiration = {lifetime}
[fernet_tokens]
key_repository = {folder}/fernet
[fernet_receipts]
key_repository = {folder}/fernet
[credential]
key_repository = {folder}/credential
[oslo_policy]
enforce_scope = true
enforce_new_defaults = true
''')

os.environ['OS_KEYSTONE_CONFIG_DIR'] = folder
from keystone import server
from keystone.cmd import bootstrap
from keystone.common.sql import upgrades
from keystone.server import wsgi


def set_up():
    server.configure(config_files=[f'{folder}/keystone.conf'])
    upgrades.offline_sync_database_to_version()
    first = bootstrap.Bootstrapper()
    first.admin_username = first.project_name = first.admin_role_name = 'admin'
    first.admin_password = password
    first.service_name = 'keystone'
    first.region_id = 'identity'
    first.public_url = first.internal_url = first.admin_url = url
    first.bootstrap()


# Setting up and serving do not go together in one process, and importing everything again takes longer than all of it.
if is_new:
    child = os.fork()
    if child == 0:
        set_up()
        os._exit(0)
    if os.waitpid(child, 0)[1] != 0:
        sys.exit('Keystone cannot be set up')


class Quiet(simple_server.WSGIRequestHandler):
    def log_message(self, *words):
        pass


application = wsgi.initialize_public_application()
# One request at a time: those that write to one SQLite file at once are refused.
simple_server.make_server('127.0.0.1', int(port), application, handler_class=Quiet).serve_forever()
