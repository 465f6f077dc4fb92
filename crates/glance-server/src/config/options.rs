//! What options there are: the single source for parsing, checking and documentation.
//!
//! Names and defaults are those of Glance.

mod database;
mod limits;
mod listening;
mod logging;

use oslo::config::{Kind, OldName, OptionDef};

pub use database::DATABASE;
pub use limits::{LIMITS, REQUESTS};
pub use listening::LISTENING;
pub use logging::LOGGING;

const SIZE_CAP: &str = "1099511627776";
const CONTAINERS: &str = "ami,ari,aki,bare,ovf,ova,docker,compressed";
const DISKS: &str = "ami,ari,aki,vhd,vhdx,vmdk,raw,qcow2,vdi,iso,ploop";
/// The largest image that fits the database's 64-bit column, in bytes.
const SIZE_MAX: i64 = 9_223_372_036_854_775_807;

/// Options of `[DEFAULT]`.
pub const DEFAULT: &[OptionDef] = &[
    default("debug", Kind::Bool, "Log more.").default("false").mutable(),
    default("bind_host", Kind::HostAddress, "Address to listen on."),
    default("bind_port", Kind::Port, "Port to listen on.").default("9292"),
    default("public_endpoint", Kind::Str, "URL under which clients reach the service; links begin with it."),
    default("enabled_backends", Kind::Dict, "Stores as name:type pairs. Unset: one store, as [glance_store] says."),
    default("enabled_import_methods", Kind::BoundedList, "Import methods that are offered. None exists yet."),
    default("hashing_algorithm", Kind::Str, "Digest behind os_hash_value, by its name in Python's hashlib.")
        .default("sha512"),
    default("image_size_cap", Kind::Int, "Largest image, in bytes.").default(SIZE_CAP).min(1).max(SIZE_MAX),
    default("image_member_quota", Kind::Int, "Projects that one image is shared with; negative: any number.")
        .default("128"),
    default("image_property_quota", Kind::Int, "Custom properties of one image; negative: any number.").default("128"),
    default("image_tag_quota", Kind::Int, "Tags of one image; negative: any number.").default("128"),
    default("image_location_quota", Kind::Int, "Locations of one image; negative: any number.").default("10"),
    default(
        "user_storage_quota",
        Kind::Str,
        "Bytes of all images of a project, or a number of KB, MB, GB, TB; 0: any.",
    )
    .default("0"),
    default("use_keystone_limits", Kind::Bool, "Ask Keystone how much projects may have, as [oslo_limit] says.")
        .default("false"),
    default("property_protection_file", Kind::Str, "File that says who may read and change which properties."),
    default("property_protection_rule_format", Kind::Str, "What that file lists: roles, or rules of the policy.")
        .default("roles")
        .choices(&["roles", "policies"]),
    default("limit_param_default", Kind::Int, "Length of a page when the client does not say.").default("25").min(1),
    default("api_limit_max", Kind::Int, "Longest page.").default("1000").min(1),
    default("max_request_id_length", Kind::Int, "Longest request id that is taken from a client.").default("64").min(0),
    default("show_image_direct_url", Kind::Bool, "Show the first location of an image as direct_url.").default("false"),
    default("show_multiple_locations", Kind::Bool, "Show all locations of an image.").default("false"),
    default("metadata_encryption_key", Kind::Str, "Key of 16, 24 or 32 bytes for the URLs of locations.")
        .secret()
        .deprecated("Whoever can read the database's configuration can read the key."),
    default("metadata_source_path", Kind::Str, "Folder of the JSON files that glance-manage db load_metadefs reads.")
        .default("/etc/glance/metadefs/"),
    default("image_cache_dir", Kind::Str, "Folder of the image cache. There is no cache yet; versions are announced."),
];

