//! Paste files: as deployments have them, and the edges of the format.

/// What is asked about each file: an application and a flavor.
pub(super) const QUESTIONS: &[(&str, &str)] =
    &[("main", ""), ("glance-api", ""), ("glance-api-keystone", "keystone"), ("api", "keystone"), ("svc", "odd")];

/// Options that may stand in any section.
pub(super) const OPTIONS: &[&str] = &[
    "option = 1\n",
    "spaced   =   a  b \n",
    "colon: x=y\n",
    "root = local\n",
    "from_root = %(root)s/x\n",
    "place = %(here)s and %(__file__)s\n",
    "percent = 100%%\n",
    "set root = /elsewhere\n",
    "set fresh = %(name)s\n",
    "set __file__ = other\n",
    "get taken = root\n",
    "get root = name\n",
    "filter-with = x\n",
    "filter-with = y\n",
    "require = PasteDeploy\n",
    "\n# a comment\n; another\n",
    "long = one\n   two\n\n   three\n",
    "broken = %(nowhere)s\n",
];

/// A file, and the file `other.ini` beside it.
pub(super) const FILES: &[(&str, &str)] = &[
    (CURRENT, ""),
    (OLDER, ""),
    (FIRST, ""),
    (STRAIGHT, ""),
    ("", ""),
    ("[app:main]\npaste.app_factory = m:app\n", ""),
    ("[app:main]\npaste.app_factory = m:app\nnumber = 1\ntext: two\n  lines\nempty =\n", ""),
    ("[application:main]\nuse = egg:some\n", ""),
    ("[app]\nuse = egg:some\n", ""),
    ("[app:main]\nuse = egg:some#name\nx = 1\n", ""),
    ("[app:main]\nuse = EGG:some#name\n", ""),
    ("[app:main]\nuse = http:some\n", ""),
    ("[app:main]\nuse = call:m:app\nx = 1\n", ""),
    ("[app:main]\nuse = call:m\n", ""),
    ("[app:main]\nuse = other\nx = 1\ny = 2\n[app:other]\npaste.app_factory = m:app\nx = 0\nz = 3\n", ""),
    ("[app:main]\nuse = other\n[composite:other]\nuse = egg:Paste#urlmap\n/ = end\n[app:end]\nuse = egg:e\n", ""),
    ("[app:main]\nuse = main\n", ""),
    ("[app:main]\nuse = other\n[app:other]\nuse = main\n", ""),
    ("[pipeline:main]\npipeline = main\n", ""),
    ("[composite:main]\nuse = egg:Paste#urlmap\n/ = main\n", ""),
    ("[pipeline:main]\npipeline =\n", ""),
    ("[pipeline:main]\n", ""),
    ("[pipeline:main]\npipeline = x end\nextra = 1\n[filter:x]\nuse = egg:x\n[app:end]\nuse = egg:e\n", ""),
    ("[pipeline:main]\npipeline = nix end\n[app:end]\nuse = egg:e\n", ""),
    ("[pipeline:main]\npipeline = x nix\n[filter:x]\nuse = egg:x\n", ""),
    ("[pipeline:main]\npipeline = egg:x#y call:m:f end\n[app:end]\nuse = egg:e\n", ""),
    ("[pipeline:main]\npipeline = egg:x#y end\n[app:end]\nuse = egg:e\n", ""),
    (
        "[pipeline:main]\npipeline = a\n  b\n\n  end\n[filter:a]\nuse = egg:a\n[filter:b]\nuse = b2\nk = 1\n[filter:b2]\n\
      paste.filter_app_factory = m:b\nk = 2\n[app:end]\nuse = egg:e\n",
        "",
    ),
    ("[filter-app:main]\nuse = egg:f\nnext = end\nk = 1\n[app:end]\nuse = egg:e\n", ""),
    (
        "[filter-app:main]\npaste.filter_factory = m:f\nnext = p\nk = 1\n[pipeline:p]\npipeline = f end\n[filter:f]\n\
      use = egg:g\n[app:end]\nuse = egg:e\n",
        "",
    ),
    ("[filter-app:main]\nuse = call:m:f\nnext = end\n[app:end]\nuse = egg:e\n", ""),
    ("[filter-app:main]\nuse = egg:f\n", ""),
    (
        "[app:main]\nuse = fa\nk = 2\nset s = 3\n[filter-app:fa]\npaste.filter_factory = m:f\nnext = end\nk = 1\n\
      [app:end]\nuse = egg:e\n",
        "",
    ),
    (
        "[app:main]\nuse = egg:e\nfilter-with = f\n[filter:f]\nuse = egg:f\nfilter-with = g\n[filter:g]\nuse = egg:g\n",
        "",
    ),
    (
        "[pipeline:main]\npipeline = f end\n[filter:f]\nuse = egg:f\nfilter-with = g\n[filter:g]\nuse = egg:g\n\
      [app:end]\npaste.app_factory = m:e\nfilter-with = f\n",
        "",
    ),
    ("[pipeline:main]\npipeline = f end\nfilter-with = f\n[filter:f]\nuse = egg:f\n[app:end]\nuse = egg:e\n", ""),
    (
        "[app:main]\nuse = inner\nk = 2\nset s = 4\n[app:inner]\npaste.app_factory = m:e\nfilter-with = f\nk = 1\n\
      [filter:f]\nuse = egg:f\n",
        "",
    ),
    (
        "[app:main]\nuse = inner\nk = 2\nset s = 4\n[app:inner]\nuse = egg:e\nfilter-with = f\nk = 1\n\
      [filter:f]\nuse = egg:f\n",
        "",
    ),
    ("[app:main]\npaste.app_factory = m:a\npaste.composite_factory = m:b\n", ""),
    ("[app:main]\npaste.filter_factory = m:a\n", ""),
    ("[app:main]\npaste.composite_factory = glance.api:root_app_factory\n/ = end\n[app:end]\nuse = egg:e\n", ""),
    ("[composite:main]\npaste.app_factory = m:a\n", ""),
    ("[composite:main]\npaste.composite_factory = m:unknown\n/ = end\n[app:end]\nuse = egg:e\n", ""),
    ("[composit:main]\nuse = call:glance.api:root_app_factory\n/ = end\n//v2/ = end\n[app:end]\nuse = egg:e\n", ""),
    ("[composite:main]\nuse = egg:Paste#urlmap\nv2 = end\n[app:end]\nuse = egg:e\n", ""),
    ("[composite:main]\nuse = egg:Paste#urlmap\n/ = egg:e#direct\n/c = call:m:direct\n", ""),
    ("[composite:main]\nuse = egg:Paste#urlmap\n/ = egg:e#direct\n/o = config:other.ini#o\n", "[app:o]\nuse = egg:o\n"),
    ("[composite:main]\nuse = egg:Paste#urlmap\n", ""),
    ("[app:main]\nuse = egg:a\n[pipeline:main]\npipeline = main\n", ""),
    ("[app:main]\nuse = egg:a\n[application:main]\nuse = egg:b\n", ""),
    ("[app:main]\nuse = egg:a\n[app: main ]\nuse = egg:b\n", ""),
    ("[app:main]\nuse = egg:a\n[app:main]\nuse = egg:b\n", ""),
    ("[app:main]\nuse = egg:a\nuse = egg:b\n", ""),
    ("[DEFAULT]\na = 1\nb = %(a)s2\n[app:main]\nuse = egg:a\nc = %(b)s3\na = hidden\nget d = b\nset b = new\n", ""),
    ("[DEFAULT]\na = 1\n[DEFAULT]\nb = 2\n[app:main]\nuse = egg:a\n", ""),
    ("[DEFAULT]\na = 1\na = 2\n[app:main]\nuse = egg:a\n", ""),
    ("[DEFAULT]\nuse = egg:a\n[app:main]\nk = 1\n", ""),
    ("[DEFAULT]\nhere = mine\n[app:main]\nuse = egg:a\nx = %(here)s %(__file__)s\n", ""),
    ("[DEFAULT]\nset a = 1\nget b = a\n[app:main]\nuse = egg:a\n", ""),
    ("[DEFAULT]\nbroken = %(nowhere)s\n[app:main]\nuse = egg:a\n", ""),
    ("[DEFAULT]\nloop = %(loop)s\n[app:main]\nuse = egg:a\n", ""),
    ("[app:main]\nuse = egg:a\nget x = nowhere\n", ""),
    ("[app:main]\nuse = egg:a\nx = 50% of it\n", ""),
    ("[app:main]\nuse = egg:a\nx = 50%% of %%(it)s\n", ""),
    ("[app:main]\nuse = egg:a\nx = a ; no comment # either\n# comment\n  ; comment\ny = 1\n", ""),
    ("[app:main]\nuse = egg:a\nset scope = outer\nset scope = twice\n", ""),
    (
        "[app:main]\nuse = b\nset scope = outer\n[app:b]\npaste.app_factory = m:b\nset scope = inner\nget s = scope\n",
        "",
    ),
    (
        "[pipeline:main]\npipeline = f end\nset scope = outer\n[filter:f]\nuse = egg:f\nget s = scope\n[app:end]\nuse = egg:e\n",
        "",
    ),
    (
        "[app:main]\nuse = config:other.ini\n[app:end]\nuse = egg:mine\n",
        "[composite:main]\nuse = egg:Paste#urlmap\n/ = end\n[app:end]\nuse = egg:theirs\n",
    ),
    (
        "[DEFAULT]\na = 1\nb = 2\n[app:main]\nuse = config:other.ini#x\nset c = 3\n",
        "[DEFAULT]\nb = 5\n[app:x]\npaste.app_factory = m:x\na = local\nd = %(b)s %(a)s %(c)s\n",
    ),
    (
        "[pipeline:main]\npipeline = config:other.ini#f config:other.ini#end\n",
        "[filter:f]\nuse = egg:f\nplace = %(here)s\n[app:end]\nuse = egg:e\nplace = %(__file__)s\n",
    ),
    ("[app:main]\nuse = config:other.ini#main\n", "[app:main]\nuse = config:main.ini#main\n"),
    ("[app:main]\nuse = config:nowhere.ini\n", ""),
    ("[app:main]\nuse = config:other.ini#nix\n", "[app:x]\nuse = egg:x\n"),
    ("[app:main\nuse = egg:a\n", ""),
    ("use = egg:a\n", ""),
    ("[app:main]\nuse = egg:a\nnothing\n", ""),
    ("[app:main] trailing\nuse = egg:a\n", ""),
    ("  [app:main]\n  use = egg:a\n   and more\n", ""),
    ("[APP:main]\nuse = egg:a\n", ""),
    ("[app:main]\nUse = egg:a\n", ""),
    ("[app:main]\r\nuse = egg:a\r\nx = 1\r\n", ""),
    ("[server:main]\nuse = egg:Paste#http\n[app:main]\nuse = egg:a\nrequire = PasteDeploy\n", ""),
];

