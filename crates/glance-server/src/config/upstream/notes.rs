//! What becomes of the options of Python Glance that have no table of their own here.
//!
//! The first line that fits counts. A `*` at the end of a name stands for any ending.

const QUEUE: &str = "Has no effect yet: notifications are not sent.";
const PROFILER: &str = "Has no effect: there is no osprofiler here.";
const CACHE: &str = "Has no effect yet: there is no image cache.";
const IMPORT: &str = "Has no effect yet: there is no image import.";
const SCRUBBER: &str = "Has no effect yet: there is no scrubber, and deleted images go at once.";
const STORE: &str = "NOT SUPPORTED yet: stores of this type are not available.";
const NAMED: &str = "Has no effect: the stores have names, and sections of their own.";
const TOKENS: &str = "Has no effect: the service logs in with a password, an application credential or a token.";
const MEMCACHED: &str = "NOT SUPPORTED yet: memcached is talked to without TLS and SASL.";
const REPORTS: &str = "Has no effect: there are no Guru Meditation reports.";
const POOL: &str = "Has no effect: the connections to the database are renewed and retried by themselves.";
const RETRIES: &str = "Has no effect: Keystone is asked again only when it cannot be reached (connect_retries).";
const VERSION_3: &str = "Has no effect: version 3 of the Identity API is used.";
const DEBUGGER: &str = "Has no effect: there is no Python to debug.";