/// Options of `[image_format]`.
pub const IMAGE_FORMAT: &[OptionDef] = &[
    format("container_formats", Kind::List, "Accepted values of container_format.")
        .default(CONTAINERS)
        .old_names(&[OldName { group: Some("DEFAULT"), name: "container_formats" }]),
    format("disk_formats", Kind::List, "Accepted values of disk_format.")
        .default(DISKS)
        .old_names(&[OldName { group: Some("DEFAULT"), name: "disk_formats" }]),
    format("vmdk_allowed_types", Kind::List, "VMDK subformats that are converted on import. No effect yet.")
        .default("streamOptimized,monolithicSparse"),
    format(
        "require_image_format_match",
        Kind::Bool,
        "Refuse data that is not of the declared format. Dangerous data is refused in any case.",
    )
    .default("true"),
    format("gpt_safety_checks_nonfatal", Kind::List, "Failed checks of partition tables that only warn.").default(""),
];

/// Options of `[glance_store]` that are about all stores.
pub const GLANCE_STORE: &[OptionDef] = &[
    OptionDef::new("glance_store", "default_backend", Kind::Str, "Store for images that name none."),
    OptionDef::new("glance_store", "default_store", Kind::Str, "Type of the one store where stores have no names.")
        .default("file"),
    OptionDef::new("glance_store", "stores", Kind::List, "Types of stores where stores have no names.")
        .default("file,http"),
];

/// Options of `[node]`, this service's own.
pub const NODE: &[OptionDef] = &[
    OptionDef::new(
        "node",
        "lease",
        Kind::Int,
        "Seconds after which other nodes take over from a node that cannot renew its lease in the database.",
    )
    .default("60")
    .min(3)
    .max(3600),
    OptionDef::new("node", "heartbeat", Kind::Int, "Seconds between renewals; at most a sixth of the lease is used.")
        .default("10")
        .min(1)
        .max(600),
];

/// Options of `[traces]`, this service's own.
pub const TRACES: &[OptionDef] = &[
    OptionDef::new(
        "traces",
        "endpoint",
        Kind::Str,
        "URL for traces as OTLP over HTTP, such as http://host:4318/v1/traces.",
    )
    .sample("http://127.0.0.1:4318/v1/traces"),
    OptionDef::new("traces", "service_name", Kind::Str, "What the service is called there.").default("glance-api"),
    OptionDef::new("traces", "ratio", Kind::Float, "Share of the traces that begin here and are sent, from 0 to 1.")
        .default("1")
        .min(0)
        .max(1),
];

/// Options of `[paste_deploy]`.
pub const PASTE_DEPLOY: &[OptionDef] = &[
    OptionDef::new(
        "paste_deploy",
        "flavor",
        Kind::Str,
        "Which pipeline serves requests. Unset: nobody is asked who they are.",
    ),
    OptionDef::new(
        "paste_deploy",
        "config_file",
        Kind::Str,
        "File with the pipelines. The standard ones are built in.",
    ),
];

/// Options of `[import_filtering_opts]`.
pub const IMPORT_FILTERING: &[OptionDef] = &[
    filtering("allowed_schemes", "Schemes of URLs that are fetched for clients.").default("[http,https]"),
    filtering("disallowed_schemes", "Schemes of URLs that are not; without effect beside allowed ones.").default("[]"),
    filtering("allowed_hosts", "Hosts that are asked for clients, on this machine, too.").default("[]"),
    filtering("disallowed_hosts", "Hosts that are not; without effect beside allowed ones.").default("[]"),
    filtering("allowed_ports", "Ports that URLs may name.").default("[80,443]"),
    filtering("disallowed_ports", "Ports that they may not; without effect beside allowed ones.").default("[]"),
    OptionDef::new(
        "import_filtering_opts",
        "disallow_private",
        Kind::Bool,
        "Do not ask hosts of private networks for clients, but for those in allowed_hosts.",
    )
    .default("false"),
];