/// What PasteDeploy can do and we cannot, and a part of our refusal.
pub(super) const REFUSED: &[(&str, &str)] = &[
    (
        "[composite:main]\nuse = egg:Paste#urlmap\nnot_found_app = end\n/ = end\n[app:end]\nuse = egg:e\n",
        "not_found_app",
    ),
    (
        "[DEFAULT]\nnot_found_app = end\n[composite:main]\nuse = egg:Paste#urlmap\n/ = end\n[app:end]\nuse = egg:e\n",
        "not_found_app",
    ),
    (
        "[composite:main]\nuse = egg:Paste#urlmap\ndomain images.example / = end\n[app:end]\nuse = egg:e\n",
        "a path starts with a slash",
    ),
];

/// As Glance has it since composites came before the flavors, with what operators change in it.
const CURRENT: &str = "\
[DEFAULT]
healthcheck_flag = %(here)s/maintenance

[composite:glance-api]
paste.composite_factory = glance.api:root_app_factory
/: api
/healthcheck: health

[composite:glance-api-keystone]
paste.composite_factory = glance.api:root_app_factory
/: api
/healthcheck: health

[composite:api]
paste.composite_factory = glance.api:pipeline_factory
default = cors proxy versions anonymous root
keystone = cors proxy sizes versions token
    context
    root