/// Group, name, and what becomes of it.
const NOTES: &[(&str, &str, &str)] = &[
    ("DEFAULT", "control_exchange", QUEUE),
    ("DEFAULT", "default_publisher_id", QUEUE),
    ("DEFAULT", "disabled_notifications", QUEUE),
    ("DEFAULT", "executor_thread_pool_size", QUEUE),
    ("DEFAULT", "http_retries", "Has no effect: calls between nodes are retried as often as it takes."),
    ("DEFAULT", "rpc_*", QUEUE),
    ("DEFAULT", "transport_url", QUEUE),
    ("DEFAULT", "daemon", SCRUBBER),
    ("DEFAULT", "delayed_delete", SCRUBBER),
    ("DEFAULT", "restore", SCRUBBER),
    ("DEFAULT", "scrub_*", SCRUBBER),
    ("DEFAULT", "wakeup_time", SCRUBBER),
    ("DEFAULT", "image_cache_*", CACHE),
    ("DEFAULT", "worker_self_reference_url", IMPORT),
    ("DEFAULT", "node_staging_uri", IMPORT),
    ("DEFAULT", "digest_algorithm", "Has no effect: upstream ignores it, too, where signatures are checked."),
    ("DEFAULT", "do_secure_hash", "Has no effect yet: locations are hashed when clients give them."),
    ("DEFAULT", "fatal_deprecations", "Has no effect: deprecated options are reported by config check."),
    ("DEFAULT", "allow_anonymous_access", "Callers without a name may read what is public."),
    ("DEFAULT", "pydev_worker_*", DEBUGGER),
    ("audit_middleware_notifications", "*", QUEUE),
    ("cors", "*", "What browsers may do on behalf of other sites."),
    ("database", "slave_connection", "Has no effect, nor has it in Python Glance."),
    ("database", "connection_trace", "Has no effect: there are no stacks of Python; connection_debug logs statements."),
    ("database", "*", POOL),
    ("glance_download_properties", "*", IMPORT),
    ("glance_store", "filesystem_*", NAMED),
    ("glance_store", "http*", NAMED),
    ("glance_store", "*", STORE),
    ("glance.store.http.store", "*", "Used by stores of this type."),
    ("file", "*", "Used by stores of this type."),
    ("cinder", "*", STORE),
    ("glance.store.*", "*", STORE),
    ("healthcheck", "*", "What /healthcheck looks at and tells; options in the paste file count before it."),
    ("image_conversion", "*", IMPORT),
    ("image_import_opts", "*", IMPORT),
    ("inject_metadata_properties", "*", IMPORT),
    ("keystone_authtoken", "memcache_tls_*", MEMCACHED),
    ("keystone_authtoken", "memcache_sasl_enabled", MEMCACHED),
    ("keystone_authtoken", "memcache_username", MEMCACHED),
    ("keystone_authtoken", "memcache_password", MEMCACHED),
    ("keystone_authtoken", "memcache_use_advanced_pool", "Has no effect: there is always a pool."),
    ("keystone_authtoken", "memcache*", "How services share what they know about tokens."),
    ("keystone_authtoken", "cache", "Has no effect: there is no Swift to share a cache with."),
    ("keystone_authtoken", "enforce_token_bind", "Has no effect: Keystone binds no tokens."),
    ("keystone_authtoken", "auth_version", VERSION_3),
    ("keystone_authtoken", "access_token*", TOKENS),
    ("keystone_authtoken", "client_*", TOKENS),
    ("keystone_authtoken", "discovery_endpoint", TOKENS),
    ("keystone_authtoken", "endpoint", TOKENS),
    ("keystone_authtoken", "identity_provider", TOKENS),
    ("keystone_authtoken", "idp_otp_key", TOKENS),
    ("keystone_authtoken", "protocol", TOKENS),
    ("keystone_authtoken", "scope", TOKENS),
    ("keystone_authtoken", "*", "How callers' tokens are validated with Keystone."),
    ("oslo_concurrency", "*", "Has no effect: nothing is locked through files."),
    ("oslo_limit", "collect_timing", "Has no effect: only the whole request is measured."),
    ("oslo_limit", "split_loggers", "Has no effect: there is one logger for Keystone."),
    ("oslo_limit", "connect_retry_delay", RETRIES),
    ("oslo_limit", "retriable_status_codes", RETRIES),
    ("oslo_limit", "status_code_*", RETRIES),
    ("oslo_limit", "tls_*", "Has no effect: TLS 1.2 and 1.3 are spoken."),
    ("oslo_limit", "min_version", VERSION_3),
    ("oslo_limit", "max_version", VERSION_3),
    ("oslo_limit", "service_name", VERSION_3),
    ("oslo_limit", "service_type", VERSION_3),
    ("oslo_limit", "tenant_*", VERSION_3),
    ("oslo_limit", "access_token*", TOKENS),
    ("oslo_limit", "client_*", TOKENS),
    ("oslo_limit", "discovery_endpoint", TOKENS),
    ("oslo_limit", "endpoint", TOKENS),
    ("oslo_limit", "identity_provider", TOKENS),
    ("oslo_limit", "idp_otp_key", TOKENS),
    ("oslo_limit", "protocol", TOKENS),
    ("oslo_limit", "scope", TOKENS),
    ("oslo_limit", "*", "How the limits of projects are asked of Keystone."),
    ("oslo_messaging_*", "*", QUEUE),
    ("oslo_middleware", "*", "Used by the filters of the pipeline."),
    ("oslo_middleware_tracing", "*", PROFILER),
    ("oslo_reports", "*", REPORTS),
    ("profiler*", "*", PROFILER),
    ("task", "*", IMPORT),
    ("taskflow_executor", "*", IMPORT),
    ("wsgi", "*", "Has no effect: the number of threads follows from the machine's cores."),
];

/// What becomes of an option that has no table of its own; `None` when it is unknown.
#[must_use]
pub fn note(group: &str, name: &str) -> Option<&'static str> {
    NOTES.iter().find(|(groups, names, _)| fits((groups, names), group, name)).map(|(.., note)| *note)
}

/// Whether a line of the table is about the option.
pub(super) fn fits((groups, names): (&str, &str), group: &str, name: &str) -> bool {
    let fits = |pattern: &str, text: &str| match pattern.strip_suffix('*') {
        Some(start) => text.starts_with(start),
        None => text == pattern,
    };
    fits(groups, group) && fits(names, name)
}

/// The groups and names that the lines are about.
#[cfg(test)]
pub(super) fn patterns() -> impl Iterator<Item = (&'static str, &'static str)> {
    NOTES.iter().map(|(groups, names, _)| (*groups, *names))
}