/// Options of `[oslo_policy]`.
pub const OSLO_POLICY: &[OptionDef] = &[
    policy("enforce_new_defaults", Kind::Bool, "What rules were in old releases is no longer good enough.")
        .default("true"),
    policy("policy_file", Kind::Str, "File with rules that override the defaults; YAML or JSON.")
        .default("policy.yaml"),
    policy("policy_dirs", Kind::MultiStr, "Folders of more such files, read in the order of their names.")
        .default("policy.d"),
    policy("policy_default_rule", Kind::Str, "Rule that decides where a rule is not defined.").default("default"),
    policy("remote_content_type", Kind::Str, "How other servers are asked.")
        .default("application/x-www-form-urlencoded")
        .choices(&["application/x-www-form-urlencoded", "application/json"]),
    policy("remote_ssl_verify_server_crt", Kind::Bool, "Refuse policy servers without a valid certificate.")
        .default("false"),
    policy("remote_ssl_ca_crt_file", Kind::Str, "Authorities that are trusted to certify policy servers."),
    policy("remote_ssl_client_crt_file", Kind::Str, "Certificate to show to policy servers."),
    policy("remote_ssl_client_key_file", Kind::Str, "Key of that certificate."),
    policy("remote_timeout", Kind::Float, "Seconds that a policy server may take.").default("60").min(0),
    policy("enforce_scope", Kind::Bool, "No effect: the scope of tokens always counts.")
        .default("true")
        .deprecated("the scope of tokens always counts"),
];

/// Options of one store, whatever its type.
pub const STORE: &[OptionDef] = &[
    store("store_description", Kind::Str, "What the store is, for people."),
    store("weight", Kind::Int, "Stores of greater weight are read from first.").default("0"),
];

/// Options of a file store.
pub const FILE_STORE: &[OptionDef] = &[
    store("filesystem_store_datadir", Kind::Str, "Folder of the images.").default("/var/lib/glance/images"),
    store("filesystem_store_datadirs", Kind::MultiStr, "Several folders, each with :priority."),
    store("filesystem_store_metadata_file", Kind::Str, "JSON file with metadata for new locations."),
    store("filesystem_store_file_perm", Kind::Int, "Permissions of image files as an octal number; 0: the umask's.")
        .default("0"),
    store("filesystem_store_chunk_size", Kind::Int, "Bytes of one read.").default("65536").min(1),
    store("filesystem_thin_provisioning", Kind::Bool, "Zeroes become holes.").default("false"),
    store("filesystem_store_identity", Kind::Bool, "Use only folders whose identity the catalogue knows.")
        .default("true"),
    store("filesystem_store_timeout", Kind::Int, "Seconds until a hanging file system is an error; 0: never.")
        .default("0")
        .min(0),
    store("filesystem_store_thread_pool_size", Kind::Int, "Operations of a file store under a timeout at once.")
        .default("10")
        .min(1),
    store("filesystem_store_threadpool_threshold", Kind::Int, "Percentage of those from which a warning is logged.")
        .default("75")
        .min(1)
        .max(100),
];

/// Options of an http store.
pub const HTTP_STORE: &[OptionDef] = &[
    store("https_ca_certificates_file", Kind::Str, "Certificates that are trusted."),
    store("https_insecure", Kind::Bool, "Trust every server.").default("true"),
    store("http_proxy_information", Kind::Dict, "Proxies as scheme:address pairs.").default(""),
];

/// All fixed groups.
pub const TABLES: &[&[OptionDef]] = &[
    DEFAULT,
    LISTENING,
    LOGGING,
    DATABASE,
    IMAGE_FORMAT,
    GLANCE_STORE,
    PASTE_DEPLOY,
    OSLO_POLICY,
    IMPORT_FILTERING,
    LIMITS,
    NODE,
    REQUESTS,
    TRACES,
];

const fn default(name: &'static str, kind: Kind, help: &'static str) -> OptionDef {
    OptionDef::new("DEFAULT", name, kind, help)
}

const fn format(name: &'static str, kind: Kind, help: &'static str) -> OptionDef {
    OptionDef::new("image_format", name, kind, help)
}

const fn filtering(name: &'static str, help: &'static str) -> OptionDef {
    OptionDef::new("import_filtering_opts", name, Kind::BoundedList, help)
}

const fn policy(name: &'static str, kind: Kind, help: &'static str) -> OptionDef {
    OptionDef::new("oslo_policy", name, kind, help)
}

const fn store(name: &'static str, kind: Kind, help: &'static str) -> OptionDef {
    OptionDef::new("glance_store", name, kind, help)
}