[composite:root]
paste.composite_factory = glance.api:root_app_factory
/: versions_app
/v2: v2_app

[app:versions_app]
paste.app_factory = glance.api.versions:create_resource
[app:v2_app]
paste.app_factory = glance.api.v2.router:API.factory
[app:health]
paste.app_factory = oslo_middleware:Healthcheck.app_factory
backends = disable_by_file
disable_by_file_path = %(healthcheck_flag)s

[filter:cors]
use = egg:oslo.middleware#cors
oslo_config_project = glance
allowed_origin = https://one.example,https://two.example
[filter:proxy]
paste.filter_factory = oslo_middleware:HTTPProxyToWSGI.factory
[filter:sizes]
use = egg:oslo.middleware#sizelimit
[filter:versions]
paste.filter_factory = glance.api.middleware.version_negotiation:VersionNegotiationFilter.factory
[filter:anonymous]
paste.filter_factory = glance.api.middleware.context:UnauthenticatedContextMiddleware.factory
[filter:token]
paste.filter_factory = keystonemiddleware.auth_token:filter_factory
delay_auth_decision = true
[filter:context]
paste.filter_factory = glance.api.middleware.context:ContextMiddleware.factory
";

/// One pipeline for each flavor, ending in a composite of both versions of the API.
const OLDER: &str = "\
# pipelines by flavor
[pipeline:glance-api]
pipeline = healthcheck versionnegotiation osprofiler unauthenticated-context rootapp

