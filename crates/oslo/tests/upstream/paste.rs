//! Pipelines: the file that Glance ships describes the pipelines that it documents.

use std::path::Path;
use std::process::Command;

use oslo::paste::{App, Composites, Route, load};

use super::python;

/// The filters of each flavor, as `glance-api-paste.ini` of Glance 33 has them.
const FLAVORS: &[(&str, &str)] = &[
    ("", "unauthenticated-context"),
    ("caching", "unauthenticated-context cache"),
    ("cachemanagement", "unauthenticated-context cache cachemanage"),
    ("keystone", "authtoken context"),
    ("keystone+caching", "authtoken context cache"),
    ("keystone+cachemanagement", "authtoken context cache cachemanage"),
];

#[test]
fn the_shipped_file_describes_every_flavor() {
    let Some(python) = python() else { return };
    let output = Command::new(python).args(["-c", "import sys; print(sys.prefix)"]).output().unwrap();
    let prefix = String::from_utf8(output.stdout).unwrap();
    let path = Path::new(prefix.trim()).join("etc/glance/glance-api-paste.ini");
    for (flavor, expected) in FLAVORS {
        let composites = Composites {
            url_maps: &["glance.api:root_app_factory"],
            flavored: &["glance.api:pipeline_factory"],
            flavor,
        };
        let name = if flavor.is_empty() { "glance-api".to_owned() } else { format!("glance-api-{flavor}") };
        let top = routes(load(&path, &name, &composites).unwrap());
        assert_eq!(factory(&App::route(&top, "/healthcheck").unwrap().app), "oslo_middleware:Healthcheck.app_factory");
        let App::Pipeline { filters, app } = &App::route(&top, "/v2/images").unwrap().app else { panic!("{flavor}") };
        let names: Vec<&str> = filters.iter().map(|filter| filter.section.trim_start_matches("filter:")).collect();
        assert_eq!(names[..4], ["cors", "http_proxy_to_wsgi", "versionnegotiation", "osprofiler"]);
        assert_eq!(names[4..].join(" "), *expected, "{flavor}");
        let versions = routes((**app).clone());
        assert_eq!(factory(&App::route(&versions, "/v2/images").unwrap().app), "glance.api.v2.router:API.factory");
        assert_eq!(factory(&App::route(&versions, "/").unwrap().app), "glance.api.versions:create_resource");
    }
}

fn routes(app: App) -> Vec<Route> {
    match app {
        App::UrlMap(routes) => routes,
        other => panic!("not a URL map: {other:?}"),
    }
}

fn factory(app: &App) -> &str {
    match app {
        App::Endpoint(part) => &part.factory,
        other => panic!("not an application of its own: {other:?}"),
    }
}
