use super::*;

const COMPOSITES: Composites<'static> =
    Composites { url_maps: &["svc:root_factory"], flavored: &["svc:pipeline_factory"], flavor: "" };

const SERVICE: &str = "\
[DEFAULT]
name = demo
data = %(here)s/data

[composite:svc]
paste.composite_factory = svc:root_factory
/: api
/health: health

[composite:api]
paste.composite_factory = svc:pipeline_factory
default = cors log root
secure = cors
    auth  log
    root

[composite:root]
use = egg:Paste#urlmap
/ = versions
/v2/ = v2

[app:versions]
paste.app_factory = svc.versions:create
[app:v2]
use = base
extra = 2
[app:base]
paste.app_factory = svc.v2:create
extra = 1
kept = %(data)s
[app:health]
paste.app_factory = svc:health
set name = other
get title = name

[filter:cors]
paste.filter_factory = cors:make
[filter:auth]
use = egg:auth#main
delay = true
[filter:log]
use = call:log:make
";

fn app(text: &str, name: &str, flavor: &str) -> Result<App, String> {
    let composites = Composites { flavor, ..COMPOSITES };
    load_text(text, Path::new("/etc/svc/paste.ini"), name, &composites).map_err(|error| error.to_string())
}

fn routes(app: App) -> Vec<Route> {
    match app {
        App::UrlMap(routes) => routes,
        other => panic!("not a URL map: {other:?}"),
    }
}

#[test]
fn a_service_is_described_for_each_flavor() {
    for (flavor, expected) in [("", &["cors", "log"][..]), ("secure", &["cors", "auth", "log"][..])] {
        let top = routes(app(SERVICE, "svc", flavor).unwrap());
        let App::Pipeline { filters, app } = &App::route(&top, "/v2/images").unwrap().app else {
            panic!("no pipeline")
        };
        let names: Vec<&str> = filters.iter().map(|f| f.section.trim_start_matches("filter:")).collect();
        assert_eq!(names, expected);
        let inner = routes((**app).clone());
        let App::Endpoint(v2) = &App::route(&inner, "/v2/images").unwrap().app else { panic!("no endpoint") };
        assert_eq!((v2.factory.as_str(), v2.local["extra"].as_str()), ("svc.v2:create", "2"));
        assert_eq!(v2.local["kept"], "/etc/svc/data");
        let App::Endpoint(versions) = &App::route(&inner, "/v2x").unwrap().app else { panic!("no endpoint") };
        assert_eq!((versions.section.as_str(), versions.line), ("app:versions", 22));
    }
}

#[test]
fn filters_know_their_factory_and_options() {
    let App::Pipeline { filters, .. } = app(SERVICE, "api", "secure").unwrap() else { panic!("no pipeline") };
    let found: Vec<(&str, usize)> = filters.iter().map(|f| (f.factory.as_str(), f.local.len())).collect();
    assert_eq!(found, [("cors:make", 0), ("egg:auth#main", 1), ("log:make", 0)]);
    assert_eq!(filters[0].global["name"], "demo");
}

#[test]
fn globals_are_set_and_taken() {
    let App::Endpoint(health) = app(SERVICE, "health", "").unwrap() else { panic!("no endpoint") };
    assert_eq!(health.local["title"], "other");
    assert_eq!(health.global["name"], "other");
}

#[test]
fn pipelines_and_wrapped_applications() {
    let text = "[pipeline:main]\npipeline = a inner\n[filter-app:inner]\nuse = egg:b\nnext = end\n\
                [app:end]\nuse = egg:c\nfilter-with = a\n[filter:a]\nuse = egg:a\n";
    let mut factories = Vec::new();
    let mut app = app(text, "main", "").unwrap();
    while let App::Pipeline { filters, app: inner } = app {
        factories.extend(filters.into_iter().map(|filter| filter.factory));
        app = *inner;
    }
    assert_eq!(factories, ["egg:a#main", "egg:b#main", "egg:a#main"]);
}

#[test]
fn errors_name_file_and_line() {
    for (text, message) in [
        ("[app:x]", "/etc/svc/paste.ini: there is no section [app:main], [pipeline:main] or [composite:main]"),
        (
            "[pipeline:main]\n\npipeline = a b\n[app:b]\nuse=egg:b",
            "/etc/svc/paste.ini:3: [pipeline:main]: there is no section [filter:a]",
        ),
        (
            "[pipeline:main]\npipeline = b",
            "/etc/svc/paste.ini:2: [pipeline:main]: there is no section [app:b], [pipeline:b] or [composite:b]",
        ),
        ("[pipeline:main]\npipeline =", "/etc/svc/paste.ini:2: [pipeline:main]: the pipeline is empty"),
        (
            "[pipeline:main]\npipeline = main",
            "/etc/svc/paste.ini:1: [pipeline:main]: sections lead to each other without an end",
        ),
        (
            "[app:main]\nuse = other\n[app:other]\nuse = main",
            "/etc/svc/paste.ini:1: [app:main]: sections lead to each other without an end",
        ),
        ("[app:main]\nx = 1", "/etc/svc/paste.ini:1: [app:main]: the section has neither a factory nor use ="),
        (
            "[app:main]\nuse = egg:a\n[pipeline:main]\n",
            "/etc/svc/paste.ini:3: [pipeline:main]: [app:main] and [pipeline:main] have the same name",
        ),
        (
            "[composite:main]\npaste.composite_factory = z",
            "/etc/svc/paste.ini:1: [composite:main]: the composite factory z is not known",
        ),
        (
            "[composite:main]\nuse = egg:Paste#urlmap\nv2 = a",
            "/etc/svc/paste.ini:2: [composite:main]: v2: a path starts with a slash",
        ),
        (
            "[app:main]\nuse = egg:a\nx = %(y)s",
            "/etc/svc/paste.ini:3: %(y)s is neither in the section nor in [DEFAULT]",
        ),
        ("[app:main", "/etc/svc/paste.ini:1: a section such as [name] must come first"),
    ] {
        assert_eq!(app(text, "main", "").unwrap_err(), message);
    }
    let error = app(SERVICE, "svc", "odd").unwrap_err();
    assert_eq!(
        error,
        "/etc/svc/paste.ini:10: [composite:api]: there is no pipeline for the flavor odd, only for default, secure"
    );
}

#[test]
fn other_files_are_followed() {
    let directory = tempfile::tempdir().unwrap();
    let [main, other] = ["main.ini", "other.ini"].map(|name| directory.path().join(name));
    std::fs::write(&main, "[app:main]\nuse = config:other.ini#x\n[app:y]\nuse = egg:y\n").unwrap();
    std::fs::write(&other, "[app:x]\nuse = config:main.ini#y\n[app:loop]\nuse = config:other.ini#loop\n").unwrap();
    let App::Endpoint(part) = load(&main, "main", &COMPOSITES).unwrap() else { panic!("no endpoint") };
    assert_eq!((part.factory.as_str(), part.file), ("egg:y#main", main));
    assert!(
        load(&other, "loop", &COMPOSITES)
            .unwrap_err()
            .to_string()
            .ends_with("sections lead to each other without an end")
    );
    assert!(matches!(load(&directory.path().join("nix"), "main", &COMPOSITES), Err(Error::Read { .. })));
}