[pipeline:glance-api-keystone]
pipeline = healthcheck versionnegotiation osprofiler authtoken context  rootapp

[composite:rootapp]
paste.composite_factory = glance.api:root_app_factory
/: apiversions
/v1: apiv1app
/v2: apiv2app

[app:apiversions]
paste.app_factory = glance.api.versions:create_resource
[app:apiv1app]
paste.app_factory = glance.api.v1.router:API.factory
[app:apiv2app]
paste.app_factory = glance.api.v2.router:API.factory

[filter:healthcheck]
paste.filter_factory = oslo_middleware:Healthcheck.factory
backends = disable_by_file
disable_by_file_path = /etc/glance/healthcheck_disable
[filter:versionnegotiation]
paste.filter_factory = glance.api.middleware.version_negotiation:VersionNegotiationFilter.factory
[filter:unauthenticated-context]
paste.filter_factory = glance.api.middleware.context:UnauthenticatedContextMiddleware.factory
[filter:authtoken]
paste.filter_factory = keystonemiddleware.auth_token:filter_factory
auth_host = %(here)s
[filter:context]
paste.filter_factory = glance.api.middleware.context:ContextMiddleware.factory
[filter:osprofiler]
paste.filter_factory = osprofiler.web:WsgiMiddleware.factory
hmac_keys = SECRET_KEY
enabled = yes
";

/// From the first years: `use = call:` and `egg:`, filters that are applications, and everything below one name.
const FIRST: &str = "\
[DEFAULT]
verbose = True

[pipeline:glance-api]
pipeline = versions context apps

[composite:apps]
use = egg:Paste#urlmap
/: choose
/v1: v1

[app:choose]
use = call:glance.api.versions:app_factory
[app:v1]
use = call:glance.api.v1:app_factory
verbose = False
[filter:versions]
use = call:glance.api.middleware:version_factory
[filter:context]
use = context_base
[filter:context_base]
use = egg:glance#context
set verbose = sometimes
";

/// Without composites: a filter that wraps the application directly.
const STRAIGHT: &str = "\
[filter-app:glance-api]
use = context
next = counted

[app:counted]
use = api
filter-with = counter
limit = 20

[app:api]
paste.app_factory = glance.api.v2.router:API.factory
limit = 10

[filter:context]
paste.filter_factory = glance.api.middleware.context:ContextMiddleware.factory
[filter:counter]
paste.filter_app_factory = example.counter:make
get where = here
";
