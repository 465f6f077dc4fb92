//! The options about where and how the service listens.
//!
//! Those of `[DEFAULT]` are from the releases of Glance that listened themselves; those of `[listen]` are this service's.

use oslo::config::{Kind, OptionDef};

/// How the service listens.
pub const LISTENING: &[OptionDef] = &[
    default("backlog", Kind::Int, "Connections that wait to be accepted.").default("4096").min(1),
    default("cert_file", Kind::Str, "Certificate of the service, PEM, with those of its authorities: TLS is spoken."),
    default("key_file", Kind::Str, "Private key of cert_file, PEM."),
    default("ca_file", Kind::Str, "Authorities, PEM: clients must show a certificate of theirs."),
    default(
        "client_socket_timeout",
        Kind::Int,
        "Seconds without progress after which a transfer is cut off; 0: never.",
    )
    .default("900")
    .min(0),
    default("http_keepalive", Kind::Bool, "Serve several requests on one connection.").default("true"),
    default("tcp_keepidle", Kind::Int, "Seconds of silence after which a peer is asked whether it is still there.")
        .default("600")
        .min(1),
    default("max_header_line", Kind::Int, "Has no effect: [listen] max_header_size bounds all headers together.")
        .default("16384")
        .min(0),
    listen("unix_socket", Kind::Str, "Listen on this Unix socket instead of an address."),
    listen("unix_socket_mode", Kind::Str, "Permissions of unix_socket, as an octal number.").default("660"),
    listen("max_connections", Kind::Int, "Connections that are served at once; more wait. 0: half of the open files.")
        .default("0")
        .min(0),
    listen("max_header_size", Kind::Int, "Largest first line and headers of a request, all together, in bytes.")
        .default("65536")
        .min(8192)
        .max(1 << 20),
    listen(
        "header_timeout",
        Kind::Int,
        "Seconds in which a client must send the headers of its first or next request.",
    )
    .default("60")
    .min(1),
    listen(
        "trusted_proxies",
        Kind::List,
        "Addresses and networks whose X-Forwarded headers and PROXY protocol are believed. Unset: everybody's headers.",
    ),
    listen(
        "proxy_protocol",
        Kind::Bool,
        "Connections of trusted_proxies begin with the PROXY protocol, version 1 or 2.",
    )
    .default("false"),
    OptionDef::new("metrics", "address", Kind::Str, "IP:port on which Prometheus asks for /metrics. Unset: nowhere."),
];

const fn default(name: &'static str, kind: Kind, help: &'static str) -> OptionDef {
    OptionDef::new("DEFAULT", name, kind, help)
}

const fn listen(name: &'static str, kind: Kind, help: &'static str) -> OptionDef {
    OptionDef::new("listen", name, kind, help)
}
